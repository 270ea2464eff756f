"""OpenTelemetry's switch that turns instrumentation off in a context.

`opentelemetry.instrumentation.utils` imports every propagator that `OTEL_PROPAGATORS` names, and
fails where one is not installed. Recording needs no propagator, so the switch is read by the
two context keys that the module defines (opentelemetry-instrumentation 0.55 and later).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYS = (
    otel_context._SUPPRESS_INSTRUMENTATION_KEY,  # noqa: SLF001  # the key is defined there alone
    "suppress_instrumentation",  # the key of OpenTelemetry's earlier releases, still honoured
)


def is_instrumentation_enabled() -> bool:
    """Whether nobody has suppressed instrumentation in the current context."""
    return not any(map(otel_context.get_value, _KEYS))


@contextlib.contextmanager
def suppress_instrumentation() -> Iterator[None]:
    """Suppress instrumentation in the context of the block."""
    context = otel_context.get_current()
    for key in _KEYS:
        context = otel_context.set_value(key, True, context)
    token = otel_context.attach(context)
    try:
        yield
    finally:
        otel_context.detach(token)
