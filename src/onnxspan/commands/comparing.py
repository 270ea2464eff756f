"""What `diff` and `growth` share: their output options, and writing a page whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from onnxspan.errors import OnnxspanError
from onnxspan.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --export, --json, --all and --html."""
    for option in (
        click.option("--html", metavar="PAGE", help="Write an HTML page instead of the text."),
        click.option("--all", "everything", is_flag=True, help="Show every row."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--export", type=click.IntRange(min=1), help="Take only the Nth export of every file."
        ),
    ):
        function = option(function)
    return function


def write_page(path: str, text: str) -> None:
    """Write a page, whole or not at all.

    Raises:
        OnnxspanError: when it cannot be written; nothing is then left of it.
    """
    try:
        write_text(path, text)
    except OSError as error:
        raise OnnxspanError(
            f"{path}: cannot be written: {error.strerror}. Give --html a file in a folder "
            "that you may write to"
        ) from error
    click.echo(f"Wrote {path}", err=True)


def show(text: RenderableType) -> None:
    """Print to stdout: in colours on a terminal, in plain text elsewhere."""
    from rich.console import Console  # only for text

    Console(highlight=False).print(text)
