"""Warnings and torch's own log records, kept on the span they belong to.

Both still reach the user exactly as before: `warnings._showwarnmsg` is the one function that
the interpreter calls for every warning it shows, whatever `catch_warnings` has replaced, and a
log record factory sees each record without being a handler (a handler would switch off
logging's handler of last resort). Both are put back when the last export has ended.
"""

from __future__ import annotations

import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.call import current
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.listeners.events import MESSAGE_LIMIT, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxspan.recording.call import Call, Export

LOGGERS = ("torch.onnx", "torch.export", "torch._export", "onnxscript", "onnx_ir")
_OURS = "onnxspan"


class Capture(Listener):
    """Listener that holds the two places as long as an export runs."""

    def __init__(self) -> None:
        self._exports: set[Export] = set()

    def entered(self, call: Call) -> None:
        """Begin with the export."""
        if call.parent is None:
            self._exports.add(call.export)
            _hold(call.export)

    def finished(self, export: Export) -> None:
        """End with it."""
        _release(export)
        self._exports.discard(export)

    def closed(self) -> None:
        """Give back what a Ctrl-C in the midst of `finished` has left."""
        for export in list(self._exports):
            self.finished(export)


_lock = threading.Lock()
_holders: set[Export] = set()
_show: Callable[[Any], None] | None = None
_make: Callable[..., logging.LogRecord] | None = None

# Ctrl-C may come at any line of these two: an export is a holder before anything is replaced and
# until all is put back, and either may be called again.


def _hold(export: Export) -> None:
    global _show, _make  # noqa: PLW0603  # there is one interpreter, and one of each
    with _lock:
        _holders.add(export)
        if len(_holders) > 1:
            return
        if warnings._showwarnmsg is not _shown:  # type: ignore[attr-defined]  # noqa: SLF001  # see above
            _show = warnings._showwarnmsg  # type: ignore[attr-defined]  # noqa: SLF001  # see above
            warnings._showwarnmsg = _shown  # type: ignore[attr-defined]  # noqa: SLF001  # see above
        if logging.getLogRecordFactory() is not _made:
            _make = logging.getLogRecordFactory()
            logging.setLogRecordFactory(_made)


def _release(export: Export) -> None:
    with _lock:
        if _holders <= {export}:
            # Somebody who replaced them meanwhile keeps theirs: ours is a pass-through then.
            if warnings._showwarnmsg is _shown:  # type: ignore[attr-defined]  # noqa: SLF001  # see above
                warnings._showwarnmsg = _show  # type: ignore[attr-defined]  # noqa: SLF001  # see above
            if logging.getLogRecordFactory() is _made and _make is not None:
                logging.setLogRecordFactory(_make)
        _holders.discard(export)


def _shown(message: Any) -> None:
    try:
        call = current.get()
        if call is not None:
            say(
                call,
                c.WARNING_EVENT,
                {
                    c.LOG_LEVEL: "WARNING",
                    c.WARNING_CATEGORY: message.category.__name__,
                    c.LOG_MESSAGE: str(message.message)[:MESSAGE_LIMIT],
                    c.FILE: message.filename,
                    c.LINE: message.lineno,
                },
            )
    except Exception as error:
        _failed("keeping a warning", error)
    if _show is not None:
        _show(message)


def _made(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = (_make or logging.LogRecord)(*args, **kwargs)
    try:
        if record.name.startswith(LOGGERS):
            call = current.get()
            if call is not None:
                say(call, c.LOG_EVENT, _record_attributes(record))
    except Exception as error:
        _failed("keeping a log record", error)
    return record


def _record_attributes(record: logging.LogRecord) -> dict[str, Any]:
    return {
        c.LOG_LEVEL: record.levelname,
        c.LOG_LOGGER: record.name,
        c.LOG_MESSAGE: record.getMessage()[:MESSAGE_LIMIT],
        c.FILE: record.pathname,
        c.LINE: record.lineno,
    }


def _failed(where: str, error: Exception) -> None:
    call = current.get()
    if call is not None:
        call.export.note_error(where, error)
