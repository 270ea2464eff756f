"""Small models for the dynamo exporter, and one traced export of each that several tests read."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

import onnxspan


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


@pytest.fixture(scope="session")
def example():
    return (torch.arange(8.0).reshape(2, 4),)


@pytest.fixture(scope="session")
def small():
    torch.manual_seed(0)
    return Small().eval()


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)


def export(model, args, f=None, **options):
    return torch.onnx.export(model, args, f, dynamo=True, verbose=False, **options)


def by_name(trace, name):
    return [span for span in trace.spans if span.name == name]


@pytest.fixture(scope="session")
def plain(small, example, tmp_path_factory):
    """The default export at the default level."""
    with onnxspan.trace() as trace:
        export(small, example, tmp_path_factory.mktemp("plain") / "small.onnx")
    return trace


@pytest.fixture(scope="session")
def nodes(small, example, tmp_path_factory):
    """The same at the level `nodes`, with a dynamic batch, verified and reported."""
    folder = tmp_path_factory.mktemp("nodes")
    with onnxspan.trace("nodes") as trace:
        export(
            small,
            example,
            folder / "small.onnx",
            dynamic_shapes={"x": {0: "batch"}},
            verify=True,
            report=True,
            artifacts_dir=folder,
        )
    return trace
