"""What the root says of the file is what `onnx.load` says, and lost dimensions are said."""

import io
import warnings

import onnx
import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c

pinned = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
DYNAMO = {"dynamo": True, "verbose": False}
BOTH = pytest.mark.parametrize(
    "options",
    [
        pytest.param(torch_facts.TORCHSCRIPT, id="torchscript"),
        pytest.param(DYNAMO, id="dynamo", marks=[torch_facts.needs_dynamo, pinned]),
    ],
)


def exported(model, args, path, **options):
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("always")
        torch.onnx.export(model, args, path, **options)
    assert trace.errors == []
    return trace


MODELS = {
    "upsample, an empty optional input": (nn.Upsample(scale_factor=2), (torch.zeros(1, 3, 8, 8),)),
    "clamp, one bound": (nn.Hardtanh(), (torch.zeros(2),)),
    "linear": (nn.Linear(3, 3), (torch.zeros(1, 3),)),
    "lstm": (nn.LSTM(3, 4), (torch.zeros(2, 1, 3),)),
}


@BOTH
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")
def test_figures_are_those_of_the_file(name, options, tmp_path):
    """Nodes, initializers and operators of the root are the file's."""
    model, args = MODELS[name]
    path = tmp_path / "m.onnx"
    root = exported(model.eval(), args, path, **options).exports[0]
    graph = onnx.load(path).graph
    assert root.get(c.RESULT_NODES) == len(graph.node)
    assert root.get(c.RESULT_INITIALIZERS) == len(graph.initializer)
    assert not any("prim::" in one for one in root.get(c.RESULT_OPERATORS))


class Fixed(nn.Module):
    def forward(self, x):
        return torch.relu(x).reshape(2, 4) + 1


@pytest.mark.filterwarnings("ignore")
def test_a_lost_dimension_by_torchscript(tmp_path):
    """The node at which a dynamic dimension ends is named."""
    trace = exported(
        Fixed(),
        (torch.zeros(2, 4),),
        tmp_path / "m.onnx",
        input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
        **torch_facts.TORCHSCRIPT,
    )
    (end,) = trace.exports[0].get(c.DYNAMIC_ENDS)
    assert end.startswith("onnx::Reshape [*, 4] → [2, 4]")


@torch_facts.needs_dynamo
@pinned
@pytest.mark.filterwarnings("ignore")
def test_a_lost_dimension_by_dynamo(tmp_path):
    """A batch of 1 that torch fixes in a layer norm is named with shapes, module and line."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    trace = exported(
        layer,
        (torch.randn(1, 8, 16),),
        tmp_path / "m.onnx",
        dynamic_shapes=({0: "batch"},),
        **DYNAMO,
    )
    (end,) = trace.exports[0].get(c.DYNAMIC_ENDS)
    assert "aten.layer_norm.default" in end
    assert "→ [1, 8, 16] in norm1 (LayerNorm)" in end
    shown = io.StringIO()
    trace.show(file=shown, width=200)
    assert "a dynamic dimension of the inputs ends" in shown.getvalue()


class Expanded(nn.Module):
    """Loses the batch in a layer norm, and names it in the output by its query's shape."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.query = nn.Parameter(torch.randn(5, 16))
        self.cross = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x):
        memory = self.encoder(x)
        query = self.query.expand(x.shape[0], -1, -1)
        return self.cross(query, memory, memory)[0]


@torch_facts.needs_dynamo
@pinned
@pytest.mark.filterwarnings("ignore")
def test_a_dimension_that_an_output_has_in_name_alone(tmp_path):
    """The capture's node is named, and not the pass of onnxscript that found the shape out."""
    trace = exported(
        Expanded().eval(),
        (torch.randn(1, 8, 16),),
        tmp_path / "m.onnx",
        dynamic_shapes=({0: "batch"},),
        **DYNAMO,
    )
    (shape,) = (one.type.tensor_type.shape for one in onnx.load(tmp_path / "m.onnx").graph.output)
    assert not any(one.dim_param for one in shape.dim)
    (end,) = trace.exports[0].get(c.DYNAMIC_ENDS)
    assert "aten.layer_norm.default" in end
    assert "→ [1, 8, 16] in encoder.norm1 (LayerNorm)" in end
    assert "seen after _export_for_training" in end
    assert not any(span.get(c.DYNAMIC_LOST) for span in trace.spans)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = nn.LSTM(4, 4, batch_first=True)

    def forward(self, x):
        return self.front(x)[0]


@torch_facts.needs_dynamo
@pinned
@pytest.mark.filterwarnings("ignore")
def test_one_of_several_results_ends_no_dimension(tmp_path):
    """An LSTM's last state has no time axis: what fixes the axis is the LSTM's own decomposition."""
    trace = exported(
        Recurrent().eval(),
        (torch.randn(2, 9, 4),),
        tmp_path / "m.onnx",
        dynamic_shapes=({0: "batch", 1: "time"},),
        **DYNAMO,
    )
    ends = trace.exports[0].get(c.DYNAMIC_ENDS, [])
    assert not [end for end in ends if "getitem" in end]
    lost = [end for end in ends if "aten.lstm.input" in end and "in front (LSTM)" in end]
    (shape,) = (one.type.tensor_type.shape for one in onnx.load(tmp_path / "m.onnx").graph.output)
    assert bool(lost) == (not shape.dim[1].dim_param)


class Pooled(nn.Module):
    def forward(self, x):
        return x.mean(0)


@BOTH
@pytest.mark.filterwarnings("ignore")
def test_a_reduction_loses_nothing(options, tmp_path):
    """A dimension that is reduced away on purpose is not said to be lost, nor one that stays."""
    dynamic = (
        {"dynamic_shapes": ({0: "batch"},)}
        if options is DYNAMO
        else {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    )
    for model in (nn.Linear(4, 4), Pooled()):
        root = exported(
            model.eval(), (torch.zeros(3, 4),), tmp_path / "m.onnx", **dynamic, **options
        ).exports[0]
        ends = root.get(c.DYNAMIC_ENDS) or []
        assert not any("→" in end for end in ends)


class Baked(nn.Module):
    def forward(self, x):
        if float(x.sum()) > 0:
            x = x + 1
        return x.reshape(int(x.shape[0]), -1)


@pytest.mark.filterwarnings("ignore")
def test_baked_values_are_said(tmp_path):
    """The lines at which tracing made constants stand in the tree."""
    trace = exported(Baked(), (torch.ones(2, 2),), tmp_path / "m.onnx", **torch_facts.TORCHSCRIPT)
    shown = io.StringIO()
    trace.show(file=shown, width=300)
    assert "2 values became constants while tracing:" in shown.getvalue()
    assert "test_file_figures.py:" in shown.getvalue()


@torch_facts.needs_dynamo
@pinned
@pytest.mark.filterwarnings("ignore")
def test_the_opset_of_the_file(tmp_path):
    """The header has the file's opset, and the one that was asked for where it differs."""
    trace = exported(nn.GELU(), (torch.zeros(2),), tmp_path / "m.onnx", opset_version=14, **DYNAMO)
    made = next(
        one.version for one in onnx.load(tmp_path / "m.onnx").opset_import if not one.domain
    )
    shown = io.StringIO()
    trace.show(file=shown, width=200)
    wanted = "opset 14" if made == 14 else f"opset {made} (14 was asked for)"
    assert wanted in shown.getvalue()
