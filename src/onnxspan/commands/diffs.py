"""`onnxspan show FILE --pass NAME --diff`: what a pass changed in the graph."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from onnxspan.errors import OnnxspanError
from onnxspan.reading.source import snapshots
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span, Trace

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show(trace: Trace, name: str | None) -> None:
    """Print the diffs of every pass, or of those called `name`, to stdout.

    Raises:
        OnnxspanError: when the trace has no snapshot of such a pass, or the files are missing.
    """
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for span in _chosen(trace, name):
        if snapshots.has_before_alone(span):
            console.print(Text(f"the graph before {one_line(span.name)}, which failed:", "bold"))
            for line in snapshots.before(trace, span).splitlines():
                console.print(Text(one_line(line.replace("\t", "    "))))
            continue
        text = snapshots.diff(trace, span)
        for line in text.splitlines() or [f"{span.name}: nothing changed in the graph"]:
            style = "bold" if line[:3] in ("+++", "---") else _STYLES.get(line[:1], "")
            console.print(Text(one_line(line.replace("\t", "    ")), style=style))


def _chosen(trace: Trace, name: str | None) -> list[Span]:
    kept = [
        span
        for span in trace.spans
        if snapshots.has_snapshot(span) or (snapshots.has_before_alone(span) and _is_origin(span))
    ]
    if not kept:
        raise OnnxspanError(
            f"{trace.source}: holds no snapshots. "
            'Record with `onnxspan run --snapshots changed` or `trace(snapshots="changed")`'
        )
    chosen = [span for span in kept if name in (None, span.name)]
    if not chosen:
        names = ", ".join(dict.fromkeys(span.name for span in kept))
        raise OnnxspanError(
            f"{trace.source}: no snapshot of {name}: it did not run, or changed nothing. "
            f"There are snapshots of {names}"
        )
    return chosen


def _is_origin(span: Span) -> bool:
    """Whether a failure began here: the steps around it were given the same graph."""
    return not any(snapshots.has_before_alone(below) for below in span.walk() if below is not span)
