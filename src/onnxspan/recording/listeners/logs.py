"""The same story as structured logs: one event as a stage or pass begins, one as it ends.

Silent unless asked. The library never configures structlog; where the application has not
done so either, events go to the standard logger `onnxspan`.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.graphs import origin
from onnxspan.recording.listeners.base import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from opentelemetry.trace import Span

    from onnxspan.recording.call import Call

_SHORT = 240


def add_span_ids(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: adds `trace_id` and `span_id` of the current OpenTelemetry span.

    Flat, lower-case hexadecimal, as OTLP writes them. An event outside any span, or one that
    has the keys already, is left as it is.
    """
    from opentelemetry.trace import get_current_span  # keeps the import light

    context = get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", format(context.trace_id, "032x"))
        event.setdefault("span_id", format(context.span_id, "016x"))
    return event


def default_logger() -> Any:
    """Structlog's logger where it is configured, else the standard logger `onnxspan`."""
    import structlog  # only who asks for logs needs it

    if structlog.is_configured():
        return structlog.get_logger("onnxspan")
    return _bound(logging.getLogger("onnxspan"))


_TAKEN = {"message": "said", "module": "model_module"}
"""Fields whose names a standard log record has for something else, and their names there."""


def _with_fields(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    """A structlog processor: the event as one text, and its fields as those of the record.

    A formatter that writes JSON (structlog's with `ExtraAdder`, python-json-logger, OpenTelemetry's
    handler) has each field as a key; any other shows the text.
    """
    import structlog  # only who asks for logs needs it

    fields = {_TAKEN.get(name, name): value for name, value in event.items()}
    render = structlog.processors.KeyValueRenderer(key_order=["event", "span"])
    return (str(render(logger, method, event)),), {"extra": fields}


def _bound(logger: logging.Logger) -> Any:
    import structlog  # only who asks for logs needs it

    return structlog.wrap_logger(
        logger,
        processors=[
            structlog.stdlib.filter_by_level,
            _with_fields,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )


class LogEvents(Listener):
    """Listener that emits the events.

    Args:
        logger: a structlog logger or a standard one; None takes `default_logger()`.
    """

    def __init__(self, logger: Any = None) -> None:
        if logger is None:
            logger = default_logger()
        self._logger = _bound(logger) if isinstance(logger, logging.Logger) else logger

    def entered(self, call: Call) -> None:
        """`entered`, at info for a stage, at debug for a pass."""
        self._emit(call, _level(call), "entered", **_identity(call), rss_bytes=call.rss)

    def left(self, call: Call, error: BaseException | None) -> None:
        """`left` with duration and sizes, or `failed` with the error."""
        told = _identity(call)
        ended = call.export.clock()
        told["duration_s"] = round((ended - call.began) / 1e9, 6)
        for key, name in _FIGURES:
            if key in call.attributes:
                told[name] = call.attributes[key]
        if error is None:
            self._emit(call, _level(call), "left", **told)
        else:
            # What a stage around it handles is not the end: only the root's failure is an error.
            level = "error" if call.parent is None else "warning"
            self._emit(call, level, "failed", **told, **_error(error))

    def node_failed(self, call: Call, error: BaseException) -> None:
        """`failed` for one operator, with what is known of it."""
        told = _identity(call)
        for key, name in _NODE:
            if key in call.attributes:
                told[name] = call.attributes[key]
        self._emit(call, "warning", "failed", **told, **_error(error))

    def on_event(self, call: Call, event: str, attributes: dict[str, Any]) -> None:
        """`warning`, `torch log` or `native log`: what was said inside the span."""
        told = _identity(call)
        for key, name in _SAID:
            if key in attributes:
                told[name] = attributes[key]
        if event == c.NATIVE_LOG_EVENT:
            self._emit(call, "debug", "native log", **told)
            return
        said = str(attributes.get(c.LOG_LEVEL, "")).lower()
        level = said if said in ("debug", "info", "warning", "error", "critical") else "info"
        self._emit(call, level, "warning" if event == c.WARNING_EVENT else "torch log", **told)

    def _emit(self, call: Call, level: str, event: str, **told: Any) -> None:
        # An OpenTelemetry log record takes its ids from the current span, which is the parent's
        # by the time a call has left.
        with contextlib.nullcontext() if call.span is None else _current(call.span):
            getattr(self._logger, level)(event, **told)


_FIGURES = (
    (c.NODES, "nodes"),
    (c.NODES_CHANGE, "nodes_change"),
    (c.MEMORY_RSS, "rss_bytes"),
    (c.MEMORY_GROWTH, "growth_bytes"),
    (c.MEMORY_PEAK, "peak_bytes"),
    (c.EVENTS_DROPPED, "events_dropped"),
)
_NODE = (
    (c.NODE_OPERATOR, "operator"),
    (c.NODE_SCOPE, "module"),
    (c.FILE, "file"),
    (c.LINE, "line"),
)
_SAID = (
    (c.LOG_MESSAGE, "message"),
    (c.WARNING_CATEGORY, "category"),
    (c.LOG_LOGGER, "torch_logger"),
    (c.LOG_LEVEL, "said_at"),
    (c.NODE_OPERATOR, "operator"),
    (c.FILE, "file"),
    (c.LINE, "line"),
)


@contextlib.contextmanager
def _current(span: Span) -> Iterator[None]:
    from opentelemetry import context, trace  # keeps the import light

    token = context.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        context.detach(token)


def _level(call: Call) -> str:
    return "info" if call.probe.level is c.Level.STAGES else "debug"


def _identity(call: Call) -> dict[str, Any]:
    """Name, level and ids: the event's own span, whichever span is current."""
    told: dict[str, Any] = {
        "span": getattr(call.span, "name", call.probe.name),
        "span_level": call.probe.level.name.lower(),
    }
    if call.span is not None:
        context = call.span.get_span_context()
        told["trace_id"] = format(context.trace_id, "032x")
        told["span_id"] = format(context.span_id, "016x")
    return told


def _error(error: BaseException) -> dict[str, Any]:
    message = str(error).strip().split("\n")[0]
    # The name that the span and the metrics bear too, so that they can be joined.
    return {"error_type": origin.full_name(type(error)), "error": message[:_SHORT]}
