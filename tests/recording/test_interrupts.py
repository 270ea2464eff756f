"""Ctrl-C at any moment goes on as Ctrl-C, and leaves nothing of ours behind."""

from __future__ import annotations

import functools
import gc
import linecache
import logging
import signal
import sys
import threading
import warnings
from pathlib import Path

import pytest
import torch
from opentelemetry import context as otel_context

import onnxspan
from conftest import attributes, changed
from onnxspan.recording import memory, recorder, spans
from onnxspan.recording import session as sessions
from onnxspan.recording.graphs import torchscript
from tiny import export

FOLDER = str(Path(recorder.__file__).parent)


class Interrupting:
    """Interrupts at the n-th event of one kind in our own code, by Ctrl-C; counts all."""

    def __init__(self, kind, at, function=None, how=None):
        self.kind, self.at, self.function, self.seen = kind, at, function, 0
        self.how = how

    def __enter__(self):
        sys.settrace(self._call)
        return self

    def __exit__(self, *error):
        sys.settrace(None)

    def _call(self, frame, event, arg):
        code = frame.f_code
        ours = code.co_filename.startswith(FOLDER)
        if not ours or self.function not in (None, code.co_name):
            return None
        return self._event(frame, event, arg)

    def _event(self, frame, event, arg):
        # A signal never comes between leaving a `with` block and what ends it, nor at a `try:`,
        # which Python 3.11 leaves out of the block around it; a trace function is called there.
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip()
        if event == self.kind and not line.startswith(("with ", ")", "try:")):
            self.seen += 1
            if self.seen == self.at:
                sys.settrace(None)
                if self.how is None:
                    raise KeyboardInterrupt
                self.how()
        return self._event


def fail():
    """An export that fails inside several stages."""
    with pytest.raises(RuntimeError):
        export(args=(torch.zeros(1, 3),))


def others():
    """What an export holds besides torch's functions."""
    return [*gc.callbacks, warnings._showwarnmsg, logging.getLogRecordFactory()]


OTHERS = []


@pytest.fixture(autouse=True)
def baseline():
    """What is held before the test, by other libraries: hypothesis has a callback of its own."""
    OTHERS[:] = others()


def is_free(lock):
    """Whether another thread can take the lock."""
    taken = []

    def take():
        taken.append(lock.acquire(timeout=5))
        if taken[0]:
            lock.release()

    other = threading.Thread(target=take)
    other.start()
    other.join()
    return taken == [True]


def nothing_is_left(before):
    assert changed(before) == []
    assert others() == OTHERS
    assert recorder.current.get() is None
    assert sessions._open == []
    assert recorder.patches.is_clean()
    assert is_free(recorder.patches._lock)
    assert otel_context.get_current() == {}


@pytest.mark.parametrize("level", ["passes", "nodes"])
def test_at_any_line_of_ours(level):
    """Wherever in our own code it comes, everything is restored and the next export is recorded."""
    export()
    with onnxspan.trace(level), Interrupting("line", -1) as counting:
        export()
    before = attributes()
    hits = 0
    for at in range(7, counting.seen, counting.seen // 30):
        try:  # near the end it may not be met: how often memory is read depends on the clock
            with onnxspan.trace(level), Interrupting("line", at):
                export()
        except KeyboardInterrupt:
            hits += 1
        nothing_is_left(before)
    assert hits > 20
    with onnxspan.trace(level) as trace:
        export()
    assert len(trace.exports) == 1


@pytest.mark.parametrize("at", [1, 2, 3, 10, 40])
def test_as_a_call_has_just_begun(at):
    """The call that was begun but never handed to its wrapper is ended too."""
    export()
    before = attributes()
    with (
        pytest.raises(KeyboardInterrupt),
        onnxspan.trace() as trace,
        Interrupting("return", at, "enter"),
    ):
        export()
    nothing_is_left(before)
    with trace:
        export()
    assert trace.exports


@pytest.mark.parametrize(("function", "work"), [("leave", export), ("fail", fail)])
def test_as_a_call_is_about_to_end(function, work):
    """Before the first line of what ends a call, the export's own call too, it ends all the same."""
    with onnxspan.trace(), Interrupting("call", -1, function) as counting:
        work()
    assert counting.seen > 1
    before = attributes()
    for at in (1, counting.seen - 1, counting.seen):
        with (
            pytest.raises(KeyboardInterrupt),
            onnxspan.trace() as trace,
            Interrupting("call", at, function),
        ):
            work()
        nothing_is_left(before)
        with trace:
            export()
        assert trace.exports


@pytest.mark.parametrize("function", ["watch", "unwatch", "_close", "_hold", "_release"])
def test_as_an_export_takes_or_gives_back(function):
    """At every line of what an export holds, or gives back, nothing stays held."""
    with onnxspan.trace(), Interrupting("line", -1, function) as counting:
        export()
    before = attributes()
    assert counting.seen > 3
    for at in range(1, counting.seen + 1):
        with (
            pytest.raises(KeyboardInterrupt),
            onnxspan.trace(),
            Interrupting("line", at, function),
        ):
            export()
        nothing_is_left(before)


def test_an_interrupt_in_our_own_code_leaves_nothing(monkeypatch):
    """Ctrl-C inside our own code goes on as Ctrl-C, and everything is restored."""
    before = attributes()

    def interrupted(*args):
        raise KeyboardInterrupt

    for holder, name in (
        (torchscript, "graph_size"),
        (spans, "start"),
        (spans, "end"),
        (memory, "resident"),
    ):
        with monkeypatch.context() as patched, onnxspan.trace() as trace:
            patched.setattr(holder, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                export()
        assert changed(before) == []
        assert recorder.current.get() is None
        assert sessions._open == []
        assert trace.errors == []


class LimitError(Exception):
    """What a time limit's handler raises."""


def raises(number, frame):
    """The usual handler of a time limit."""
    raise LimitError


def resets(*given):
    """A handler that is no longer set when it raises."""
    signal.signal(given[0], signal.SIG_DFL)
    raise LimitError


class Limit:
    """A time limit whose handler is a method of an object."""

    def __call__(self, number, frame):
        raise TimeoutError


@pytest.mark.parametrize("handler", [raises, resets, functools.partial(raises), Limit()])
@pytest.mark.parametrize("level", ["passes", "nodes"])
def test_a_time_limit_reaches_the_user_wherever_it_comes(level, handler):
    """An Exception that a signal handler raises in our own code is not taken for an error of ours."""
    export()
    with onnxspan.trace(level), Interrupting("line", -1) as counting:
        export()
    before = attributes()
    alarm = functools.partial(signal.raise_signal, signal.SIGALRM)
    old = signal.getsignal(signal.SIGALRM)
    met = lost = 0
    try:
        for at in range(11, counting.seen, counting.seen // 12):
            signal.signal(signal.SIGALRM, handler)
            interrupting = Interrupting("line", at, how=alarm)
            try:
                with onnxspan.trace(level) as trace, interrupting:
                    export()
                lost += interrupting.seen >= at
            except (LimitError, TimeoutError):
                met += 1
            nothing_is_left(before)
            assert trace.errors == []
    finally:
        signal.signal(signal.SIGALRM, old)
    assert met > 0
    assert lost == 0


def test_an_error_of_ours_is_still_kept_away(monkeypatch):
    """Beside a signal handler that is set, an exception of our own code is counted and goes no further."""

    def broken(call, now):
        raise TimeoutError("of ours")

    old = signal.signal(signal.SIGALRM, raises)
    try:
        monkeypatch.setattr(recorder, "_note_resident", broken)
        with onnxspan.trace() as trace:
            export()
    finally:
        signal.signal(signal.SIGALRM, old)
    assert "TimeoutError: of ours" in trace.errors[0]


ELSEWHERE = {
    "faults.py",  # puts an exception into words
    "outputs/delivery.py",  # in threads of its own, where Python runs no signal handler
    "outputs/otlp.py",  # as delivery.py
    "processes/startup/sitecustomize.py",  # before the script runs
}


def test_every_guard_lets_a_signals_exception_go_on():
    """Whoever catches any Exception in the recording asks whether a signal handler raised it."""
    guards = {}
    for file in Path(FOLDER).rglob("*.py"):
        name = file.relative_to(FOLDER).as_posix()
        lines = file.read_text(encoding="utf-8").splitlines()
        for at, line in enumerate(lines):
            if "except Exception" in line or "suppress(Exception" in line:
                asks = any("goes_on(" in one for one in lines[at : at + 4])
                guards.setdefault(asks or name in ELSEWHERE, []).append(f"{name}:{at + 1}")
    assert guards.get(False, []) == []
    assert len(guards[True]) > 20
