"""The span of a whole script, in which the exports of `onnxspan run` stand."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry import trace as otel

from onnxspan import conventions as c
from onnxspan.recording import resource
from onnxspan.recording.light_span import LIGHT_TRACER
from onnxspan.recording.script_imports import ScriptImports

if TYPE_CHECKING:
    import os

    from onnxspan.recording.session import Session


class ScriptSpan:
    """Begun before the script runs; the session's exports become its children.

    It is no current span: what the script itself traces by OpenTelemetry is not changed.

    Args:
        session: gets the span, once it has ended.
        script: the script's name, as it was typed.
    """

    def __init__(self, session: Session, script: str) -> None:
        self._session = session
        self._script = script
        self._span = LIGHT_TRACER.start_span(c.SCRIPT_SPAN, resource.context(), time.time_ns())
        self._computed = time.process_time()
        session.within = self._span.get_span_context()
        context = otel.set_span_in_context(otel.NonRecordingSpan(session.within))
        self._imports = ScriptImports(session, context)
        sys.meta_path.insert(0, self._imports)

    @property
    def traceparent(self) -> str:
        """The span as W3C Trace Context names it."""
        ids = self._span.get_span_context()
        return f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags & 3:02x}"

    def end(self, folder: str | os.PathLike[str] | None = None) -> None:
        """End it; it is kept only when this process or a child has recorded something in it.

        Args:
            folder: where the processes that the script started write; None when none are followed.
        """
        session = self._session
        has_children = folder is not None and any(Path(folder).glob("*.jsonl"))
        session.within = None
        if self._imports in sys.meta_path:
            sys.meta_path.remove(self._imports)
        if not (session.has_joined or has_children):
            return
        self._span.attributes = {
            c.LEVEL: c.Level.STAGES.name.lower(),
            c.SCRIPT: self._script,
            c.SCRIPT_CPU: time.process_time() - self._computed,
        }
        self._span.end(time.time_ns())
        session.collect(self._span)
