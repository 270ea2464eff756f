"""Origins over the steps after an export: a node's bias names its layer in the file, whatever became of it."""

import warnings

import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from onnxruntime import quantization
from packaging.version import Version
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.cli import main
from onnxspan.reading.origins import following, pipeline
from onnxspan.reading.origins.origins import of_step
from onnxspan.reading.source.snapshots import SnapshotError

QUANTIZED = "onnxruntime.quantization.quantize_dynamic"
SESSION = "onnxruntime.InferenceSession"


class Net(nn.Module):
    """Layers whose inputs and outputs differ, so that nothing is shared."""

    def __init__(self, first):
        super().__init__()
        self.up = nn.Linear(first, 8)
        self.down = nn.Linear(8, 3)

    def forward(self, x):
        return self.down(torch.relu(self.up(x)))


def optimised(path, made):
    """A session that writes its own graph."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(made)
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(torch_facts.TORCHSCRIPT, id="torchscript"),
        pytest.param(
            {"dynamo": True, "verbose": False},
            id="dynamo",
            marks=[
                torch_facts.needs_dynamo,
                pytest.mark.skipif(
                    Version(onnxruntime.__version__) < Version("1.24"),
                    reason="this onnxruntime cannot quantize what the dynamo exporter writes",
                ),
            ],
        ),
    ],
)
def recorded(request, tmp_path_factory):
    """Two exports; the first model is quantized and optimised after the second was exported."""
    folder = tmp_path_factory.mktemp("pipeline")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(snapshots="changed", packs=["onnx", "onnxruntime"]) as trace:
            for size in (5, 7):
                file = folder / f"{size}.onnx"
                torch.onnx.export(Net(size).eval(), (torch.zeros(1, size),), file, **request.param)
            quantization.quantize_dynamic(folder / "5.onnx", folder / "q.onnx")
            optimised(folder / "q.onnx", folder / "o.onnx")
    assert trace.errors == []
    trace.save(folder / "t.jsonl")
    return trace.result, folder


def test_a_step_is_linked_to_the_export_of_its_model(recorded):
    """Not to the latest export, but to the one whose graph the step was given."""
    trace, _ = recorded
    export, steps = pipeline.chain(trace, pipeline.named(trace, SESSION))
    assert export is trace.exports[0]
    assert [step.name for step in steps] == [QUANTIZED, SESSION]


@pytest.mark.parametrize(("name", "file"), [(QUANTIZED, "q.onnx"), (SESSION, "o.onnx")])
def test_each_node_stems_from_the_layer_whose_bias_it_reads(recorded, name, file):
    """After quantization, and after onnxruntime's own fusion."""
    trace, folder = recorded
    found = of_step(trace, pipeline.named(trace, name))
    proto = onnx.load(folder / file)
    assert [one.op_type.rpartition(":")[2] for one in found.nodes] == [
        node.op_type for node in proto.graph.node
    ]
    told = {}
    for node, origin in zip(proto.graph.node, found.nodes, strict=True):
        biases = [value for value in node.input if value.endswith(".bias")]
        if biases:
            told[biases[0]] = {one.module for one in origin.origins}
    assert told == {"up.bias": {"up"}, "down.bias": {"down"}}
    assert found.known == len(found.nodes)
    parameters = {one.name: one.parameter for one in found.initializers}
    assert parameters["up.bias"] == "up.bias"


def test_what_a_step_added_says_the_step(recorded):
    """The nodes of the quantization say that it added them, and the layer that they serve."""
    trace, folder = recorded
    found = of_step(trace, pipeline.named(trace, QUANTIZED))
    matmuls = [one for one in found.nodes if one.op_type == "MatMulInteger"]
    assert [one.added_by for one in matmuls] == [QUANTIZED] * 2
    assert [{origin.module for origin in one.serves} for one in matmuls] == [{"up"}, {"down"}]
    text = (
        CliRunner().invoke(main, ["origins", str(folder / "t.jsonl"), "--step", QUANTIZED]).output
    )
    assert f"added after the export ({QUANTIZED})" in text
    assert f"added by the exporter ({QUANTIZED})" not in text


def test_a_value_is_followed_through_the_steps(recorded):
    """The life of a value goes on after the export, to the last graph."""
    trace, folder = recorded
    bias = "up.bias"
    events = following.of_export(trace, trace.exports[0], bias)
    assert events[-1].step == SESSION
    assert events[-1].did == following.KEPT
    weight = following.of_export(trace, trace.exports[0], "up.weight")
    assert (weight[-1].step, weight[-1].did) == (QUANTIZED, "removed")
    other = following.of_export(trace, trace.exports[1], bias)
    assert other[-1].step not in (SESSION, QUANTIZED)
    out = onnx.load(folder / "5.onnx").graph.node[1].output[0]  # of relu
    life = following.of_export(trace, trace.exports[0], out)
    assert (life[-1].step, life[-1].did) == (SESSION, following.KEPT)
    assert pipeline.FILE not in {event.step for event in life}


def test_a_model_that_no_export_made_is_said(tmp_path):
    """A model that the script itself has changed has no known origin, and none is made up."""
    file = tmp_path / "m.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(snapshots="changed", packs=["onnxruntime"]) as trace:
            torch.onnx.export(Net(5).eval(), (torch.zeros(1, 5),), file, **torch_facts.TORCHSCRIPT)
            model = onnx.load(file)
            next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Sigmoid"
            onnx.save(model, file)
            quantization.quantize_dynamic(file, tmp_path / "q.onnx")
    step = pipeline.named(trace.result, QUANTIZED)
    with pytest.raises(SnapshotError, match="no export and no step of this trace made the model"):
        of_step(trace.result, step)
    with pytest.raises(SnapshotError, match=QUANTIZED):
        pipeline.named(trace.result, "onnxslim.slim")


def test_a_step_that_is_its_own_source(recorded):
    """A damaged trace may give a step the same graph before and after, at one moment: no loop."""
    _, folder = recorded
    trace = onnxspan.Trace.read(folder / "t.jsonl")
    step = pipeline.named(trace, QUANTIZED)
    step.end = step.start
    step.attributes[c.SNAPSHOT_GRAPH_BEFORE] = step.get(c.SNAPSHOT_GRAPH_AFTER)
    with pytest.raises(SnapshotError, match="no export and no step"):
        pipeline.chain(trace, step)
