"""A span tree, from memory or from a file: what every view is made of."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.errors import TraceFileError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan


@dataclasses.dataclass(eq=False)
class Span:
    """One span. Times are Unix nanoseconds; ids are lower-case hexadecimal.

    Attributes:
        error: whether its status is ERROR; `description` is then the status's message.
        end: 0 for a span that never ended.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[Event]
    error: bool
    description: str
    scope: str
    resource: dict[str, Any]
    parent: Span | None = None
    children: list[Span] = dataclasses.field(default_factory=list)

    @property
    def duration(self) -> float:
        """Seconds from start to end; 0.0 for a span that never ended."""
        return max(self.end - self.start, 0) / 1e9 if self.end else 0.0

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute, or the default."""
        return self.attributes.get(key, default)

    def walk(self) -> Iterator[Span]:
        """This span and all below it, in the order of the calls."""
        stack = [self]
        while stack:
            span = stack.pop()
            yield span
            stack.extend(reversed(span.children))


@dataclasses.dataclass
class Event:
    """A point in a span's time: an exception, or a line of a log."""

    name: str
    time: int
    attributes: dict[str, Any]


class Trace:
    """One or several exports, each a tree of spans.

    Attributes:
        roots: the spans without a parent in this trace, in order of time.
        source: the file it was read from, or "memory".
    """

    def __init__(self, spans: Iterable[Span], source: str = "memory") -> None:
        self.source = source
        listed = sorted(spans, key=lambda span: (span.start, -span.end))
        by_id = {(span.trace_id, span.span_id): span for span in listed}
        self.roots: list[Span] = []
        for span in listed:
            span.children = []
            span.parent = by_id.get((span.trace_id, span.parent_id)) if span.parent_id else None
            if span.parent is span:  # a broken file must not make us loop
                span.parent = None
            if span.parent is None:
                self.roots.append(span)
            else:
                span.parent.children.append(span)

    @property
    def spans(self) -> list[Span]:
        """Every span, root by root, in the order of the calls."""
        return [span for root in self.roots for span in root.walk()]

    @property
    def exports(self) -> list[Span]:
        """The root span of each export: those of onnxspan that say which exporter ran."""
        return [span for span in self.spans if c.EXPORTER in span.attributes]

    @classmethod
    def from_spans(cls, spans: Iterable[ReadableSpan]) -> Trace:
        """Build the tree from ended OpenTelemetry SDK spans."""
        return cls(_from_readable(span) for span in spans)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Trace:
        """Read a file of OTLP JSON lines, as `trace.save` writes it.

        Raises:
            TraceFileError: when the file is missing, cannot be read, or is not such a file.
        """
        return cls(_read_spans(Path(path)), source=str(path))


def _from_readable(span: ReadableSpan) -> Span:
    context = span.get_span_context()
    parent = span.parent
    status = span.status
    return Span(
        name=c.torch_name(span.name),
        trace_id=format(context.trace_id, "032x") if context else "",
        span_id=format(context.span_id, "016x") if context else "",
        parent_id=format(parent.span_id, "016x") if parent is not None else "",
        start=span.start_time or 0,
        end=span.end_time or 0,
        attributes={key: _plain(value) for key, value in (span.attributes or {}).items()},
        events=[
            Event(
                event.name,
                event.timestamp,
                {key: _plain(value) for key, value in (event.attributes or {}).items()},
            )
            for event in span.events
        ],
        error=status.status_code.name == "ERROR",
        description=status.description or "",
        scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
        resource=dict(span.resource.attributes) if span.resource else {},
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_NEXT = "Give a file that `trace.save(...)` or `onnxspan run -o FILE.jsonl` wrote"


def _read_spans(path: Path) -> list[Span]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TraceFileError(path, f"cannot be read: {error.strerror or error}", _NEXT) from error
    if data[:2] == b"\x1f\x8b":
        raise TraceFileError(path, "is gzip", f"Unpack it first: `gunzip -k {path}`")
    spans: list[Span] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            spans.extend(_read_line(path, number, line))
    if not any(span.scope == c.SCOPE for span in spans):
        raise TraceFileError(path, "holds no span of onnxspan", _NEXT)
    return spans


def _read_line(path: Path, number: int, line: bytes) -> Iterator[Span]:
    try:
        for group in json.loads(line)["resourceSpans"]:
            resource = _attributes(group.get("resource", {}).get("attributes", ()))
            for scoped in group["scopeSpans"]:
                scope = scoped.get("scope", {}).get("name", "")
                for raw in scoped["spans"]:
                    yield _from_otlp(raw, scope, resource)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TraceFileError(
            path, f"line {number} is not a line of OTLP JSON spans ({error!r:.80})", _NEXT
        ) from error


def _from_otlp(raw: dict[str, Any], scope: str, resource: dict[str, Any]) -> Span:
    status = raw.get("status", {})
    return Span(
        name=c.torch_name(str(raw["name"])),
        trace_id=str(raw["traceId"]),
        span_id=str(raw["spanId"]),
        parent_id=str(raw.get("parentSpanId", "")),
        start=int(raw["startTimeUnixNano"]),
        end=int(raw.get("endTimeUnixNano", 0)),
        attributes=_attributes(raw.get("attributes", ())),
        events=[
            Event(
                str(event.get("name", "")),
                int(event.get("timeUnixNano", 0)),
                _attributes(event.get("attributes", ())),
            )
            for event in raw.get("events", ())
        ],
        error=status.get("code") in (2, "STATUS_CODE_ERROR"),
        description=str(status.get("message", "")),
        scope=scope,
        resource=resource,
    )


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
        if kind == "kvlistValue":
            return _attributes(value.get("values", ()))
        return value
    return None
