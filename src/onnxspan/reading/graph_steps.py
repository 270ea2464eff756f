"""The graphs of a trace for the report's Graph view: the passes in order, and packed records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading.packing import packed
from onnxspan.reading.source import snapshots

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span, Trace

MAX_PACKED = 900_000
"""Characters of all packed records together, so that a report stays below 2 MB."""


def graph_steps(trace: Trace, index: dict[int, int]) -> tuple[dict[str, Any], list[str]]:
    """The passes of a trace with the names of their graphs, and each graph once.

    Args:
        trace: with snapshots; without any the result is empty.
        index: by a span's id in memory, its number in the report.

    Returns:
        `steps`: of each pass its `span`, `name`, whether it `changed` the graph, and the names of
        the graphs `before` and `after`. `records`: by name, zlib-compressed JSON in base64. And
        notices of what is missing.
    """
    steps: list[dict[str, Any]] = []
    records: dict[str, str] = {}
    notices: list[str] = []
    room = MAX_PACKED
    for span in trace.spans:
        if c.SNAPSHOT_CHANGED not in span.attributes:
            continue
        step: dict[str, Any] = {
            "span": index[id(span)],
            "name": span.name,
            "changed": bool(span.get(c.SNAPSHOT_CHANGED)),
        }
        found, problem = _packed(trace, span, records)
        if problem:
            notices.append(problem)
        elif found is not None:
            size = sum(map(len, found.values()))
            if size > room:
                notices.append(
                    f"The graphs of {span.name} and later passes are left out of the Graph view, "
                    "so that this page stays small: onnxspan walk shows them."
                )
                room = 0
            else:
                room -= size
                records.update(found)
                step["before"] = span.get(c.SNAPSHOT_GRAPH_BEFORE)
                step["after"] = span.get(c.SNAPSHOT_GRAPH_AFTER)
        steps.append(step)
    if not records:
        return {"steps": [], "records": {}, "sources": {}}, list(dict.fromkeys(notices))
    sources: dict[str, dict[str, str]] = {}
    for root in trace.exports:
        try:
            for file, lines in snapshots.source_lines(trace, root).items():
                sources.setdefault(file, {}).update(lines)
        except snapshots.SnapshotError as error:
            notices.append(str(error))
    found_all = {"steps": steps, "records": records, "sources": sources}
    return found_all, list(dict.fromkeys(notices))


def _packed(trace: Trace, span: Span, known: dict[str, str]) -> tuple[dict[str, str] | None, str]:
    """The two graphs of a pass, those that are not packed yet; and why they cannot be read."""
    found: dict[str, str] = {}
    keys = (c.SNAPSHOT_GRAPH_BEFORE, c.SNAPSHOT_GRAPH_AFTER)
    if any(key not in span.attributes for key in keys):
        return None, ""
    for key in keys:
        name = str(span.get(key))
        try:
            record = snapshots.record(trace, span, key)
        except snapshots.SnapshotError as error:
            return None, str(error)
        if record is not None and name not in known:
            found[name] = packed(record.dump())
    return found, ""
