"""A warning, log record or line of a C++ pass goes onto the span it belongs to, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.light_span import encodable
from onnxspan.recording.listeners.base import notify

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

MAX_EVENTS = 100
"""Events one span keeps; OpenTelemetry's own limit is 128, of which it cuts silently."""
MESSAGE_LIMIT = 2_000


def add_event(call: Call, event: str, attributes: dict[str, Any]) -> None:
    """Add an event to the nearest span around `call`, and tell the listeners that hear.

    Beyond `MAX_EVENTS` an event is counted on the span, and no listener hears it.
    """
    operator = call.working or call.operator
    if operator and c.NODE_OPERATOR not in attributes:
        attributes = {**attributes, c.NODE_OPERATOR: operator}
    holder: Call | None = call
    while holder is not None and holder.span is None:
        holder = holder.parent
    if holder is None or holder.span is None:
        return
    if len(getattr(holder.span, "events", ())) >= MAX_EVENTS:
        holder.attributes[c.EVENTS_DROPPED] = holder.attributes.get(c.EVENTS_DROPPED, 0) + 1
        return
    export = call.export
    attributes = encodable(attributes)
    holder.span.add_event(event, attributes, timestamp=export.epoch + export.clock())
    notify(call, export.listeners.on_event, holder, event, attributes)
