"""Spans of a file of OTLP JSON lines, as views read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.errors import TraceFileError
from onnxspan.otlp_json import NEXT, attributes, read, whole
from onnxspan.reading.source import checked
from onnxspan.reading.source.gc_time import without_gc
from onnxspan.reading.source.trace import Event, Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_EVENTS = 10_000
"""Events of one span; onnxspan writes at most 100 and an exception."""


def read_spans(path: Path) -> list[Span]:
    """Every span in the file, those of other instrumentations included.

    Raises:
        TraceFileError: as `otlp_json.read`, or when no span is of onnxspan.
    """
    with without_gc():
        spans = read(path, _make)
    scopes = {span.scope for span in spans}
    if c.SCOPE not in scopes:
        others = ", ".join(sorted(filter(None, scopes))[:4])
        found = f"; its spans are of {others}" if others else ""
        raise TraceFileError(path, f"holds no span of onnxspan{found}", NEXT)
    return spans


def _make(group: dict[str, Any], scoped: dict[str, Any]) -> Iterator[Span]:
    resource = attributes(group.get("resource", {}))
    scope = str(scoped.get("scope", {}).get("name", ""))
    return (_from_otlp(raw, scope, resource) for raw in scoped["spans"])


def _from_otlp(raw: dict[str, Any], scope: str, resource: dict[str, Any]) -> Span:
    status = raw.get("status") or {}
    events = raw.get("events")
    return Span(
        name=c.torch_name(str(raw.get("name", ""))),  # OTLP leaves out what is empty
        trace_id=str(raw["traceId"]),
        span_id=str(raw["spanId"]),
        parent_id=str(raw.get("parentSpanId") or ""),
        start=whole(raw["startTimeUnixNano"]),
        end=whole(raw.get("endTimeUnixNano") or 0),
        attributes=checked.attributes(attributes(raw)),
        events=_events(events) if events else [],
        error=status.get("code") in (2, "STATUS_CODE_ERROR"),
        description=str(status.get("message", "")),
        scope=scope,
        resource=resource,
    )


def _events(raw: list[dict[str, Any]]) -> list[Event]:
    """The events of one span.

    Raises:
        ValueError: for more than anybody looks at: an event takes 100 times its bytes.
    """
    if len(raw) > MAX_EVENTS:
        raise ValueError(f"a span with more than {MAX_EVENTS:,} events")
    return [_event(event) for event in raw]


def _event(raw: dict[str, Any]) -> Event:
    return Event(
        str(raw.get("name", "")),
        whole(raw.get("timeUnixNano") or 0),
        checked.attributes(attributes(raw)),
    )
