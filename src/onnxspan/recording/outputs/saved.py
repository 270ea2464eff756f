"""Spans of a saved file as OpenTelemetry's own objects again, so that any exporter takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from onnxspan.errors import TraceFileError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

_NEXT = "Give a file that `trace.save(...)` or `onnxspan run -o FILE.jsonl` wrote"
_KINDS = {1: SpanKind.INTERNAL, 2: SpanKind.SERVER, 3: SpanKind.CLIENT, 4: SpanKind.PRODUCER}
_CONSUMER = 5


def read(path: str | os.PathLike[str]) -> list[ReadableSpan]:
    """Read every span of a file of OTLP JSON lines, whoever made it.

    Raises:
        TraceFileError: when the file is missing, is not such a file, or holds no span.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise TraceFileError(
            source, f"cannot be read: {error.strerror or error}", _NEXT
        ) from error
    spans: list[ReadableSpan] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            spans.extend(_line(json.loads(line)))
        except (
            ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError,
        ) as error:  # fmt: skip
            raise TraceFileError(
                source, f"line {number} is not a line of OTLP JSON spans ({error!r:.80})", _NEXT
            ) from error
    if not spans:
        raise TraceFileError(source, "holds no span", _NEXT)
    return spans


def _line(line: dict[str, Any]) -> Iterator[ReadableSpan]:
    for group in line["resourceSpans"]:
        resource = Resource(
            _attributes(group.get("resource", {}).get("attributes", ())), group.get("schemaUrl")
        )
        for scoped in group["scopeSpans"]:
            given = scoped.get("scope", {})
            scope = InstrumentationScope(
                str(given.get("name", "")),
                given.get("version"),
                scoped.get("schemaUrl"),
                _attributes(given.get("attributes", ())),
            )
            for raw in scoped["spans"]:
                yield _span(raw, resource, scope)


def _span(raw: dict[str, Any], resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    context = _context(raw, str(raw["traceId"]), str(raw["spanId"]))
    parent = raw.get("parentSpanId")
    status = raw.get("status", {})
    is_error = status.get("code") in (2, "STATUS_CODE_ERROR")
    is_ok = status.get("code") in (1, "STATUS_CODE_OK")
    code = StatusCode.ERROR if is_error else StatusCode.OK if is_ok else StatusCode.UNSET
    return ReadableSpan(
        name=str(raw["name"]),
        context=context,
        parent=_context(raw, str(raw["traceId"]), str(parent)) if parent else None,
        resource=resource,
        attributes=_attributes(raw.get("attributes", ())),
        events=[_event(event) for event in raw.get("events", ())],
        links=[
            Link(
                _context(link, str(link["traceId"]), str(link["spanId"])),
                _attributes(link.get("attributes", ())),
            )
            for link in raw.get("links", ())
        ],
        kind=_kind(raw.get("kind", 1)),
        status=Status(code, status.get("message") if is_error else None),
        start_time=int(raw["startTimeUnixNano"]),
        end_time=int(raw.get("endTimeUnixNano", 0)),
        instrumentation_scope=scope,
    )


def _event(raw: dict[str, Any]) -> Event:
    return Event(
        str(raw.get("name", "")),
        _attributes(raw.get("attributes", ())),
        int(raw.get("timeUnixNano", 0)),
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


def _attributes(raw: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {str(entry["key"]): _value(entry.get("value", {})) for entry in raw}


def _value(raw: dict[str, Any]) -> Any:
    """A value of OTLP JSON: 64-bit integers are strings there, and doubles may be too."""
    for kind, value in raw.items():
        if kind == "intValue":
            return int(value)
        if kind == "doubleValue":
            return float(value)
        if kind == "arrayValue":
            return [_value(item) for item in value.get("values", ())]
        return value
    return None
