"""The stage that runs now, on one line of a terminal.

Native passes hold the GIL, so nothing can be drawn while one runs: it is drawn on entering.
The line is drawn without moving the cursor and without wrapping, so that whatever the
script prints lands where it would have landed; it is erased before the user's own code runs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TextIO

from onnxspan.reading.text import one_line
from onnxspan.recording.conversion import Conversion
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.probes.user_functions import has_user_functions

if TYPE_CHECKING:
    from onnxspan.recording.call import Call, Export

PATIENCE = 1.0
"""Seconds into an export before anything is drawn."""
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
EVERY = 0.5
"""Seconds between two drawings of a conversion's progress."""


class Progress(Listener):
    """A listener that draws on a terminal.

    Args:
        stream: where to draw; it should be a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = 0.0
        self._drawn = False
        self._conversion = Conversion(EVERY)

    def entered(self, call: Call) -> None:
        """Draw the path of calls that lead here."""
        if call is call.export.root:
            self._began = time.monotonic()
        if _may_print(call):
            self._erase()
        else:
            self._draw(call)

    def converted(self, call: Call, args: tuple[Any, ...], result: Any) -> None:  # noqa: ARG002  # a Listener's
        """Draw how far the conversion is, unless a function of the user's own takes part in it."""
        if not self._conversion.count(call):
            return
        if has_user_functions(call.export.outermost):
            self._erase()
            return
        self._draw(call, f"  {self._conversion}")

    def _draw(self, call: Call, more: str = "") -> None:
        elapsed = time.monotonic() - self._began
        if elapsed < PATIENCE:
            return
        path = [call.probe.name]
        parent = call.parent
        while parent is not None:
            path.append(parent.probe.name)
            parent = parent.parent
        text = one_line(f" {elapsed:6.1f} s  {' > '.join(reversed(path[:3]))}{more}")
        self._write(f"{_SAVE}{_NO_WRAP}{_ERASE}{text}{_WRAP}{_RESTORE}")
        self._drawn = True

    def finished(self, export: Export) -> None:  # noqa: ARG002  # listeners are given it
        """Leave nothing behind."""
        self._erase()

    def _erase(self) -> None:
        if self._drawn:
            self._write(_ERASE)
            self._drawn = False

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone; the export is not
            self._drawn = False


def _may_print(call: Call) -> bool:
    """Whether the user's own code may run: a model's forward, or a function that converts a node."""
    around: Call | None = call
    while around is not None:
        if around.probe.runs_model or around.probe.calls_python:
            return True
        around = around.parent
    return False
