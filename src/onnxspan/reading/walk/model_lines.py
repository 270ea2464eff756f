"""The lines of the user's model that the nodes of a step come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading.source import snapshots
from onnxspan.reading.text import printable

if TYPE_CHECKING:
    from onnxspan.graph_record import Node
    from onnxspan.reading.source.trace import Span, Trace

MAX_LINES = 3


def model_lines(trace: Trace, span: Span) -> list[str]:
    """The lines of the nodes that a step made or removed, each as `file:line` and the line's text.

    Empty without snapshots, and for nodes of which torch does not say the line.
    """
    root = span.holder(c.SNAPSHOT_SOURCE)
    if root is None or c.SNAPSHOT_GRAPH_AFTER not in span.attributes:
        return []
    try:
        before = snapshots.record(trace, span, c.SNAPSHOT_GRAPH_BEFORE)
        after = snapshots.record(trace, span, c.SNAPSHOT_GRAPH_AFTER)
        texts = snapshots.source_lines(trace, root)
    except snapshots.SnapshotError:
        return []  # the diff of the step says it
    if before is None or after is None:
        return []
    old, new = before.walk(), after.walk()
    places = dict.fromkeys(_places(old, new) + _places(new, old))
    found = [
        f"{file}:{line}  {printable(texts.get(file, {}).get(str(line), '').strip())}".rstrip()
        for file, line in list(places)[:MAX_LINES]
    ]
    return found + [f"and {len(places) - MAX_LINES} more lines"] * (len(places) > MAX_LINES)


def _places(nodes: list[Node], others: list[Node]) -> list[tuple[str, int]]:
    """The files and lines of the nodes that are not among the others."""
    known = {node.id for node in others}
    return [(node.file, node.line) for node in nodes if node.file and node.id not in known]
