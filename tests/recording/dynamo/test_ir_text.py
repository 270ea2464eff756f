"""The text of an onnx_ir model holds no value of a weight."""

import re
import warnings

import numpy as np
import onnx_ir
import torch

import onnxspan
import torch_facts
from onnxspan.recording.graphs import ir_text

pytestmark = torch_facts.needs_dynamo


class Small(torch.nn.Module):
    """Weights small enough to be printed, a scalar one, and whole numbers of the model's own."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2)
        self.scale = torch.nn.Parameter(torch.tensor(0.271828))
        self.register_buffer("secret", torch.tensor([7654321, 1234567]))

    def forward(self, x):
        return self.norm(self.conv(x)).mean((2, 3)) * self.scale + self.secret * 0.5


def test_no_value_of_a_weight(tmp_path):
    """No file of the snapshots has a value of a parameter or buffer; axes and the factor stay."""
    torch.manual_seed(0)
    model = Small().eval()
    with torch.no_grad():
        model.conv.bias.copy_(torch.tensor([0.314159, 0.577215]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(snapshots="all", save=tmp_path / "t.jsonl"):
            torch.onnx.export(
                model, (torch.randn(1, 1, 3, 3),), tmp_path / "m.onnx", dynamo=True, verbose=False
            )
    kept = "".join(path.read_text() for path in (tmp_path / "t.snapshots").glob("*.txt"))
    assert "BatchNormalization" in kept
    assert re.search(r"array\(\[2, 3\]\)", kept)
    for value in ("0.31415", "0.57721", "0.27182", "7654321", "1234567"):
        assert value not in kept


def model_with(values):
    tensor = onnx_ir.tensor(np.array(values, np.float32), name="w")
    weight = onnx_ir.Value(
        name="w",
        const_value=tensor,
        shape=onnx_ir.Shape([len(values)]),
        type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT),
    )
    node = onnx_ir.Node("", "Relu", [weight], outputs=[onnx_ir.Value(name="y")])
    graph = onnx_ir.Graph(
        [], node.outputs, nodes=[node], initializers=[weight], opset_imports={"": 18}, name="g"
    )
    return onnx_ir.Model(graph, ir_version=10)


def test_other_values_are_another_text():
    """A pass that changes values alone changes the text; the same values are the same text."""
    one, other = ir_text.text(model_with([0.25, 0.5])), ir_text.text(model_with([0.25, 0.75]))
    assert one != other
    assert one == ir_text.text(model_with([0.25, 0.5]))
    assert "0.25" not in one
