"""Tracing keeps nothing of an export alive: what is dropped is freed at once."""

import gc
import io
import warnings
import weakref

import pytest
import torch

import onnxspan
import torch_facts
from onnxspan.recording.call import Call, Export


class Weights(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 8)

    def forward(self, x):
        return torch.nn.functional.gelu(self.layer(x)).reshape(-1)


DYNAMO = pytest.param(
    {"dynamo": True, "verbose": False}, marks=torch_facts.needs_dynamo, id="dynamo"
)


def alive():
    """How many calls and exports of the recorder there are."""
    return sum(type(one) in (Call, Export) for one in gc.get_objects())


def left_over(level, options):
    """How many of the recorder's own objects outlive an export, without a collection."""
    trace = onnxspan.trace(level)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The first export imports modules, and an import that fails may keep the whole stack.
        torch.onnx.export(Weights().eval(), (torch.ones(2, 8),), io.BytesIO(), **options)
        before = alive()
        with trace:
            torch.onnx.export(Weights().eval(), (torch.ones(2, 8),), io.BytesIO(), **options)
            return alive() - before, trace


@pytest.fixture
def collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("level", ["stages", "passes", "nodes"])
@pytest.mark.parametrize(
    "options", [pytest.param(torch_facts.TORCHSCRIPT, id="torchscript"), DYNAMO]
)
def test_no_call_outlives_its_export(level, options, collector):
    """Without a garbage collection, no call and no export of the recorder is left."""
    left, trace = left_over(level, options)
    assert left == 0
    assert len(trace.exports) == 1


@pytest.mark.parametrize("level", ["passes", "nodes"])
def test_weights_are_freed_with_the_model(level, collector):
    """After `del model` the weights are gone, as without tracing, though no collection ran."""
    model = Weights().eval()
    weight = weakref.ref(model.layer.weight)
    with onnxspan.trace(level), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.ones(2, 8),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
        untraced = len(gc.get_referrers(weight()))
        del model
        assert weight() is None, f"{untraced} objects refer to the weight"


def test_a_hook_may_keep_a_moment(collector):
    """What a hook keeps is kept by the hook alone: its moment has the arguments still."""
    kept = []
    trace = onnxspan.trace()
    trace.on_leave("_jit_pass_onnx_constant_fold")(kept.append)
    with trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Weights().eval(), (torch.ones(2, 8),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    assert "layer.bias" in kept[0].args[1]
