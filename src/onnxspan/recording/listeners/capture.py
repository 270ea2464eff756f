"""Warnings and torch's own log records, kept on the span they belong to.

Both still reach the user exactly as before: `warnings._showwarnmsg` is the one function that
the interpreter calls for every warning it shows, whatever `catch_warnings` has replaced, and a
log record factory sees each record without being a handler (a handler would switch off
logging's handler of last resort). Both are put back when the last export has ended.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording import forks
from onnxspan.recording.call import current
from onnxspan.recording.faults import goes_on
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.listeners.events import MESSAGE_LIMIT, add_event

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


class _Taken:
    """The two places, as they were taken over once.

    Who replaces one of them meanwhile (logging's cookbook wraps the factory that it finds) keeps
    theirs, and goes on calling ours: it then only passes on. The next time is another object, so
    that ours is never called through itself.

    Attributes:
        show: what was in `warnings._showwarnmsg`, and `make` the log record factory.
        is_heard: whether what passes is kept on spans.
        shown, made: what stands in their place.
    """

    def __init__(self) -> None:
        self.is_heard = True
        self.show: Callable[[Any], None] | None = None
        self.make: Callable[..., logging.LogRecord] | None = None

        def shown(message: Any) -> None:
            if self.is_heard:
                _on_warning(message)
            if self.show is not None:
                self.show(message)

        def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
            record = (self.make or logging.LogRecord)(*args, **kwargs)
            if self.is_heard:
                _on_record(record)
            return record

        self.shown, self.made = shown, made

    def take(self) -> None:
        """Stand in both places; may be called again after an interrupt."""
        if warnings._showwarnmsg is not self.shown:  # type: ignore[attr-defined]  # noqa: SLF001  # see above
            self.show = warnings._showwarnmsg  # type: ignore[attr-defined]  # noqa: SLF001  # see above
            warnings._showwarnmsg = self.shown  # type: ignore[attr-defined]  # noqa: SLF001  # see above
        if logging.getLogRecordFactory() is not self.made:
            self.make = logging.getLogRecordFactory()
            logging.setLogRecordFactory(self.made)

    def give_back(self) -> None:
        """Put both back, unless somebody else's stands there now."""
        if warnings._showwarnmsg is self.shown and self.show is not None:  # type: ignore[attr-defined]  # noqa: SLF001  # see above
            warnings._showwarnmsg = self.show  # type: ignore[attr-defined]  # noqa: SLF001  # see above
        if logging.getLogRecordFactory() is self.made and self.make is not None:
            logging.setLogRecordFactory(self.make)
        self.is_heard = False


_lock = threading.Lock()
forks.renew(sys.modules[__name__], "_lock", threading.Lock)
_holders: set[Export] = set()
_taken: _Taken | None = None

# Ctrl-C may come at any line of these two: an export is a holder before anything is replaced and
# until all is put back, and either may be called again.


def _hold(export: Export) -> None:
    global _taken  # noqa: PLW0603  # there is one interpreter, and one of each
    with _lock:
        _holders.add(export)
        if len(_holders) > 1:
            return
        if _taken is None:
            _taken = _Taken()
        _taken.take()


def _release(export: Export) -> None:
    global _taken  # noqa: PLW0603  # as above
    with _lock:
        if _holders <= {export} and _taken is not None:
            _taken.give_back()
            _taken = None
        _holders.discard(export)


def _on_warning(message: Any) -> None:
    try:
        call = current.get()
        if call is not None:
            add_event(
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
        if goes_on(error):
            raise
        _failed("keeping a warning", error)


def _on_record(record: logging.LogRecord) -> None:
    try:
        if record.name.startswith(LOGGERS):
            call = current.get()
            if call is not None:
                add_event(call, c.LOG_EVENT, _record_attributes(record))
    except Exception as error:
        if goes_on(error):
            raise
        _failed("keeping a log record", error)


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
