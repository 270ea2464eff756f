"""Models and exports with a fault at a known place."""

from __future__ import annotations

import io
import warnings

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts

TORCHSCRIPT = torch_facts.TORCHSCRIPT
DYNAMO = {"dynamo": True, "verbose": False}
pinned = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
BOTH = pytest.mark.parametrize(
    "options",
    [
        pytest.param(TORCHSCRIPT, id="torchscript"),
        pytest.param(DYNAMO, id="dynamo", marks=[torch_facts.needs_dynamo, pinned]),
    ],
)
"""For a test of each exporter; dynamo's on the torch whose steps are known."""


class Random(nn.Module):
    """Gives another answer each time."""

    def forward(self, x):
        return x + torch.rand_like(x)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(4, 4)
        self.act = nn.GELU()

    def forward(self, x):
        return self.act(self.up(x)) + x


class Deep(nn.Module):
    """Two blocks inside a sequence, a batch norm to fold, and two outputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.layers = nn.Sequential(Block(), Block())
        self.out = nn.Linear(4, 5)

    def forward(self, x):
        y = torch.relu(self.norm(self.conv(x))).mean((2, 3))
        y = self.layers(y)
        return self.out(y), y.reshape(y.size(0), 2, 2)


def deep():
    torch.manual_seed(0)
    model = Deep()
    model(torch.randn(8, 3, 8, 8))  # the batch norm gets figures of its own
    return model.eval(), (torch.randn(2, 3, 8, 8),)


def verified(
    model,
    args,
    *,
    file=None,
    verify="passes",
    rtol=None,
    atol=None,
    inputs=(),
    shown=False,
    **options,
):
    """The trace of a verified export."""
    trace = onnxspan.trace(verify=verify, rtol=rtol, atol=atol, verify_inputs=inputs)
    # `shown` lets warnings through: a warning that is not shown is not heard.
    with trace, warnings.catch_warnings():
        warnings.simplefilter("always" if shown else "ignore")
        torch.onnx.export(model, args, file if file is not None else io.BytesIO(), **options)
    assert trace.errors == []
    return trace
