"""What importing libraries took of a script: a span for each that took long.

Importing torch or transformers takes seconds, and is a large part of most export scripts. A finder
that stands first on `sys.meta_path` times the modules that the script imports as they are run; the
modules that such a module imports are part of its time. It finds nothing itself: it asks the finders
behind it.
"""

from __future__ import annotations

import importlib.machinery
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.call import current, is_busy
from onnxspan.recording.light_span import LIGHT_TRACER
from onnxspan.recording.trampoline import NAME, WRAPPER_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from onnxspan.recording.session import Session

MIN_SECONDS = 0.02
"""Shorter imports get no span."""
_LOADERS = (
    importlib.machinery.SourceFileLoader,
    importlib.machinery.SourcelessFileLoader,
    importlib.machinery.ExtensionFileLoader,
)


class ScriptImports:
    """A finder that times the imports of one script.

    Args:
        session: gets the spans.
        context: that of the script's span.
    """

    def __init__(self, session: Session, context: Context) -> None:
        self._session = session
        self._context = context
        self._inside = threading.local()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec that the finders behind this one find, its loader timed; None for no module."""
        if name.partition(".")[0] in sys.stdlib_module_names or self._is_inside():
            return None
        spec = None
        for finder in tuple(sys.meta_path):
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    break
        if spec is not None and isinstance(spec.loader, _LOADERS):
            spec.loader.exec_module = self._timed(spec.loader, name)  # type: ignore[assignment]
        return spec

    def _is_inside(self) -> bool:
        """Whether another import, or an export, is under way in this thread: it has the time.

        What onnxspan itself imports, as for sending, is no step of the script either.
        """
        is_within = getattr(self._inside, "is_set", False)
        return is_within or is_busy.get() or current.get() is not None

    def _timed(self, loader: Any, name: str) -> Callable[[Any], None]:
        begin, end = self._begin, self._end

        def exec_module(module: Any) -> None:
            del loader.exec_module  # the loader is as it was
            began = begin()
            try:
                loader.exec_module(module)
            finally:
                end(name, began)

        # As in wrappers.py: a warning of the module points at who imports it.
        exec_module.__code__ = exec_module.__code__.replace(co_filename=WRAPPER_FILE, co_name=NAME)
        return exec_module

    def _begin(self) -> int:
        if self._is_inside():
            return 0
        self._inside.is_set = True
        return time.time_ns()

    def _end(self, name: str, began: int) -> None:
        if not began:
            return
        self._inside.is_set = False
        ended = time.time_ns()
        if ended - began < MIN_SECONDS * 1e9:
            return
        span = LIGHT_TRACER.start_span(f"import {name}", self._context, began)
        span.attributes = {c.LEVEL: c.Level.STAGES.name.lower(), c.SCRIPT_IMPORT: name}
        span.end(ended)
        self._session.collect(span)
