"""Ctrl-C while torch's C++ code runs: a second process says where, and ends it at the second.

A native pass holds the GIL, so Python's own handling of Ctrl-C waits until the pass is over,
which may be hours. A terminal sends Ctrl-C to every process of its group: a small forked
process gets it too, reads the flight log and answers. It ends when the run does.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from onnxspan.reading.source.flight import Ending


def watched_place(output: str | None) -> Path | None:
    """Where the run's flight log goes (less `.flight`), with a process that watches it.

    Where there is no `os.fork` (Windows), or it fails, nothing watches; nor where the run was
    started with Ctrl-C ignored, as a shell does with a script's background jobs. None where
    there is no folder for a flight log, which is said.
    """
    from onnxspan.recording.listeners.flight import temporary_folder  # only for a recording

    try:
        place = Path(output) if output is not None else temporary_folder() / f"run-{os.getpid()}"
    except OSError as error:
        print(  # noqa: T201  # the command's own word
            f"onnxspan: no flight log is kept, there is no temporary folder: {error.strerror}. "
            "Set TMPDIR, or give -o FILE.jsonl",
            file=sys.stderr,
        )
        return None
    if hasattr(os, "fork") and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        try:
            _start(Path(f"{place.absolute()}.flight"))
        except OSError as error:
            print(f"onnxspan: nothing watches for Ctrl-C: {error}", file=sys.stderr)  # noqa: T201  # the command's own word
    return place


def _start(log: Path) -> None:
    """Fork twice, so that the script never meets a child that it did not make."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # it was closed before we began
            stream.flush()
    reading, _writing = os.pipe()  # the writing end closes when this process ends
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            _watch(log, reading, _writing)
        os._exit(0)
    os.close(reading)
    os.waitpid(child, 0)


def _watch(log: Path, reading: int, writing: int) -> NoReturn:
    """Wait for Ctrl-C, or for the run to end."""
    try:
        os.close(writing)
        watch = _Watch(log)
        signal.signal(signal.SIGINT, watch.interrupted)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        while os.read(reading, 1):
            pass
    finally:
        os._exit(0)


class _Watch:
    """Answers the first Ctrl-C inside an export, and ends the run at the second."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._told = False

    def interrupted(self, _signal: int, _frame: Any) -> None:
        ending = _ending(self._log)
        if ending is None or ending.last is None or not ending.runs:
            return
        if self._told:
            _print(f"onnxspan: ended. `onnxspan show {self._log}` says where it was")
            os.kill(ending.pid, signal.SIGKILL)
            return
        self._told = True
        _print(f"\n{ending.screen()}\n  Ctrl-C again ends it at once")


def _ending(log: Path) -> Ending | None:
    from onnxspan.errors import TraceFileError  # only when it is asked
    from onnxspan.reading.source.trace import Trace  # as above

    try:
        return Trace.read(log).ending
    except TraceFileError:  # no export has begun, or all is over
        return None


def _print(text: str) -> None:
    os.write(2, f"{text}\n".encode(errors="replace"))
