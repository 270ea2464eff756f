"""`onnxspan show FILE`: the tree of a file."""

from __future__ import annotations

import json
import sys

import click

from onnxspan.reading import tree
from onnxspan.reading.jsonable import as_json
from onnxspan.reading.trace import Trace


@click.command(
    epilog="Examples: onnxspan show export.jsonl --unfold; onnxspan show export.jsonl --json | jq ."
)
@click.argument("file", type=click.Path())
@click.option("--unfold", "--all", is_flag=True, help="Give every span its own line.")
@click.option("--width", type=click.IntRange(min=40), help="Fit so many columns.")
@click.option("--json", "to_json", is_flag=True, help="Print nested JSON, for programs.")
def command(file: str, unfold: bool, width: int | None, to_json: bool) -> None:
    """Show the exports in FILE, which `onnxspan run -o` or `trace.save` wrote."""
    trace = Trace.read(file)
    if to_json:
        click.echo(json.dumps(as_json(trace), indent=1))
    else:
        tree.show(trace, unfold=unfold, width=width, file=sys.stdout)
