"""The parameters of a quantized model are those of the model that was quantized."""

import io

import pytest
import torch

import onnxspan
import zoo
from onnxspan import conventions as c
from onnxspan.recording.graphs import packed as unpacking
from onnxspan.recording.graphs.packed import packed
from torch_facts import TORCHSCRIPT

pytestmark = pytest.mark.filterwarnings("ignore")


def count(tensors):
    """Numbers in tensors."""
    return sum(one.numel() for one in tensors)


@pytest.mark.parametrize(
    "model",
    [
        torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Linear(7, 3, bias=False)),
        torch.nn.Sequential(torch.nn.LSTM(7, 3, bidirectional=True)),
        torch.nn.Sequential(torch.nn.GRUCell(4, 6)),
    ],
    ids=["linear", "lstm", "cell"],
)
def test_dynamic_quantization(model):
    """Packed weights are counted once, biases of an LSTM too."""
    made = torch.ao.quantization.quantize_dynamic(model)
    assert count(made.parameters()) == 0
    assert count(packed(made)) == count(model.parameters())


def test_scripted():
    """A scripted module has the same numbers."""
    model = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(torch.nn.Linear(5, 7)))
    assert count(packed(torch.jit.script(model))) == 5 * 7 + 7


def exported():
    with onnxspan.trace("stages") as trace:
        zoo.export("quantized")
    assert trace.errors == []
    return zoo.case("quantized").model, trace.exports[0]


def test_an_export_says_them():
    """A convolution is 8-bit numbers and 32-bit biases."""
    model, root = exported()
    tensors = packed(model)
    assert {one.dtype for one in tensors} == {torch.qint8, torch.float32}
    assert root.get(c.MODEL_PARAMETERS) == count(tensors) > 0
    assert root.get(c.MODEL_BYTES) == sum(one.numel() * one.element_size() for one in tensors)


class Buffers(torch.nn.Module):
    """Weights that a quantizer has made buffers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.ones(4, 4, dtype=torch.int8))
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x @ (self.weight * self.scale)


def test_weights_in_buffers_are_said():
    """Where the buffers are larger than the parameters, the header says how large they are."""
    file = io.StringIO()
    with onnxspan.trace("stages") as trace:
        torch.onnx.export(Buffers(), (torch.ones(1, 4),), io.BytesIO(), **TORCHSCRIPT)
    root = trace.exports[0]
    assert (root.get(c.MODEL_PARAMETERS), root.get(c.MODEL_BUFFERS)) == (1, 16)
    assert root.get(c.MODEL_BUFFER_BYTES) == 16
    trace.show(file=file)
    assert "1 parameters (4 B) · 16 numbers in buffers (16 B)" in file.getvalue()
    with onnxspan.trace("stages") as trace:
        torch.onnx.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),), io.BytesIO(), **TORCHSCRIPT)
    assert c.MODEL_BUFFERS not in trace.exports[0].attributes


def test_what_cannot_be_unpacked_is_unknown(monkeypatch):
    """No number at all is said, rather than 0."""

    def refuse(_):
        raise RuntimeError("cannot be unpacked")

    monkeypatch.setattr(unpacking, "_tensors", refuse)
    _, root = exported()
    assert c.MODEL_PARAMETERS not in root.attributes
    assert c.MODEL_BYTES not in root.attributes
