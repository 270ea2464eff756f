"""What runs or copies a model that is not simply traced has a span of its own."""

import io
import warnings

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(3, 3)
        self.scale = 2.0

    def forward(self, x):
        return self.up(x) * self.scale


def spans_of(model, args, **options):
    """The spans of an export by name; the export may fail."""
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(model, args, io.BytesIO(), **options)
        except torch.onnx.errors.UnsupportedOperatorError:
            pass
    assert trace.errors == []
    return {span.name: span for span in trace.spans}


def test_a_scripted_model():
    """A ScriptModule is frozen, gets the example's types, and is run once for its outputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(Scaled().eval())
    spans = spans_of(model, (torch.ones(2, 3),), **torch_facts.TORCHSCRIPT)
    assert spans["_freeze_module"].parent.name == "_create_jit_graph"
    assert spans["_propagate_and_assign_input_shapes"].parent.name == "_create_jit_graph"
    assert spans["_get_example_outputs"].parent.name == "_model_to_graph"


def test_a_traced_model_has_none_of_them():
    """A plain module is traced, and nothing else of that kind is done."""
    spans = spans_of(Scaled().eval(), (torch.ones(2, 3),), **torch_facts.TORCHSCRIPT)
    assert not {"_freeze_module", "_get_example_outputs", "torch.jit.trace"} & set(spans)


def test_a_quantized_model():
    """A quantized model is traced before the export itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.ao.quantization.quantize_dynamic(
            nn.Sequential(nn.Linear(4, 4)).eval(), {nn.Linear}
        )
    spans = spans_of(model, (torch.ones(2, 4),), **torch_facts.TORCHSCRIPT)
    assert spans["torch.jit.trace"].parent.name == "_model_to_graph"


@torch_facts.needs_dynamo
@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_the_first_run_under_fake_tensors():
    """AOTAutograd's run of the graph has a span inside the capture."""
    spans = spans_of(Scaled().eval(), (torch.ones(2, 3),), dynamo=True, verbose=False)
    assert spans["create_aot_state"].parent.name == "_aot_export_joint_with_descriptors"
