"""One open recording: what `trace()` and the instrumentor each hold.

A session wraps only the few functions that can begin an export. The rest of an exporter is
wrapped when such a call enters and restored when it leaves, so that nothing outside an
export ever meets a wrapper (and torch._dynamo never caches one in its rule maps).
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import wrapt

from onnxspan.conventions import SCOPE, Level
from onnxspan.recording.call import describe_error
from onnxspan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Tracer, TracerProvider

    from onnxspan.recording.call import Call, Export


class Listener(Protocol):
    """Is told of every stage and pass as it begins and ends, inside the export's own thread.

    What a listener raises is counted and kept away from the export. One that has a method
    `entering(call)` is told before the span begins too: the place for work that takes time,
    which would else be counted as the pass's own. There are more such methods, told by
    `Session.tell`: `heard(call, event, attributes)` of a warning or log line,
    `node_entered(call)` at level `nodes`, `node_failed(call, error)` at every level, and
    `closed()` when the session closes.
    """

    def entered(self, call: Call) -> None:
        """The wrapped function is about to run."""

    def left(self, call: Call, error: BaseException | None) -> None:
        """It has returned or raised; `call.attributes` is complete, the span not yet ended.

        `call.result` is what it returned, until the span ends.
        """

    def finished(self, export: Export) -> None:
        """The root has ended."""


_innermost: contextvars.ContextVar[Session | None] = contextvars.ContextVar(
    "onnxspan_session", default=None
)
_open: list[Session] = []
_lock = threading.Lock()


class Session:
    """Collects the spans of the exports that run while it is open.

    Args:
        level: how deep to record.
        tracer_provider: whose spans to make; None takes the configured global provider,
            or a private one that keeps them in memory.
        listeners: told of every stage and pass.
        clock: nanoseconds, monotonic; fixed in tests.
        epoch: what to add to the clock to get Unix time in nanoseconds; None measures it.
        wait_for_torch: do not import torch on opening, but begin when somebody does: a script
            may set what torch reads from the environment first.
    """

    def __init__(
        self,
        level: Level = Level.PASSES,
        tracer_provider: TracerProvider | None = None,
        listeners: Sequence[Listener] = (),
        clock: Callable[[], int] = time.perf_counter_ns,
        epoch: int | None = None,
        wait_for_torch: bool = False,
    ) -> None:
        self.level = level
        self.tracer_provider = tracer_provider
        self.listeners = list(listeners)
        self._told: dict[str, list[Callable[..., None]]] = {}
        self.entering = [
            listener.entering for listener in self.listeners if hasattr(listener, "entering")
        ]
        self.clock = clock
        self.epoch = epoch
        self.spans: list[ReadableSpan] = []
        self.errors: list[str] = []
        self.parent: Session | None = None
        self.is_open = False
        self.wait_for_torch = wait_for_torch
        self._holds = False
        self._tracer: tuple[TracerProvider, Tracer] | None = None
        self._token: contextvars.Token[Session | None] | None = None

    def open(self) -> None:
        """Wrap what can begin an export, and receive the exports that follow.

        Raises:
            RuntimeError: when this session is open already.
        """
        if self.is_open:
            raise RuntimeError(
                "this trace is open already: leave its `with` block first, or make a second trace()"
            )
        with _lock:
            self.parent = _innermost.get()
            self._token = _innermost.set(self)
            _open.append(self)
            self.is_open = True
        try:
            if self.wait_for_torch and "torch.onnx" not in sys.modules:
                wrapt.register_post_import_hook(self._hold_later, "torch.onnx")
            else:
                self._hold()
            with contextlib.suppress(Exception):  # met again, and counted, in the export
                self.tracer()
        except BaseException:
            self._leave()
            raise

    def _hold(self) -> None:
        from onnxspan.recording import recorder  # noqa: PLC0415  # it imports this module

        recorder.hold_openers()
        self._holds = True

    def _hold_later(self, _module: object) -> None:
        # torch.onnx has just been imported, perhaps long after this session was closed. What
        # goes wrong here must not break somebody's import.
        if self.is_open and not self._holds:
            try:
                self._hold()
            except Exception as error:
                self.note_errors([describe_error("wrapping torch.onnx", error)])

    def close(self) -> None:
        """Stop receiving exports; the last session to close restores everything."""
        from onnxspan.recording import recorder  # noqa: PLC0415  # it imports this module

        if not self.is_open:
            return
        is_last = self._leave()
        if not self._holds:
            return
        self._holds = False
        try:
            recorder.release_openers(is_last)
        except Exception as error:
            self.note_errors([describe_error("restoring", error)])
        errors: list[str] = []
        self.tell(errors, "closed")
        self.note_errors(errors)

    def _leave(self) -> bool:
        """No longer receive exports; whether this was the last open session."""
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

    def tell(self, errors: list[str], what: str, *args: Any) -> None:
        """Call the optional method `what` of the listeners that have it; never raises."""
        methods = self._told.get(what)
        if methods is None:
            found = (getattr(listener, what, None) for listener in self.listeners)
            methods = self._told[what] = [method for method in found if method is not None]
        for method in methods:
            try:
                method(*args)
            except Exception as error:
                errors.append(describe_error(f"listener, {what}", error))

    def tracer(self) -> Tracer:
        """The tracer that makes this session's spans."""
        from opentelemetry import trace as otel  # noqa: PLC0415  # keeps `import onnxspan` light

        provider = self.tracer_provider
        if provider is None:
            configured = otel.get_tracer_provider()
            is_set = not isinstance(configured, otel.ProxyTracerProvider | otel.NoOpTracerProvider)
            provider = configured if is_set else private_provider()
        # The SDK touches the warning filters here, which makes Python show once-a-place
        # warnings again: so once for a provider, on opening, and not inside each export.
        if self._tracer is None or self._tracer[0] is not provider:
            self._tracer = provider, provider.get_tracer(SCOPE, __version__)
        return self._tracer[1]

    def collect(self, span: Any) -> None:
        """Keep an ended span, here and in the sessions around this one."""
        self.spans.append(span)
        if self.parent is not None and self.parent.is_open:
            self.parent.collect(span)

    def note_errors(self, errors: list[str]) -> None:
        """Keep what went wrong in onnxspan itself, here and in the sessions around this one."""
        self.errors.extend(errors)
        if self.parent is not None:
            self.parent.note_errors(errors)


_private: list[TracerProvider] = []


def private_provider() -> TracerProvider:
    """The provider without processors that serves whoever has configured none."""
    if not _private:
        from opentelemetry.sdk.trace import TracerProvider as SdkProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

        _private.append(SdkProvider(sampler=ALWAYS_ON, shutdown_on_exit=False))
    return _private[0]


def private_tracer() -> Tracer:
    """The tracer of that provider."""
    return private_provider().get_tracer(SCOPE, __version__)


def note_unrecorded(line: str) -> None:
    """Keep an error of onnxspan that met no export: on the session opened last."""
    with _lock:
        for session in _open[-1:]:
            session.note_errors([line])


def receiving() -> Session | None:
    """The session that receives an export begun here and now.

    The innermost one open in this context; in a thread that was started without one, the
    one opened last in the process.
    """
    session = _innermost.get()
    while session is not None and not session.is_open:
        session = session.parent
    if session is None and _open:
        with _lock:
            return _open[-1] if _open else None
    return session
