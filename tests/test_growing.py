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


def export(layers):
    """A function that exports the transformer with that many layers."""
    model, args = transformer(layers)

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)

    return run


def test_a_planted_quadratic_pass_is_found_in_real_exports(monkeypatch):
    """A pass that waits by the square of its graph's nodes is the first that is named."""
    real = torch._C._jit_pass_fuse_addmm

    def planted(graph):
        time.sleep((sum(1 for _ in graph.nodes()) / 400) ** 2)
        return real(graph)

    monkeypatch.setattr(torch._C, "_jit_pass_fuse_addmm", planted)
    found = onnxspan.growth(export, [2, 4, 8], repeats=3)
    assert found.superlinear[0].name == "_jit_pass_fuse_addmm"
    assert found.repeats == [3, 3, 3]


def test_make_export_must_return_a_function():
    """The message shows what to return."""
    with pytest.raises(TypeError, match="lambda"):
        onnxspan.growth(lambda size: size, [1, 2, 4])
