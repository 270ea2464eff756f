"""What the C++ passes say of themselves, taken from the file descriptor around each pass.

Release builds of torch carry the passes' log. It is written by C++ to descriptor 2, so the
descriptor is led into a file while a native pass runs. What is not a line of that log (a
symbolic function's own print, a crash message of C++) is written to where it was going as
soon as the pass ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.listeners.events import MESSAGE_LIMIT, add_event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnxspan.recording.call import Call, Export

FILES = (
    "canonicalize", "common_subexpression_elimination", "constant_fold", "constant_propagation",
    "dead_code_elimination", "eliminate_unused_items", "eval_peephole", "fixup_onnx_controlflow",
    "function_substitution", "inliner", "lower_tuples", "onnx", "peephole", "preprocess_for_onnx",
    "remove_inplace_ops_for_onnx", "scalar_type_analysis", "shape_type_inference",
)  # fmt: skip
"""The C++ files (without `.cpp`) that have something to say in an export."""

_LINE = re.compile(
    rb"^\[(?P<level>DUMP|UPDATE|DEBUG) (?P<file>[\w.]+):(?P<line>\d+)\] ?(?P<message>.*)$"
)
_PYTHON_LOGGERS = ("onnxscript", "onnx_ir", "torch.export", "torch.onnx")
_STDERR = 2
_CHUNK = 1 << 20


def option(wanted: bool | str | Sequence[str]) -> str:
    """The text that `_jit_set_logging_option` takes.

    Args:
        wanted: True for UPDATE lines, `"debug"` for DEBUG lines too, or C++ files' names
            without `.cpp`, each with as many `>` in front as it should say more.

    Raises:
        ValueError: for any other word.
    """
    if wanted is True:
        return ":".join(f">{file}" for file in FILES)
    if wanted == "debug":
        return ":".join(f">>{file}" for file in FILES)
    files = [wanted] if isinstance(wanted, str) else list(wanted or ())
    for file in files:
        if not re.fullmatch(r">{0,3}\w+", file):
            raise ValueError(
                f"native_log: {file!r} is not a C++ file's name: use True, 'debug', "
                "or names like 'constant_propagation' or '>>peephole'"
            )
    return ":".join(file if file.startswith(">") else f">{file}" for file in files)


@dataclasses.dataclass
class _Diverted:
    """One native pass under way, and the lines that it has written."""

    call: Call
    lines: int = 0


class _Messages:
    """Puts the lines of one message together; a graph keeps its first line only."""

    def __init__(self, entry: _Diverted) -> None:
        self._entry = entry
        self._place: tuple[bytes, ...] = ()
        self._message = b""

    def take(self, match: re.Match[bytes]) -> None:
        """Take the next line; DUMP lines are whole graphs, and left out."""
        if match["level"] == b"DUMP":
            return
        self._entry.lines += 1
        place, text = (match["level"], match["file"], match["line"]), match["message"]
        if place == self._place and text[:1] in (b" ", b""):
            if b"graph(" not in self._message and len(self._message) < MESSAGE_LIMIT:
                self._message += b"\n" + text.strip()
            return
        self.flush()
        self._place, self._message = place, text

    def flush(self) -> None:
        """Say the message that is complete."""
        message = self._message.strip()
        if message:
            level, file, line = self._place
            said = {
                c.LOG_LEVEL: level.decode("ascii"),
                c.LOG_MESSAGE: message.decode("utf-8", "replace")[:MESSAGE_LIMIT],
                c.FILE: file.decode("ascii"),
                c.LINE: int(line),
            }
            add_event(self._entry.call, c.NATIVE_LOG_EVENT, said)
        self._place, self._message = (), b""


class NativeLog(Listener):
    """Listener that leads descriptor 2 into a file around each native pass.

    Args:
        wanted: as `option` takes it.
    """

    def __init__(self, wanted: bool | str | Sequence[str]) -> None:
        self._option = option(wanted)
        self._debug = wanted == "debug"
        self._stack: list[_Diverted] = []
        self._file = -1
        self._saved = -1
        self._users_option = ""
        self._levels: dict[logging.Logger, tuple[int, _OnlyAsBefore]] = {}
        self._broken = False

    def entered(self, call: Call) -> None:
        """Divert when a native pass begins; take what the pass around it said so far."""
        if not call.target.place.startswith("torch._C:"):
            self._lower_levels()
            return
        if self._broken:
            return
        if _diverting and _diverting[0] is not self:
            # A recording around this one reads descriptor 2: its lines are on the same spans.
            self._join()
            return
        if self._stack:
            self._drain(self._stack[-1])
            self._divert_again()
        else:
            self._divert()
        self._stack.append(_Diverted(call))

    def left(self, call: Call, error: BaseException | None) -> None:  # noqa: ARG002  # a Listener's
        """Take what the pass said; put everything back when it was the outermost."""
        while any(entry.call is call for entry in self._stack):
            entry = self._stack[-1]
            try:
                self._drain(entry)
            finally:
                self._stack.pop()
                if entry.lines:
                    entry.call.attributes[c.NATIVE_LINES] = entry.lines
                if self._stack:
                    self._divert_again()
                else:
                    self._restore()

    def finished(self, export: Export) -> None:  # noqa: ARG002  # a Listener's signature
        """Put back whatever an interrupt may have left."""
        self._stack.clear()
        self._part()
        self._restore()
        for logger, (level, only) in self._levels.items():
            logger.removeFilter(only)
            logger.setLevel(level)
        self._levels.clear()

    def _join(self) -> None:
        """Ask torch for this recording's lines too, until the outer recording's pass ends."""
        import torch  # the export has imported it

        if self not in _diverting:
            _diverting.append(self)
            asked = torch._C._jit_get_logging_option()  # torch's only way
            torch._C._jit_set_logging_option(_joined(asked, self._option))  # as above

    def _part(self) -> None:
        if self in _diverting:
            _diverting.remove(self)

    def _divert(self) -> None:
        import torch  # the export has imported it

        _flush_stderr()
        try:
            self._saved = os.dup(_STDERR)
            if self._file < 0:
                self._file = _anonymous_file()
            os.dup2(self._file, _STDERR)
            _diverting.append(self)
            self._users_option = torch._C._jit_get_logging_option()  # torch's only way
            torch._C._jit_set_logging_option(_joined(self._users_option, self._option))  # as above
        except BaseException:
            self._broken = True
            self._restore()
            raise

    def _restore(self) -> None:
        if self._saved < 0:
            return
        import torch  # the export has imported it

        _flush_stderr()
        os.dup2(self._saved, _STDERR)
        os.close(self._saved)
        self._saved = -1
        _diverting.clear()
        torch._C._jit_set_logging_option(self._users_option)  # torch's only way
        if self._file >= 0:
            try:  # what was written after the last drain goes where it was going
                for line in _lines(self._file):
                    _write(_STDERR, line)
            finally:
                os.close(self._file)
                self._file = -1

    def _drain(self, entry: _Diverted) -> None:
        """Hand out what was written so far; descriptor 2 is then itself again."""
        if self._file < 0:
            return
        _flush_stderr()
        os.dup2(self._saved, _STDERR)  # a log line of ours must not land in what is read
        messages = _Messages(entry)
        for line in _lines(self._file):
            match = _LINE.match(line)
            if match is None or self._users_option:
                _write(_STDERR, line)
            if match is not None:
                messages.take(match)
        messages.flush()
        os.lseek(self._file, 0, os.SEEK_SET)
        os.ftruncate(self._file, 0)

    def _divert_again(self) -> None:
        if self._file >= 0:
            os.dup2(self._file, _STDERR)

    def _lower_levels(self) -> None:
        """Onnxscript's and torch.export's records are the dynamo exporter's own log.

        Most of these loggers are made while the first export imports their modules: so this is
        called again as each of the exporter's Python stages and passes begins.
        """
        level = logging.DEBUG if self._debug else logging.INFO
        for name, logger in list(logging.root.manager.loggerDict.items()):
            if (
                isinstance(logger, logging.Logger)
                and name.startswith(_PYTHON_LOGGERS)
                and logger not in self._levels
            ):
                before = self._level_before(logger)
                if before > level:
                    only = _OnlyAsBefore(before)
                    logger.addFilter(only)
                    self._levels[logger] = logger.level, only
                    logger.setLevel(level)

    def _level_before(self, logger: logging.Logger) -> int:
        """The level that held before any was lowered here."""
        place: logging.Logger | None = logger
        while place is not None:
            level = self._levels[place][0] if place in self._levels else place.level
            if level:
                return level
            place = place.parent
        return logging.NOTSET


_diverting: list[NativeLog] = []
"""First the listener that leads descriptor 2 away, then those inside that have joined it."""


class _OnlyAsBefore(logging.Filter):
    """Lets through what the user would have seen; the record itself is captured before."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self._level


def _joined(users: str, ours: str) -> str:
    return f"{users}:{ours}" if users else ours


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("onnxspan")
    descriptor, path = tempfile.mkstemp(prefix="onnxspan-")
    Path(path).unlink()
    return descriptor


def _lines(descriptor: int) -> Iterator[bytes]:
    """The file's lines, in pieces: a debug log of a large model may be gigabytes."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    rest = b""
    while chunk := os.read(descriptor, _CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _flush_stderr() -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):  # closed by the user, or its reader is gone
            sys.stderr.flush()
