"""`onnxspan show FILE`: the tree of a file."""

from __future__ import annotations

import json
import sys

import click

from onnxspan.commands import diffs
from onnxspan.errors import TraceFileError
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.trace_json import as_json
from onnxspan.reading.tree import tree


@click.command(
    epilog="Examples: onnxspan show export.jsonl --unfold; onnxspan show export.jsonl --json | jq ."
)
@click.argument("file", type=click.Path())
@click.option("--unfold", "--all", is_flag=True, help="Give every span its own line.")
@click.option("--width", type=click.IntRange(min=40), help="Fit so many columns.")
@click.option("--pass", "name", metavar="NAME", help="With --diff: the pass to show.")
@click.option("--diff", is_flag=True, help="Show what passes changed in the graph.")
@click.option("--json", "to_json", is_flag=True, help="Print nested JSON, for programs.")
def command(  # click passes them by name
    file: str, unfold: bool, width: int | None, name: str | None, diff: bool, to_json: bool
) -> None:
    """Show the exports in FILE, which `onnxspan run -o` or `trace.save` wrote."""
    if name is not None and not diff:
        raise click.UsageError("--pass goes with --diff: onnxspan show FILE --pass NAME --diff")
    trace = Trace.read(file)
    if diff:
        diffs.show(trace, name)
    elif to_json:
        try:
            text = json.dumps(as_json(trace), indent=1)
        except RecursionError as error:
            raise TraceFileError(
                file, "has spans nested too deep for JSON", "Show it without --json"
            ) from error
        click.echo(text)
    else:
        tree.show(trace, unfold=unfold, width=width, file=sys.stdout)
