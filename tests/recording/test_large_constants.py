"""Why a file is larger than the model: the constants that the exporter has made, and from what."""

import io
import warnings

import onnx
import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c


class Tied(nn.Module):
    """Uses one weight twice: as it is, and transposed."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(64, 32)
        self.out = nn.Linear(32, 64, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, ids):
        return self.out(self.embed(ids))


class Repeated(nn.Module):
    """Makes a table out of a small weight: its values are in no tensor of the model."""

    def __init__(self):
        super().__init__()
        self.row = nn.Parameter(torch.arange(48.0))

    def forward(self, x):
        return x + self.row.repeat(40, 1).cumsum(0)


def exported(model, args, path, **options):
    with onnxspan.trace(flight=False) as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), args, path, **options)
    assert trace.errors == []
    return trace


def test_a_weight_that_is_there_twice(tmp_path):
    """The copy is named with its shape, its size and the weight; so it stands in the tree."""
    path = tmp_path / "m.onnx"
    trace = exported(
        Tied(), (torch.zeros(1, 5, dtype=torch.long),), path, **torch_facts.TORCHSCRIPT
    )
    root = trace.exports[0]
    (told,) = root.get(c.RESULT_CONSTANTS)
    name = told.partition(" ")[0]
    assert told == f"{name} float32[32, 64], embed.weight transposed"
    file = {one.name: one for one in onnx.load(path).graph.initializer}
    assert list(file[name].dims) == [32, 64]
    assert root.get(c.RESULT_CONSTANTS_BYTES) == [32 * 64 * 4]
    assert root.get(c.RESULT_CONSTANT_BYTES) == 2 * 32 * 64 * 4
    shown = io.StringIO()
    trace.show(file=shown, width=300)
    line = f"{name} float32[32, 64], embed.weight transposed (8.00 KiB)"
    assert line in shown.getvalue()


class Table(nn.Module):
    """Reads a tensor that is no buffer."""

    def __init__(self):
        super().__init__()
        self.table = torch.randn(64, 64)

    def forward(self, x):
        return x @ self.table


@pytest.mark.parametrize("exporter", torch_facts.EITHER)
def test_a_tensor_that_is_no_buffer(exporter, tmp_path):
    """A large constant counts where the file has it as a node, and where as an initializer."""
    path = tmp_path / "m.onnx"
    trace = exported(Table(), (torch.ones(1, 64),), path, **exporter)
    root = trace.exports[0]
    (told,) = root.get(c.RESULT_CONSTANTS)
    assert told.endswith("float32[64, 64]")
    assert root.get(c.RESULT_CONSTANT_BYTES) == 64 * 64 * 4
    model = onnx.load(path)
    names = {one.name for one in model.graph.initializer}
    names |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    assert told.partition(" ")[0] in names


def test_an_export_without_such_constants_says_nothing(tmp_path):
    """A model whose file holds its weights alone has no line."""
    trace = exported(
        nn.Linear(64, 64), (torch.ones(1, 64),), tmp_path / "m.onnx", **torch_facts.TORCHSCRIPT
    )
    root = trace.exports[0]
    assert root.get(c.RESULT_CONSTANTS) is None
    assert root.get(c.RESULT_CONSTANT_BYTES) == 64 * 65 * 4


@torch_facts.needs_dynamo
@pytest.mark.skipif(not torch_facts.OPTIMIZES, reason=torch_facts.NOT_OPTIMIZED)
@pytest.mark.parametrize("given", ["module", "weights shared"])
def test_by_dynamo(given, tmp_path):
    """A constant without a source is told without one; weights under their names are not told."""
    model, args = (
        (Repeated(), (torch.ones(1, 48),))
        if given == "module"
        else (Tied(), (torch.zeros(1, 5, dtype=torch.long),))
    )
    path = tmp_path / "m.onnx"
    trace = exported(model, args, path, dynamo=True, verbose=False, external_data=False)
    root = trace.exports[0]
    sizes = {
        one.name: onnx.numpy_helper.to_array(one).nbytes
        for one in onnx.load(path).graph.initializer
    }
    assert root.get(c.RESULT_CONSTANT_BYTES) == sum(sizes.values())
    named = dict(model.named_parameters())
    made = {name: size for name, size in sizes.items() if name not in named and size >= 4096}
    told = root.get(c.RESULT_CONSTANTS, [])
    assert {one.partition(" ")[0] for one in told} == set(made)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_weights_of_one_value_tell_nothing(value, tmp_path):
    """Where several weights have the same values, none is taken for the source."""
    model = nn.Sequential(nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False))
    for weight in model.parameters():
        nn.init.constant_(weight, value)
    trace = exported(
        model, (torch.ones(1, 3, 64),), tmp_path / "m.onnx", **torch_facts.TORCHSCRIPT
    )
    for told in trace.exports[0].get(c.RESULT_CONSTANTS, []):
        assert "," not in told.partition("]")[2]
