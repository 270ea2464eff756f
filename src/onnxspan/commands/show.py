"""`onnxspan show FILE`: the tree of a file."""

from __future__ import annotations

import sys

import click

from onnxspan.reading import tree
from onnxspan.reading.trace import Trace


@click.command(epilog="Example: onnxspan show export.jsonl --unfold")
@click.argument("file", type=click.Path())
@click.option("--unfold", "--all", is_flag=True, help="Give every span its own line.")
@click.option("--width", type=click.IntRange(min=40), help="Fit so many columns.")
def command(file: str, unfold: bool, width: int | None) -> None:
    """Show the exports in FILE, which `onnxspan run -o` or `trace.save` wrote."""
    tree.show(Trace.read(file), unfold=unfold, width=width, file=sys.stdout)
