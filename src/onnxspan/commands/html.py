"""`onnxspan html FILE`: the trace as one HTML file."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from onnxspan.errors import OnnxspanError


@click.command("html")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write it; FILE with the suffix .html when not given.",
)
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
def command(file: Path, output: Path | None, show: bool) -> None:
    """Write FILE's trace as one self-contained HTML page.

    The page needs no network and no server: send it along with an issue.
    """
    from onnxspan.reading import report  # only for this command
    from onnxspan.reading.source.trace import Trace

    trace = Trace.read(file)
    target = output or file.with_suffix(".html")
    if target == file:
        raise click.UsageError(f"{file} would be overwritten by its report: give -o OUT.html")
    try:
        report.save(trace, target)
    except OSError as error:
        raise OnnxspanError(
            f"{target}: cannot be written: {error.strerror or error}. Give another place with -o"
        ) from error
    click.echo(str(target))
    if show:
        webbrowser.open(target.resolve().as_uri())
