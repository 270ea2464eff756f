"""One open recording: what `trace()` and the instrumentor each hold.

A session wraps only the few functions that can begin an export. The rest of an exporter is
wrapped when such a call enters and restored when it leaves, so that nothing outside an
export ever meets a wrapper (and torch._dynamo never caches one in its rule maps).
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as otel
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from onnxspan.conventions import SCHEMA_URL, SCOPE, Level
from onnxspan.recording import forks
from onnxspan.recording.light_span import LIGHT_TRACER, LightSpan, readable
from onnxspan.recording.listeners.base import Listener
from onnxspan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Tracer, TracerProvider

    from onnxspan.recording.light_span import LightTracer
    from onnxspan.recording.listeners.base import Listener
    from onnxspan.recording.patching import Target
    from onnxspan.recording.probe import Probe


_logger = logging.getLogger("onnxspan")

_innermost: contextvars.ContextVar[Session | None] = contextvars.ContextVar(
    "onnxspan_session", default=None
)
_open: list[Session] = []
_lock = threading.Lock()
forks.renew(sys.modules[__name__], "_lock", threading.Lock)


class Session:
    """Collects the spans of the exports that run while it is open.

    Args:
        level: how deep to record.
        tracer_provider: whose spans to make; None takes the configured global provider,
            or ours, which keeps them in memory.
        listeners: told of every stage and pass.
        clock: nanoseconds, monotonic; fixed in tests.
        epoch: what to add to the clock to get Unix time in nanoseconds; None measures it.
        process_wide: receive the exports of every thread and context until it is closed, and
            keep no spans: the instrumentor's door.
        probes: rows of the user's own, wrapped beside ours while an export runs.
        packs: rows of packs, wrapped as the script imports their libraries.
        wait_for_torch: do not import torch on opening, but begin when somebody does: a script
            may set what torch reads from the environment first.

    Attributes:
        within: the span that exports belong to where no other is current: of the script.
        has_joined: whether an export was begun within it.
    """

    def __init__(
        self,
        level: Level = Level.PASSES,
        tracer_provider: TracerProvider | None = None,
        listeners: Sequence[Listener] = (),
        clock: Callable[[], int] = time.perf_counter_ns,
        epoch: int | None = None,
        wait_for_torch: bool = False,
        *,
        process_wide: bool = False,
        probes: Sequence[Probe] = (),
        packs: Sequence[Probe] = (),
    ) -> None:
        self.level = level
        self.probes = tuple(probes)
        self.packs = tuple(packs)
        self.packs_held: list[Target] = []
        self.begun: dict[str, int] = {}
        self.user_targets: dict[Probe, list[Target]] = {}
        self.user_held: list[Target] = []
        self.entry_points_held: list[Target] = []
        self.said: set[str] = set()
        self.tracer_provider = tracer_provider
        self.listeners: list[Listener] = list(listeners)
        self.clock = clock
        self.epoch = epoch
        self.process_wide = process_wide
        self._collected: list[ReadableSpan | LightSpan] = []
        self.errors: list[str] = []
        self.parent: Session | None = None
        self.is_open = False
        self.wait_for_torch = wait_for_torch
        self.holds = False
        self.tracer: tuple[TracerProvider, Tracer] | None = None
        self.within: SpanContext | None = None
        self.has_joined = False
        self._token: contextvars.Token[Session | None] | None = None

    def join(self, traceparent: str) -> None:
        """Let exports belong to a span of another process, as W3C Trace Context names it."""
        carrier = {"traceparent": traceparent}
        above = otel.get_current_span(TraceContextTextMapPropagator().extract(carrier))
        self.within = above.get_span_context() if traceparent else None

    def register(self) -> None:
        """Receive the exports that follow.

        Raises:
            RuntimeError: when this session is open already.
        """
        if self.is_open:
            raise RuntimeError(
                "this trace is open already: leave its `with` block first, or make a second trace()"
            )
        with _lock:
            if not self.process_wide:
                # A session that was left in another thread or task, or before one around it, is
                # still the innermost here: a closed one is nobody's parent.
                self.parent = next(
                    (one for one in _around(_innermost.get()) if one.is_open and one is not self),
                    None,
                )
                self._token = _innermost.set(self)
            _open.append(self)
            self.is_open = True

    def unregister(self) -> bool:
        """Receive no more exports; whether this was the last open session."""
        with _lock:
            self.is_open = False
            _open.remove(self)
            is_last = not _open
        # Closed in another context (thread) than it was opened in, there is nothing to reset.
        with contextlib.suppress(ValueError):
            if self._token is not None:
                _innermost.reset(self._token)
        self._token = None
        return is_last

    def collect(self, span: Any) -> None:
        """Keep an ended span."""
        if not self.process_wide:
            self._collected.append(span)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The ended spans, in the order of their ends."""
        return [readable(span) for span in self._collected]

    def kept_from(self, first: int) -> list[ReadableSpan | LightSpan]:
        """Those from a number on, as they are kept: `readable` makes them the SDK's."""
        return self._collected[first:]

    @property
    def span_count(self) -> int:
        """How many have ended."""
        return len(self._collected)

    def is_beyond(self, probe: Probe) -> bool:
        """Whether the recording has as many spans of a pack's row as it gets; said once."""
        begun = self.begun[probe.name] = self.begun.get(probe.name, 0) + 1
        if begun <= probe.most or self.level >= Level.NODES:
            return False
        if probe.name not in self.said:
            self.said.add(probe.name)
            self.note_errors(
                [f"{probe.name}: {probe.most} calls are recorded, further ones are not"]
            )
        return True

    def note_errors(self, errors: list[str]) -> None:
        """Keep what went wrong in onnxspan itself."""
        if self.process_wide:  # nobody would read a list that lives as long as the process
            for line in errors:
                _logger.warning("onnxspan, an error of its own: %s", line)
        else:
            self.errors.extend(errors)


def _around(session: Session | None) -> list[Session]:
    """A session and those around it, each once.

    Sessions that were left in another order than they were entered may be around each other.
    """
    found: list[Session] = []
    while session is not None and session not in found:
        found.append(session)
        session = session.parent
    return found


def note_unrecorded(line: str) -> None:
    """Keep an error of onnxspan that met no export: on the session opened last."""
    with _lock:
        for session in _open[-1:]:
            session.note_errors([line])


def is_any_open() -> bool:
    """Whether a session is open, or is just about to wrap what it needs."""
    return bool(_open)


def receiving() -> tuple[Session, ...]:
    """The sessions that receive an export begun here and now; none when none is open.

    First the one that decides on clock and tracer: the innermost one open in this context
    or, in a thread that was started without one, the one opened last in the process. Then
    those around it, then those that are open for the whole process. The export is recorded
    once, whoever receives it.
    """
    if not _open:
        return ()
    with _lock:
        listed = list(_open)
    scoped = [session for session in listed if not session.process_wide]
    receivers = [session for session in _around(_innermost.get()) if session.is_open]
    if not receivers and scoped:
        receivers = [session for session in _around(scoped[-1]) if session.is_open]
    return (*receivers, *(session for session in reversed(listed) if session.process_wide))


def tracer(receivers: Sequence[Session]) -> Tracer | LightTracer:
    """The tracer that makes an export's spans.

    Of the first receiver that was given a provider; else of the configured global one; else
    ours, whose spans are kept in memory.
    """
    given = [session.tracer_provider for session in receivers if session.tracer_provider]
    provider = given[0] if given else otel.get_tracer_provider()
    if isinstance(provider, otel.ProxyTracerProvider | otel.NoOpTracerProvider) and not given:
        return LIGHT_TRACER
    # The SDK touches the warning filters here, which makes Python show once-a-place warnings
    # again: so once for a provider, on opening, and not inside each export.
    first = receivers[0]
    if first.tracer is None or first.tracer[0] is not provider:
        first.tracer = provider, provider.get_tracer(SCOPE, __version__, schema_url=SCHEMA_URL)
    return first.tracer[1]
