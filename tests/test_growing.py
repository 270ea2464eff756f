"""`onnxspan.growth` on real exports."""

from __future__ import annotations

import io
import time
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from models import transformer
from onnxspan.recording import cpu_time
from onnxspan.recording.session import Session


def export(layers):
    """A function that exports the transformer with that many layers."""
    model, args = transformer(layers)

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)

    return run


@pytest.fixture
def pretended(monkeypatch):
    """Clocks that go on by a microsecond a look, and by what is added: no machine is too busy."""
    passed = [0]

    def look():
        passed[0] += 1_000
        return passed[0]

    real = Session.__init__.__defaults__
    fixed = tuple(look if value is time.perf_counter_ns else value for value in real)
    assert fixed != real
    monkeypatch.setattr(Session.__init__, "__defaults__", fixed)
    monkeypatch.setattr(cpu_time, "_clock", look)
    return passed


def test_a_planted_quadratic_pass_is_found_in_real_exports(pretended, monkeypatch):
    """A pass that takes the square of its graph's nodes is the one that is named."""
    real = torch._C._jit_pass_fuse_addmm

    def planted(graph):
        pretended[0] += sum(1 for _ in graph.nodes()) ** 2 * 10_000
        return real(graph)

    monkeypatch.setattr(torch._C, "_jit_pass_fuse_addmm", planted)
    found = onnxspan.growth(export, [2, 4, 8, 16], repeats=3)
    assert [row.name for row in found.superlinear] == ["_jit_pass_fuse_addmm"]
    assert found.repeats == [3, 3, 3, 3]


def test_make_export_must_return_a_function():
    """The message shows what to return."""
    with pytest.raises(TypeError, match="lambda"):
        onnxspan.growth(lambda size: size, [1, 2, 4])
