"""A call's span: started and ended with the recorder's own clock, in the user's OTel context."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace as otel

from onnxspan import conventions as c
from onnxspan.recording import resource
from onnxspan.recording.faults import goes_on
from onnxspan.recording.graphs import origin
from onnxspan.recording.light_span import LIGHT_TRACER, LightSpan, encodable
from onnxspan.recording.trampoline import NAME as WRAPPER_NAME

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from onnxspan.recording.call import Call, Export

MESSAGE_LIMIT = 8_000
"""Characters of an exception's message that are kept: torch puts whole graphs into some."""
STACKTRACE_LIMIT = 32_000
DESCRIPTION_LIMIT = 240
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # torch.onnx colours its errors


def start(call: Call) -> None:
    """Start the call's span at `call.began`, and make it the current one."""
    export = call.export
    began = export.epoch + call.began
    # Only the root may join a trace from outside; every other span has a parent here.
    context = _around(export) if call.parent is None else None
    span: Span = otel.INVALID_SPAN
    recording = False
    try:
        span = export.tracer.start_span(call.name, context, start_time=began)
        recording = span.is_recording()
    except Exception as error:  # a span processor of the user's that raises, say
        if goes_on(error):
            raise
        export.note_error(f"starting the span of {call.name}", error)
    if not recording:
        # A span that a sampler drops, or one without an SDK, is kept in memory all the same. It
        # has the ids and flags of the dropped one: what is made inside follows the decision.
        ids = span.get_span_context()
        above = otel.get_current_span(context).get_span_context()
        if ids.is_valid and ids.span_id != above.span_id:
            span = LIGHT_TRACER.in_place_of(call.name, context, began, ids)
            if call.parent is None:  # no part of a trace that was not chosen is sent
                export.tracer = LIGHT_TRACER
                export.is_dropped = True
        else:
            span = LIGHT_TRACER.start_span(call.name, context, start_time=began)
    export.span_count += 1
    call.span = span
    call.id = _id(span)
    call.otel_token = otel_context.attach(otel.set_span_in_context(span))


def _around(export: Export) -> Context | None:
    """The context of a root: the current one, the script's span, or the pipeline's trace."""
    within = export.session.within
    if (
        within is None
        or export.tracer is not LIGHT_TRACER  # the provider's spans do not know of the script's
        or otel.get_current_span().get_span_context().is_valid
    ):
        return resource.context()
    export.session.has_joined = True
    return otel.set_span_in_context(otel.NonRecordingSpan(within))


def start_node(call: Call, around: Call) -> None:
    """Start the span of a node below that of the nearest call around it.

    One of ours is not made the current one: that would be a fifth of its cost.
    """
    export = call.export
    while around.span is None and around.parent is not None:
        around = around.parent
    if export.tracer is not LIGHT_TRACER or not isinstance(around.span, LightSpan):
        start(call)
        return
    call.span = span = LightSpan(call.name, around.span, export.epoch + call.began)
    call.id = b"%016x" % span.id
    export.span_count += 1


def _id(span: Span) -> bytes:
    number = span.id if isinstance(span, LightSpan) else span.get_span_context().span_id
    return b"%016x" % number


def detach(call: Call) -> None:
    """Make the span that was current before the call current again."""
    if call.otel_token is not None:
        otel_context.detach(call.otel_token)
        call.otel_token = None


def end(call: Call, ended: int) -> None:
    """Give the span its attributes, end it at `ended`, and hand it to the session."""
    span = call.span
    if span is None:
        return
    try:
        attributes = {**call.target.constants, **call.attributes}
        if call.probe.per_node is not None and c.LINE in attributes:
            # The line is of the user's model: the function beside it would be another's.
            attributes.pop(c.FUNCTION, None)
        if call.sums:
            attributes.update(call.sums_as_attributes())
        if call.parent is None:
            attributes = dict(sorted(attributes.items(), key=_in_root))
        if isinstance(span, LightSpan):
            span.attributes = {**span.attributes, **attributes} if span.attributes else attributes
        else:
            span.set_attributes(encodable(attributes))
        span.end(end_time=call.export.epoch + ended)
    finally:  # a span processor of the user's may raise; the span is not lost for that
        for receiver in call.export.receivers:
            receiver.collect(span)


def _in_root(attribute: tuple[str, Any]) -> tuple[bool, bool]:
    """Backends show a root's attributes in their order: model and sizes first, long lists last."""
    name, value = attribute
    return isinstance(value, list | tuple), name.startswith("code.")


def short(message: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """The first line of a message without colours, cut to a limit.

    A line that ends with a colon only announces what the next one says: it comes with that one.
    """
    lines = [line.strip() for line in _COLOURS.sub("", message).strip().splitlines()]
    first = lines[0] if lines else ""
    following = next((line for line in lines[1:] if line), "")
    if first.endswith(":") and following:
        first = f"{first} {following}"
    return first if len(first) <= limit else first[: limit - 1] + "…"


def record_failure(call: Call, error: BaseException, ended: int) -> None:
    """Mark the span as failed; the exception itself is recorded once, where it is met first."""
    span = call.span
    if span is None:
        return
    name = type(error).__qualname__
    full = origin.full_name(type(error))
    message = origin.message_of(error)
    call.attributes[c.ERROR_TYPE] = full
    description = encodable({"": f"{name}: {short(message)}"})[""]
    span.set_status(otel.Status(otel.StatusCode.ERROR, description))
    if call.export.failure is error:
        return
    call.export.failure = error
    entry = error.__traceback__
    if entry is not None and entry.tb_frame.f_code.co_name == WRAPPER_NAME:
        entry = entry.tb_next  # the caller of the wrapper called the function itself, untraced
    text = "".join(traceback.format_exception(type(error), error, entry))
    event: dict[str, Any] = {
        c.EXCEPTION_TYPE: full,
        c.EXCEPTION_MESSAGE: message[:MESSAGE_LIMIT],
        c.EXCEPTION_STACKTRACE: text[-STACKTRACE_LIMIT:],
    }
    try:
        event.update(origin.describe(call, error))
    except Exception as own:  # the exception itself is worth more than where it came from
        if goes_on(own):
            raise
        call.export.note_error("telling a failure", own)
    event = encodable(event)
    span.add_event(c.EXCEPTION_EVENT, event, timestamp=call.export.epoch + ended)
