"""Signals at random moments of real exports: what reaches the caller does so traced as untraced."""

import contextlib
import io
import warnings

import pytest

import interrupting
from onnxspan.recording import recorder
from onnxspan.recording import session as sessions


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
