"""Spans of a saved file as OpenTelemetry's own objects again, so that any exporter takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from onnxspan import otlp_json
from onnxspan.otlp_json import attributes, whole

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_KINDS = {1: SpanKind.INTERNAL, 2: SpanKind.SERVER, 3: SpanKind.CLIENT, 4: SpanKind.PRODUCER}
_CONSUMER = 5


def read(path: str | os.PathLike[str]) -> list[ReadableSpan]:
    """Read every span of a file of OTLP JSON lines, whoever made it.

    Raises:
        TraceFileError: as `otlp_json.read`.
    """
    return otlp_json.read(path, _make)


def _make(group: dict[str, Any], scoped: dict[str, Any]) -> Iterator[ReadableSpan]:
    resource = Resource(attributes(group.get("resource", {})), group.get("schemaUrl"))
    given = scoped.get("scope", {})
    scope = InstrumentationScope(
        str(given.get("name", "")),
        given.get("version"),
        scoped.get("schemaUrl"),
        attributes(given),
    )
    return (_span(raw, resource, scope) for raw in scoped["spans"])


def _span(raw: dict[str, Any], resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    context = _context(raw, str(raw["traceId"]), str(raw["spanId"]))
    parent = raw.get("parentSpanId")
    status = raw.get("status") or {}
    is_error = status.get("code") in (2, "STATUS_CODE_ERROR")
    is_ok = status.get("code") in (1, "STATUS_CODE_OK")
    code = StatusCode.ERROR if is_error else StatusCode.OK if is_ok else StatusCode.UNSET
    return ReadableSpan(
        name=str(raw.get("name", "")),
        context=context,
        parent=_context(raw, str(raw["traceId"]), str(parent)) if parent else None,
        resource=resource,
        attributes=attributes(raw),
        events=[_event(event) for event in raw.get("events") or ()],
        links=[
            Link(
                _context(link, str(link["traceId"]), str(link["spanId"])),
                attributes(link),
            )
            for link in raw.get("links") or ()
        ],
        kind=_kind(raw.get("kind", 1)),
        status=Status(code, status.get("message") if is_error else None),
        start_time=whole(raw["startTimeUnixNano"]),
        end_time=whole(raw.get("endTimeUnixNano") or 0),
        instrumentation_scope=scope,
    )


def _event(raw: dict[str, Any]) -> Event:
    return Event(
        str(raw.get("name", "")),
        attributes(raw),
        whole(raw.get("timeUnixNano") or 0),
    )


def _context(raw: dict[str, Any], trace_id: str, span_id: str) -> SpanContext:
    state = TraceState.from_header([raw["traceState"]]) if raw.get("traceState") else None
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), False, TraceFlags(TraceFlags.SAMPLED), state
    )


def _kind(raw: int | str) -> SpanKind:
    if isinstance(raw, str):
        return SpanKind[raw.removeprefix("SPAN_KIND_")]
    return SpanKind.CONSUMER if raw == _CONSUMER else _KINDS.get(raw, SpanKind.INTERNAL)
