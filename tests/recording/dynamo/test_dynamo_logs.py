"""The log records of the dynamo exporter's libraries, on the passes that they belong to."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c


class Folds(nn.Module):
    """Has constants to fold, a reshape of a reshape to rewrite, and nodes that fall away."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        y = self.linear(x).reshape(2, 4).reshape(1, 8).reshape(2, 4)
        return y + (torch.ones(4) * 2 + torch.arange(4).float())


def _export(native_log):
    with onnxspan.trace(flight=False, native_log=native_log) as trace:
        torch.onnx.export(Folds().eval(), (torch.zeros(2, 4),), None, dynamo=True, verbose=False)
    return trace


def _said(trace):
    """Which span hears which logger, and at which levels."""
    said = {}
    for span in trace.spans:
        for event in span.events:
            if event.name == c.LOG_EVENT:
                key = span.name, event.attributes[c.LOG_LOGGER].split(".")[0]
                said.setdefault(key, set()).add(event.attributes[c.LOG_LEVEL])
    return said


@pytest.fixture(autouse=True)
def _nothing_below_warning():
    """As in an application that has not configured logging."""
    names = ("onnxscript", "onnx_ir", "torch.export")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_records_are_on_their_passes(caplog):
    """Optimizer, rewriter and onnx_ir speak on their own passes, and the user's handlers hear nothing."""
    trace = _export(True)
    said = _said(trace)
    assert "INFO" in said["RemoveUnusedNodesPass", "onnx_ir"]
    assert trace.errors == []
    rewritten = [
        event.attributes[c.LOG_MESSAGE]
        for span in trace.spans
        if span.name == "RewritePass"
        for event in span.events
    ]
    if torch_facts.NUMBERS >= (2, 9):  # onnxscript up to 0.4 does not say it
        assert "INFO" in said["FoldConstantsPass", "onnxscript"]
    if not torch_facts.OLDER:  # onnxscript up to 0.6 prints it, to standard output
        assert "INFO" in said["RewritePass", "onnxscript"]
        assert ["pattern rewrite rules" in message for message in rewritten] == [True]
    quiet = [record for record in caplog.records if record.levelno < logging.WARNING]
    assert [record.name for record in quiet if record.name.startswith(("onnxs", "onnx_ir"))] == []


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_debug_has_torch_export_too():
    """With `debug` torch.export's own records are there, on the step of the capture."""
    said = _said(_export("debug"))
    assert "DEBUG" in said["_export_to_aten_ir_make_fx", "torch"]
    assert "DEBUG" in said["FoldConstantsPass", "onnxscript"]


def test_nothing_is_kept_unless_asked():
    """Without `native_log` the loggers keep their levels, and their passes hear nothing."""
    assert not {logger for _, logger in _said(_export(False))} & {"onnxscript", "onnx_ir"}
