"""`onnxspan convert FILE --to perfetto|speedscope`: the trace for another viewer."""

from __future__ import annotations

from pathlib import Path

import click

from onnxspan.errors import OnnxspanError
from onnxspan.files import write_text

FORMATS = ("perfetto", "speedscope")
VIEWERS = {
    "perfetto": "Open it at https://ui.perfetto.dev",
    "speedscope": "Open it at https://www.speedscope.app",
}


@click.command(
    "convert",
    short_help="Write a trace for Perfetto or speedscope.",
    epilog="Example: onnxspan convert t.jsonl --to perfetto -o t.perfetto.json",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", "to", type=click.Choice(FORMATS), required=True, help="The viewer.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write it; FILE with the suffix .perfetto.json or .speedscope.json when not given.",
)
def command(file: Path, to: str, output: Path | None) -> None:
    """Write FILE's trace in the format of another viewer.

    Perfetto (and Chrome's tracing page) gets trace events with counter tracks for nodes, bytes
    and memory; speedscope gets its own file format.
    """
    from onnxspan.reading.convert import perfetto, speedscope  # only for this command
    from onnxspan.reading.source.trace import Trace

    target = output or file.with_suffix(f".{to}.json")
    if target == file:
        raise click.UsageError(f"{file} would be overwritten: give -o OUT.json")
    trace = Trace.read(file)
    text = {"perfetto": perfetto.text, "speedscope": speedscope.text}[to](trace)
    try:
        write_text(target, text)
    except OSError as error:
        raise OnnxspanError(
            f"{target}: cannot be written: {error.strerror or error}. Give another place with -o"
        ) from error
    click.echo(str(target))
    click.echo(VIEWERS[to], err=True)
