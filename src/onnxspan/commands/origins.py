"""`onnxspan origins FILE`: which module, line and pass each node of the file comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onnxspan.errors import TraceFileError
from onnxspan.reading.origins import pipeline, view
from onnxspan.reading.origins.origins import of_export, of_step
from onnxspan.reading.source.trace import Trace

if TYPE_CHECKING:
    from onnxspan.reading.origins.origins import Origins


@click.command(
    "origins",
    short_help="Which layer and line each node of the file comes from.",
    epilog="Examples: onnxspan run --snapshots changed -o t.jsonl export.py; onnxspan origins "
    "t.jsonl; onnxspan origins t.jsonl --node /conv/Conv; onnxspan origins t.jsonl --largest 20",
)
@click.argument("file", type=click.Path())
@click.option("--node", metavar="NAME", help="One node of the file, by its name.")
@click.option("--module", metavar="PATH", help="What a module of the model became.")
@click.option("--line", metavar="FILE:LINE", help="What a line of the model became.")
@click.option(
    "--largest", type=click.IntRange(min=1), metavar="N", help="The N largest constants."
)
@click.option(
    "--export",
    "number",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which export of the trace, counted from 1.",
)
@click.option(
    "--step",
    metavar="NAME",
    help="The model that a step after the export made, such as onnxslim.slim.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the map as JSON.")
def command(
    file: str,
    node: str | None,
    module: str | None,
    line: str | None,
    largest: int | None,
    number: int,
    step: str | None,
    *,
    as_json: bool,
) -> None:
    """Show where the nodes and constants of an exported file come from.

    FILE is a trace that was recorded with snapshots: `onnxspan run --snapshots changed -o FILE`.
    Without an option the nodes are listed by module, with the bytes of its constants.
    """
    found = _read(file, number, step)
    chosen = view.chosen(found, file, node=node, module=module, line=line)
    if as_json:
        if largest is not None:
            chosen = view.with_largest(chosen, largest)
        click.echo(json.dumps(chosen.as_json(), indent=1, ensure_ascii=False))
        return
    if largest is not None:
        text = view.largest(found, largest)
    elif node is not None or module is not None or line is not None:
        text = view.nodes(chosen)
    else:
        text = view.by_module(found)
    click.echo(text)


def _read(file: str, number: int, step: str | None) -> Origins:
    trace = Trace.read(Path(file))
    if step is not None:
        return of_step(trace, pipeline.named(trace, step))
    if number > len(trace.exports):
        raise TraceFileError(
            file,
            f"holds {len(trace.exports)} export(s), so there is no number {number}",
            "Record an export, then try again" if not trace.exports else "Give a smaller --export",
        )
    return of_export(trace, trace.exports[number - 1])
