"""The instrumentor: `opentelemetry-instrument python export.py` with no change of code."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from onnxspan.conventions import Level
from onnxspan.recording.listeners.base import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from opentelemetry.trace import Span

    from onnxspan.recording.call import Call
    from onnxspan.recording.session import Session

LEVEL_VARIABLE = "ONNXSPAN_LEVEL"
"""Environment variable: the level where `instrument()` is given none."""


class TorchOnnxInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # the base class is untyped
    """Records every `torch.onnx.export` of the process, until `uninstrument()`.

    `instrument()` takes:

    - `tracer_provider`, `meter_provider`: None takes the configured ones.
    - `level`: `"stages"`, `"passes"` or `"nodes"`; None takes `ONNXSPAN_LEVEL`, or `passes`.
    - `probes`: functions of your own that get spans too, as `onnxspan.trace` takes them.
    - `request_hook(span, arguments)`: called when an export has begun, with its span and a
      dictionary of the arguments of `torch.onnx.export` as they were passed.
    - `response_hook(span, error)`: called before the export's span ends, with its exception
      or None.

    What a hook raises is counted on the span and kept away from the export. An export in a
    `with onnxspan.trace()` block is recorded once, and reaches both.
    """

    _session: Session | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The packages that are instrumented, with the versions that are known to work."""
        return ("torch >= 2.1",)

    def _instrument(self, **kwargs: Any) -> None:
        # Here, so that loading the entry point does not import what only recording needs.
        from onnxspan.recording.listeners import metrics
        from onnxspan.recording.opening import open_session
        from onnxspan.recording.probes.user import rows
        from onnxspan.recording.session import Session

        level = kwargs.get("level")
        session = Session(
            _level_of_environment() if level is None else Level.parse(level),
            kwargs.get("tracer_provider"),
            # `opentelemetry-instrument` comes before the script, and before its import of torch.
            wait_for_torch=True,
            process_wide=True,
            probes=rows(kwargs.get("probes") or ()),
        )
        session.listeners += metrics.listeners(kwargs.get("meter_provider"), proxy=True)
        hooks = (kwargs.get("request_hook"), kwargs.get("response_hook"))
        if any(hooks):
            session.listeners.append(_Hooks(*hooks))
        open_session(session)
        self._session = session

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002  # contrib's signature
        session, self._session = self._session, None
        if session is not None:
            from onnxspan.recording.opening import close_session  # as above

            close_session(session)


def _level_of_environment() -> Level:
    """The level of `ONNXSPAN_LEVEL`; a word that is none is told, and `passes` taken.

    As OpenTelemetry asks of an unknown value: to raise would end the other instrumentations too.
    """
    word = os.environ.get(LEVEL_VARIABLE) or Level.PASSES.name
    try:
        return Level.parse(word)
    except ValueError as error:
        logging.getLogger("onnxspan").warning("%s: %s; passes is taken", LEVEL_VARIABLE, error)
        return Level.PASSES


class _Hooks(Listener):
    """The user's hooks, as a listener."""

    def __init__(
        self,
        request: Callable[[Span, dict[str, Any]], object] | None,
        response: Callable[[Span, BaseException | None], object] | None,
    ) -> None:
        self._request = request
        self._response = response

    def asks_for_calls(self) -> bool:
        return False  # both hooks are about the export's own span

    def entered(self, call: Call) -> None:
        if self._request is not None and call is call.export.root and call.span is not None:
            names = ("model", "args", "f")
            arguments = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
            _without_exit(self._request, call.span, arguments)

    def left(self, call: Call, error: BaseException | None) -> None:
        if self._response is not None and call is call.export.root and call.span is not None:
            _without_exit(self._response, call.span, error)


def _without_exit(hook: Callable[..., object], *args: Any) -> None:
    """Call a user's hook; `sys.exit` in one must not end an export either."""
    try:
        hook(*args)
    except SystemExit as error:
        raise RuntimeError(f"the hook called sys.exit({error.code!r})") from error
