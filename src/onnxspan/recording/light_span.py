"""The spans of a trace that stays in memory: light while the export runs, the SDK's when read.

A span of OpenTelemetry's SDK takes 40 us to make, fill and end between two passes, which
is a third of what tracing would cost. Where no tracer provider is configured nobody sees a span
before it is read, so all that is kept of it meanwhile is its values. It is a span like any
other to who asks for the current one: their own spans become its children.
"""

from __future__ import annotations

import functools
import os
import random
import time
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as otel

from onnxspan.conventions import SCHEMA_URL, SCOPE
from onnxspan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

_FLAGS = otel.TraceFlags(otel.TraceFlags.SAMPLED | getattr(otel.TraceFlags, "RANDOM_TRACE_ID", 0))
_UNSET = otel.Status(otel.StatusCode.UNSET)

# Not the module's own generator: a model may draw from that, and must draw the same.
_random = random.Random()  # noqa: S311  # ids need to be different, not secret
if hasattr(os, "register_at_fork"):  # a fork's child must not give out its parent's ids
    os.register_at_fork(after_in_child=_random.seed)


class LightSpan(otel.Span):
    """A span's values, as they are set.

    Args:
        parent: the span above; an invalid context for a root.
        context: its ids; None makes a new one in the parent's trace.

    Attributes:
        id: the span's own number, 64 bits.
        name: as torch's source writes it.
        attributes: set once, when the span ends.
        events: name, attributes and Unix time in nanoseconds of each.
    """

    __slots__ = (
        "_context", "_parent", "_readable", "attributes", "end_time", "events", "id", "name",
        "start_time", "status",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        parent: LightSpan | otel.SpanContext,
        start_time: int,
        context: otel.SpanContext | None = None,
    ) -> None:
        self.name = name
        self.start_time = start_time
        self.end_time: int | None = None
        self.attributes: dict[str, Any] = {}
        self.events: list[tuple[str, Any, int]] = []
        self.status = _UNSET
        self.id = _random.getrandbits(64) or 1 if context is None else context.span_id
        self._context = context
        self._parent = parent
        self._readable: ReadableSpan | None = None

    def get_span_context(self) -> otel.SpanContext:
        """The ids: the trace, flags and state of the parent, a number of its own."""
        if self._context is None:
            above = self._above()
            self._context = otel.SpanContext(
                above.trace_id, self.id, False, above.trace_flags, above.trace_state
            )
        return self._context

    def _above(self) -> otel.SpanContext:
        parent = self._parent
        return parent.get_span_context() if isinstance(parent, LightSpan) else parent

    def is_recording(self) -> bool:
        """Whether it has not ended yet."""
        return self.end_time is None

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several."""
        self.attributes.update(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one."""
        self.attributes[key] = value

    def update_name(self, name: str) -> None:
        """Set the name."""
        self.name = name

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Add an event; without a timestamp, of now."""
        self.events.append((name, attributes, time.time_ns() if timestamp is None else timestamp))

    def set_status(
        self, status: otel.Status | otel.StatusCode, description: str | None = None
    ) -> None:
        """Set the status."""
        if isinstance(status, otel.StatusCode):
            status = otel.Status(status, description)
        self.status = status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add an event of an exception: for who holds the current span; ours adds its own."""
        told = {
            "exception.type": type(exception).__qualname__,
            "exception.message": str(exception),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**told, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End it, once; at a Unix time in nanoseconds, or now."""
        if self.end_time is None:
            self.end_time = time.time_ns() if end_time is None else end_time

    def readable(self) -> ReadableSpan:
        """The same as the SDK's span, its attributes checked as the SDK checks them."""
        if self._readable is None:
            self._readable = self._build()
        return self._readable

    def _build(self) -> ReadableSpan:
        from opentelemetry.attributes import BoundedAttributes
        from opentelemetry.sdk.trace import Event, ReadableSpan

        above = self._above()
        return ReadableSpan(
            name=_utf8(self.name),
            context=self.get_span_context(),
            parent=above if above.is_valid else None,
            resource=resource(),
            attributes=BoundedAttributes(attributes=encodable(self.attributes)),
            events=[
                Event(name, BoundedAttributes(attributes=encodable(attributes)), timestamp)
                for name, attributes, timestamp in self.events
            ],
            status=otel.Status(self.status.status_code, _utf8(self.status.description))
            if self.status.description
            else self.status,
            start_time=self.start_time,
            end_time=self.end_time,
            instrumentation_scope=_scope(),
        )


def encodable(attributes: Any) -> Any:
    """Attributes whose text is valid UTF-8; a lone surrogate would keep its whole batch back.

    An exception's text has surrogates where a path is not UTF-8: they become escapes.
    """
    if not attributes:
        return attributes
    return {key: _utf8(value) for key, value in attributes.items()}


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list | tuple) and value and isinstance(value[0], str):
        return [_utf8(item) for item in value]
    return value


class LightTracer:
    """Makes spans as an SDK's tracer does that samples all and has no processor."""

    def start_span(self, name: str, context: Context | None, start_time: int) -> LightSpan:
        """A span below the one that is current in `context`, or a root."""
        above = otel.get_current_span(context)
        if isinstance(above, LightSpan):
            return LightSpan(name, above, start_time)
        parent = above.get_span_context()
        trace_id, flags = parent.trace_id, parent.trace_flags
        if not parent.is_valid:
            trace_id, flags = _random.getrandbits(128) or 1, _FLAGS
        ids = otel.SpanContext(
            trace_id, _random.getrandbits(64) or 1, False, otel.TraceFlags(flags),
            parent.trace_state,
        )  # fmt: skip
        return LightSpan(name, parent, start_time, ids)

    def in_place_of(
        self, name: str, context: Context | None, start_time: int, ids: otel.SpanContext
    ) -> LightSpan:
        """A span with the ids and flags of one that a sampler has dropped."""
        above = otel.get_current_span(context)
        parent = above if isinstance(above, LightSpan) else above.get_span_context()
        return LightSpan(name, parent, start_time, ids)


LIGHT_TRACER = LightTracer()


def readable(span: ReadableSpan | LightSpan) -> ReadableSpan:
    """A span as the SDK's; one that is one already is returned as it is."""
    return span.readable() if isinstance(span, LightSpan) else span


def resource() -> Resource:
    """Who made the spans; found out once in each process, when its first trace is read."""
    return _resource_of(os.getpid())


@functools.cache
def _resource_of(_process: int) -> Resource:
    from onnxspan.recording import resource

    return resource.resource()


@functools.cache
def _scope() -> Any:
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return InstrumentationScope(SCOPE, __version__, SCHEMA_URL)
