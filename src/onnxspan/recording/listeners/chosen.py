"""Which listeners a recording has, from the options of `trace()`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level
from onnxspan.recording.faults import describe_error, goes_on
from onnxspan.recording.listeners.capture import Capture
from onnxspan.recording.listeners.flight import FlightLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.metrics import MeterProvider

    from onnxspan.recording.listeners.base import Listener
    from onnxspan.recording.listeners.hooks import Hook
    from onnxspan.recording.outputs.outputs import Outputs
    from onnxspan.recording.session import Session


def listeners(
    level: Level,
    *,
    beside: str | os.PathLike[str] | None = None,
    flight: bool = True,
    log: Any = False,
    native_log: bool | str | Sequence[str] = False,
    hooks: list[Hook] | None = None,
) -> list[Listener]:
    """The listeners in the order in which they are entered; they are left in reverse.

    Raises:
        ValueError: for a `native_log` that names no C++ file, or at level `stages`, which
            has no passes.
    """
    made: list[Listener] = [Capture()]
    if flight:
        made.append(FlightLog(beside))
    if log is not False and log is not None:
        from onnxspan.recording.listeners.logs import LogEvents  # only who asks needs it

        made.append(LogEvents(None if log is True else log))
    if hooks:
        from onnxspan.recording.listeners.hooks import UserHooks  # only who asks needs it

        made.append(UserHooks(hooks))
    if native_log:
        from onnxspan.recording.listeners.native_log import NativeLog  # as above

        if level < Level.PASSES:
            raise ValueError("native_log belongs to passes: use level 'passes' or 'nodes' with it")
        made.append(NativeLog(native_log))  # the last: nearest to the pass
    return made


def senders(
    session: Session,
    meter_provider: MeterProvider | None,
    endpoints: Sequence[Any],
    outputs: Sequence[Any],
) -> tuple[list[Listener], Outputs | None]:
    """The listeners that send metrics and spans, and what sends the spans; None where nothing does."""
    found: list[Listener] = []
    if meter_provider is not None or _may_have_meters():
        from onnxspan.recording.listeners import metrics  # the API takes 4 ms to import

        try:
            found += metrics.listeners(meter_provider)
        except Exception as error:  # OTEL_PYTHON_METER_PROVIDER may name what is not installed
            if goes_on(error):
                raise
            session.note_errors([describe_error("metrics", error)])
    if not endpoints and not outputs:
        return found, None
    from onnxspan.recording.outputs.outputs import Outputs  # only who asks needs it

    sending = Outputs(endpoints, list(outputs))
    sending.session = session
    return [*found, sending], sending


def _may_have_meters() -> bool:
    """Whether a meter provider can be configured: by who has imported the API, or by a variable."""
    return "opentelemetry.metrics" in sys.modules or "OTEL_PYTHON_METER_PROVIDER" in os.environ
