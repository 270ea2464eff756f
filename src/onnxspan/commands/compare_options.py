"""What `diff` and `growth` share: which exports of the files, and how the result is given."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Any

import click

from onnxspan.errors import OnnxspanError
from onnxspan.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType


@dataclasses.dataclass(frozen=True)
class Output:
    """The options that both commands have.

    Attributes:
        export: which export of every file, counted from 1; None for all.
        html: the page to write instead of the text.
    """

    export: int | None
    as_json: bool
    everything: bool
    html: str | None

    def give(
        self,
        page: Callable[[], str],
        data: Callable[[], dict[str, Any]],
        text: Callable[[], RenderableType],
    ) -> None:
        """Write the page, or print data or text, as it was asked for.

        Raises:
            OnnxspanError: when the page cannot be written; nothing is then left of it.
        """
        if self.html is not None:
            _write_page(self.html, page())
        if self.as_json:
            click.echo(json.dumps(data()))
        elif self.html is None or self.everything:
            from rich.console import Console  # only for text; in colours on a terminal alone

            Console(highlight=False).print(text())


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --export, --json, --all and --html, and hand them over as one `output`."""

    @functools.wraps(function)
    def command(
        *, export: int | None, as_json: bool, everything: bool, html: str | None, **others: Any
    ) -> Any:
        return function(output=Output(export, as_json, everything, html), **others)

    wrapped: Callable[..., Any] = command
    for option in (
        click.option("--html", metavar="PAGE", help="Write an HTML page instead of the text."),
        click.option("--all", "everything", is_flag=True, help="Show every row."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--export", type=click.IntRange(min=1), help="Take only the Nth export of every file."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def _write_page(path: str, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        raise OnnxspanError(
            f"{path}: cannot be written: {error.strerror}. Give --html a file in a folder "
            "that you may write to"
        ) from error
    click.echo(f"Wrote {path}", err=True)
