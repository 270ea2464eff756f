"""Signals at random moments of real exports: what reaches the caller does so traced as untraced."""

import contextlib
import io
import signal
import warnings

import pytest

import interrupting
import onnxspan
import tiny
from onnxspan.recording import recorder
from onnxspan.recording import session as sessions
from onnxspan.recording.listeners.flight import FlightLog


@pytest.mark.parametrize("level", ["passes", "nodes"])
def test_ctrl_c_reaches_the_caller(level):
    """Of each signal inside a TorchScript export; `python tests/interrupting.py` tries many more."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found = interrupting.run(60, dynamo=False, seed=7, level=level)
    for (kind, _), counts in found.items():
        assert counts.errors == []
        assert counts.other == 0
        # torch itself swallows some of an Exception, and Python what comes in a callback.
        assert kind != "KeyboardInterrupt" or counts.swallowed == 0
    assert sum(counts.reached for (_, with_trace), counts in found.items() if with_trace) > 0
    assert recorder.current.get() is None
    assert sessions._open == []
    assert recorder.patches.is_clean()


def limit(number, frame):
    """The handler of a time limit."""
    raise TimeoutError("by the signal")


def test_a_time_limit_while_a_recording_is_closed(monkeypatch):
    """It reaches the user also then, and everything is closed all the same."""
    closed = FlightLog.closed

    def interrupted(self):
        signal.raise_signal(signal.SIGALRM)
        closed(self)

    old = signal.signal(signal.SIGALRM, limit)
    monkeypatch.setattr(FlightLog, "closed", interrupted)
    try:
        with pytest.raises(TimeoutError, match="by the signal"), onnxspan.trace() as trace:
            tiny.export()
    finally:
        signal.signal(signal.SIGALRM, old)
    assert trace.errors == []
    assert len(trace.exports) == 1
    assert sessions._open == []
    assert recorder.patches.is_clean()
