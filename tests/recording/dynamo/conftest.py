"""One traced export of the small model at each of two levels, which several tests read."""

from __future__ import annotations

import logging

import pytest
import torch

import onnxspan
import torch_facts

if not torch_facts.DYNAMO:
    pytest.skip(torch_facts.NO_DYNAMO, allow_module_level=True)

from dynamo_models import Small, export


@pytest.fixture(scope="session")
def example():
    """One input of two rows."""
    return (torch.arange(8.0).reshape(2, 4),)


@pytest.fixture(scope="session")
def small():
    """The small model, always with the same weights."""
    torch.manual_seed(0)
    return Small().eval()


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    """Without torch's warnings of operators that are not installed."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


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


@pytest.fixture(autouse=True, scope="session")
def _torch_patched_itself():
    """Let torch do before any test what its first capture does: it replaces some functions."""
    from torch._dynamo.eval_frame import TorchPatcher

    TorchPatcher.patch()
