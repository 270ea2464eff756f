"""Small models for the dynamo exporter, and how the tests export and read them."""

from __future__ import annotations

import torch
from torch import nn


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.register_buffer("offset", torch.ones(4))

    def forward(self, x):
        return self.inner(x) + self.offset


class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x * 2
        return x


class DataDependent(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = Branch()

    def forward(self, x):
        return self.branch(x)


class StrictOnly(nn.Module):
    """Fails in non-strict capture; strict capture reads past the test."""

    def forward(self, x):
        if not torch.compiler.is_dynamo_compiling():
            raise ValueError("only strict capture passes here")
        return x * 2


def export(model, args, f=None, **options):
    """Export with the dynamo exporter, without its chatter."""
    return torch.onnx.export(model, args, f, dynamo=True, verbose=False, **options)


def by_name(trace, name):
    """The spans of a name, in the order of the calls."""
    return [span for span in trace.spans if span.name == name]
