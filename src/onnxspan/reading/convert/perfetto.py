"""A trace as Chrome trace events, which Perfetto and Chrome's tracing page read.

The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span, Trace

COUNTERS = (
    ("nodes", c.NODES, "nodes"),
    ("parameter bytes", c.PARAMETER_BYTES, "bytes"),
    ("resident memory", c.MEMORY_RSS, "bytes"),
)
"""Name of a counter track, the attribute that it shows, and the name of its series."""


def text(trace: Trace) -> str:
    """The whole file, JSON; times are microseconds after the first span's beginning."""
    data = {
        "displayTimeUnit": "ms",
        "otherData": {"source": trace.source, "made by": "onnxspan"},
        "traceEvents": list(_events(trace)),
    }
    return json.dumps(data, ensure_ascii=True, allow_nan=False)


def _events(trace: Trace) -> Iterator[dict[str, Any]]:
    began = min((root.start for root in trace.roots), default=0)
    last = max((max(span.end, span.start) for span in trace.spans), default=began)
    for number, root in enumerate(trace.roots, 1):
        yield _named("process_name", number, f"{number}: {root.name}")
        yield _named("thread_name", number, "export")
        yield from _spans(root, number, began, last)
        yield from _counters(root, number, began)


def _named(what: str, process: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": process, "tid": process, "args": {"name": name}}


def _spans(root: Span, process: int, began: int, last: int) -> Iterator[dict[str, Any]]:
    for span in root.walk():
        end = span.end or last  # a span that never ended lasts to the last moment known
        yield {
            "ph": "X",
            "name": span.name,
            "cat": str(span.get(c.LEVEL, "user")) + (",failed" if span.error else ""),
            "pid": process,
            "tid": process,
            "ts": (span.start - began) / 1e3,
            "dur": max(end - span.start, 0) / 1e3,
            "args": _arguments(span),
        }
        for event in span.events:
            yield {
                "ph": "i",
                "s": "t",
                "name": event.name,
                "pid": process,
                "tid": process,
                "ts": (event.time - began) / 1e3,
                "args": {key: plain(value) for key, value in event.attributes.items()},
            }


def _arguments(span: Span) -> dict[str, Any]:
    found = {key: plain(value) for key, value in span.attributes.items()}
    if span.error:
        found["error"] = span.description
    if not span.end:
        found["unfinished"] = True
    return found


def _counters(root: Span, process: int, began: int) -> Iterator[dict[str, Any]]:
    for span in sorted(root.walk(), key=lambda one: one.end):
        for name, key, series in COUNTERS:
            value = span.get(key)
            if span.end and isinstance(value, int) and not isinstance(value, bool):
                yield {
                    "ph": "C",
                    "name": name,
                    "pid": process,
                    "ts": (span.end - began) / 1e3,
                    "args": {series: value},
                }


def plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become text."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
