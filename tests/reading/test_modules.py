"""The conversion's time and nodes by module of the model."""

import contextlib
import dataclasses
import io
import warnings

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from failing_models import OwnBessel
from onnxspan import conventions as c
from onnxspan.reading import report, trace_json
from onnxspan.reading.tree import modules


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(4, 4)

    def forward(self, x):
        return torch.relu(self.up(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = Block(), Block()

    def forward(self, x):
        return self.second(self.first(x)) * 2


@pytest.mark.parametrize("options", torch_facts.EITHER)
def test_by_module(options, capsys):
    """Each module has the operators that it calls itself, and all of the time and nodes."""
    with onnxspan.trace("nodes") as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Net().eval(), (torch.ones(1, 4),), io.BytesIO(), **options)
    export = trace.result.exports[0]
    found = {one.path: one for one in modules.modules(export)}
    assert set(found) >= {"first", "first.up", "second", "second.up"}
    nodes = [span for span in export.walk() if span.get(c.NODE_SCOPE)]
    assert sum(one.operators for one in found.values()) == len(nodes)
    produced = sum(span.get(c.NODE_PRODUCED) or 0 for span in nodes)
    assert sum(one.nodes for one in found.values()) == produced
    total = sum(span.duration for span in nodes)
    assert sum(one.seconds for one in found.values()) == pytest.approx(total)
    times = [one.seconds for one in modules.modules(export)]
    assert times == sorted(times, reverse=True)
    capsys.readouterr()
    trace.show()
    shown = capsys.readouterr().err
    assert "conversion by module" in shown
    assert "\nsecond.up  " in shown


def test_as_json_and_in_the_report():
    """`show --json` and the report have the same modules, the longest first."""
    with onnxspan.trace("nodes") as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Net().eval(), (torch.ones(1, 4),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    listed = [dataclasses.asdict(one) for one in modules.modules(trace.result.exports[0])]
    assert {one["path"] for one in listed} >= {"first.up", "second.up"}
    (root,) = trace_json.as_json(trace.result)["roots"]
    assert root["modules"] == listed
    assert report.data(trace.result)["modules"] == {0: listed}


def test_only_at_level_nodes(capsys):
    """Below it no operator has a span, and there is no table."""
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Net().eval(), (torch.ones(1, 4),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    assert modules.modules(trace.result.exports[0]) == []
    assert report.data(trace.result)["modules"] == {0: []}
    trace.show()
    assert "conversion by module" not in capsys.readouterr().err


class Failing(nn.Module):
    """Two operators fail, and torch goes on after both."""

    def __init__(self):
        super().__init__()
        self.first, self.second = OwnBessel(), OwnBessel()

    def forward(self, x):
        return self.second(self.first(x))


def test_what_failed_is_no_sum():
    """At level `passes` the operators that failed are the only spans: no table is made of them."""
    with (
        onnxspan.trace() as trace,
        warnings.catch_warnings(),
        contextlib.suppress(RuntimeError),  # torch may end the export for it
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Failing().eval(), (torch.ones(1, 4),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    export = trace.result.exports[0]
    assert any(span.get(c.NODE_SCOPE) for span in export.walk())
    assert modules.modules(export) == []
