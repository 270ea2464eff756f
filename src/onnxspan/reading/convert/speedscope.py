"""A trace in speedscope's own file format.

The schema: https://www.speedscope.app/file-format-schema.json
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.version import __version__

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span, Trace

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def text(trace: Trace) -> str:
    """The whole file, JSON: one evented profile for each root, times in nanoseconds."""
    frames: dict[tuple[str, str, int], int] = {}
    profiles = [_profile(root, frames) for root in trace.roots]
    data = {
        "$schema": SCHEMA,
        "name": trace.source,
        "exporter": f"onnxspan {__version__}",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(*key) for key in frames]},
        "profiles": profiles,
    }
    return json.dumps(data, ensure_ascii=True, allow_nan=False)


def _frame(name: str, file: str, line: int) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name}
    if file:
        found["file"] = file
    if line:
        found["line"] = line
    return found


def _profile(root: Span, frames: dict[tuple[str, str, int], int]) -> dict[str, Any]:
    last = max(max(span.end, span.start) for span in root.walk())
    events: list[dict[str, Any]] = []
    # Spans of a file may overlap by rounding; speedscope wants events in order, well nested.
    at = root.start
    stack: list[tuple[Span, bool, int]] = [(root, True, last)]
    while stack:
        span, entering, limit = stack.pop()
        key = span.name, str(span.get(c.FILE, "")), span.number(c.LINE) or 0
        frame = frames.setdefault(key, len(frames))
        if not entering:
            at = max(at, min(span.end or last, limit))
            events.append({"type": "C", "frame": frame, "at": at - root.start})
            continue
        at = max(at, min(span.start, limit))
        events.append({"type": "O", "frame": frame, "at": at - root.start})
        end = min(span.end or last, limit)
        stack.append((span, False, limit))
        stack.extend((child, True, end) for child in reversed(span.children))
    return {
        "type": "evented",
        "name": root.name,
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": max(last - root.start, at - root.start),
        "events": events,
    }
