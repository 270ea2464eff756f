"""Verification of the steps of packs: the model that a step makes against the one it was given."""

from __future__ import annotations

import io
import sys
import threading
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnxruntime import quantization

import onnxspan
from onnxspan import conventions as c
from onnxspan.recording.probe import Probe
from onnxspan.recording.probes import packs
from onnxspan.recording.probes.packs import measure
from onnxspan.recording.verify import steps
from torch_facts import TORCHSCRIPT

QUANTIZED = "onnxruntime.quantization.quantize_dynamic"


def export(path):
    """A small model in a file, with a batch of any size."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(), (torch.rand(2, 6),), path, input_names=["x"],
            dynamic_axes={"x": {0: "n"}}, **TORCHSCRIPT,
        )  # fmt: skip
    return path


def change(model):
    """A tool that changes a weight, in place."""
    weight = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weight[..., 0] += 1
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(weight, model.graph.initializer[0].name)
    )


def rename(model):
    """A tool that changes names alone."""
    for node in model.graph.node:
        node.name += "_new"


def both(path):
    """Two exports, and a tool on the second."""
    export(path / "1.onnx")
    model = onnx.load(export(path / "2.onnx"))
    sys.modules[__name__].tool(model)


@pytest.fixture
def tool(monkeypatch):
    """A pack `mine` whose step is a function of this test."""

    def install(function):
        module = sys.modules[__name__]
        name = function.__name__
        monkeypatch.setattr(module, "tool", function, raising=False)
        row = Probe(
            name, (f"{__name__}:tool",), opens=lambda _: None, before=measure.before,
            after=measure.after, root=True, pack="mine", most=9,
        )  # fmt: skip
        monkeypatch.setitem(packs.PACKS, "mine", (row,))
        from onnxspan.recording import packs as holding

        holding._found.pop(name, None)
        return module

    return install


def shown(trace):
    """The tree as text, in one line."""
    file = io.StringIO()
    trace.show(file=file)
    return " ".join(file.getvalue().replace("│", "").split())


def step(trace, name):
    assert trace.errors == []
    return next(span for span in trace.result.spans if span.name == name)


def test_a_step_that_lowers_precision_says_how_far_and_is_no_mismatch(tmp_path):
    """Quantization differs on purpose: the figures are there, on the export's own inputs."""
    with onnxspan.trace(packs=["onnxruntime"], verify=True) as trace:
        export(tmp_path / "m.onnx")
        quantization.quantize_dynamic(tmp_path / "m.onnx", tmp_path / "q.onnx")
    span = step(trace, QUANTIZED)
    assert span.get(c.VERIFY_LOSSY) is True
    assert span.get(c.VERIFY_INPUTS) in ("example", "other values", "other sizes")
    assert 1e-5 < span.get(c.VERIFY_MAX_ABS) < span.get(c.VERIFY_LARGEST) < 10
    assert span.get(c.VERIFY_MISMATCHED) > 0
    assert trace.mismatch is None
    assert "the step lowers the precision" in shown(trace)


def test_a_step_that_changes_the_numbers_is_a_mismatch(tmp_path, tool):
    """The step is named, with the figures; what it changed in place counts."""
    module = tool(change)
    with onnxspan.trace(packs=["onnx", "mine"], verify=True) as trace:
        model = onnx.load(export(tmp_path / "m.onnx"))
        onnx.shape_inference.infer_shapes(model)
        module.tool(model)
    found = trace.mismatch
    assert found.pass_name == "change"
    assert found.before == "onnx.shape_inference.infer_shapes"
    assert found.max_abs_diff > 0.01
    assert found.mismatched > 0
    assert found.inputs == "example"
    assert "The numbers begin to differ in change" in shown(trace)
    assert step(trace, "onnx.shape_inference.infer_shapes").get(c.VERIFY_MISMATCHED) == 0
    assert trace.exports[0].get(c.VERIFY_STEPS) > 2
    assert c.MISMATCH_INPUTS not in trace.exports[0].attributes


def test_a_step_that_changes_names_agrees(tmp_path, tool):
    """Another model with the same numbers is verified, and is no mismatch."""
    module = tool(rename)
    with onnxspan.trace(packs=["mine"], verify=True) as trace:
        module.tool(onnx.load(export(tmp_path / "m.onnx")))
    span = step(trace, "rename")
    assert span.get(c.VERIFY_MAX_ABS) == 0
    assert span.get(c.VERIFY_MISMATCHED) == 0
    assert trace.mismatch is None


def test_without_an_export_the_inputs_are_drawn(tmp_path, tool):
    """A file that the script only reads is verified too, and the span says on which inputs."""
    path = export(tmp_path / "m.onnx")
    module = tool(change)
    with onnxspan.trace(packs=["mine"], verify=True) as trace:
        module.tool(onnx.load(path))
    assert step(trace, "change").get(c.VERIFY_INPUTS) == "drawn"
    assert trace.mismatch.inputs == "drawn"


def test_what_changes_nothing_is_not_run(tmp_path, monkeypatch):
    """A check, a load and a save cost no run."""
    path = export(tmp_path / "m.onnx")
    monkeypatch.setattr(steps.onnx_runs, "session", lambda *_, **__: pytest.fail("it was run"))
    with onnxspan.trace(packs=["onnx"], verify=True) as trace:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        onnx.save(model, tmp_path / "again.onnx")
    assert trace.errors == []
    assert not any(c.VERIFY_SKIPPED in span.attributes for span in trace.result.spans)


def test_the_script_does_not_notice(tmp_path):
    """The file of a verified quantization is the same to the byte, and no run is a span."""
    path = export(tmp_path / "m.onnx")
    quantization.quantize_dynamic(path, tmp_path / "plain.onnx")
    with onnxspan.trace(packs=["all"], verify=True) as trace:
        quantization.quantize_dynamic(path, tmp_path / "q.onnx")
    assert (tmp_path / "q.onnx").read_bytes() == (tmp_path / "plain.onnx").read_bytes()
    names = {span.name for span in trace.result.spans}
    assert not any("InferenceSession" in name for name in names)


def test_external_data_that_was_written_over_is_said(tmp_path, tool):
    """A model whose weights lie in another file cannot be run once that file has changed."""
    model = onnx.load(export(tmp_path / "m.onnx"))
    data = {"save_as_external_data": True, "location": "m.data", "size_threshold": 0}
    onnx.save(model, tmp_path / "e.onnx", **data)

    def overwrite(path):
        changed = onnx.load(path)
        changed.graph.node[0].name = "other"
        weight = numpy_helper.to_array(changed.graph.initializer[0])
        changed.graph.initializer[0].CopyFrom(
            numpy_helper.from_array(np.tile(weight, (1, 1)) * 2, "0.weight")
        )
        onnx.save(changed, path, **data)

    module = tool(overwrite)
    with onnxspan.trace(packs=["mine"], verify=True) as trace:
        module.tool(tmp_path / "e.onnx")
    assert "written over" in step(trace, "overwrite").get(c.VERIFY_SKIPPED)


def test_a_model_that_is_too_large_is_said(tmp_path, monkeypatch):
    """Beyond the limit nothing is run, and the span says why."""
    monkeypatch.setattr(steps, "MAX_BYTES", 10)
    with onnxspan.trace(packs=["onnxruntime"], verify=True) as trace:
        quantization.quantize_dynamic(export(tmp_path / "m.onnx"), tmp_path / "q.onnx")
    assert "MiB" in step(trace, QUANTIZED).get(c.VERIFY_SKIPPED)
    assert "not verified: its file has more than" in shown(trace)


@pytest.mark.parametrize("pack", ["", "outer"])
def test_each_export_inside_a_root_is_verified(tmp_path, tool, monkeypatch, pack):
    """Of several exports in one function each has its own result, its file included."""
    module = tool(change)
    row = Probe("outer", (f"{__name__}:both",), opens=lambda _: None, root=True, pack=pack, most=9)
    monkeypatch.setitem(packs.PACKS, "outer", (row,))
    names = ["mine", "outer"] if pack else ["mine"]
    probes = [] if pack else [row]
    with onnxspan.trace(packs=names, probes=probes, verify=True) as trace:
        module.both(tmp_path)
    assert trace.errors == []
    first, second = trace.exports
    for one in (first, second):
        assert one.get(c.VERIFY_STEPS) > 2
        assert one.get(c.VERIFY_MAX_ABS) < 1e-5
        assert c.VERIFY_NOTES not in one.attributes
    assert trace.mismatch.pass_name == "change"


def small(nodes, inputs, outputs, dtype=onnx.TensorProto.FLOAT):
    """A model of these nodes; inputs and outputs have two elements."""
    values = [
        [onnx.helper.make_tensor_value_info(name, kind, [2]) for name in names]
        for names, kind in ((inputs, onnx.TensorProto.FLOAT), (outputs, dtype))
    ]
    graph = onnx.helper.make_graph(nodes, "g", *values)
    opset = onnx.helper.make_opsetid("", 18)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)


def test_a_step_that_makes_another_model_on_purpose_is_not_verified(tmp_path):
    """Two models that are merged, and a part of one, are no mismatches; the spans say why."""
    node = onnx.helper.make_node
    first = small([node("Relu", ["x"], ["y"])], ["x"], ["y"])
    second = small([node("Exp", ["u"], ["z"])], ["u"], ["z"])
    with onnxspan.trace(packs=["onnx"], verify=True) as trace:
        merged = onnx.compose.merge_models(first, second, io_map=[("y", "u")])
        onnx.save(merged, tmp_path / "m.onnx")
        onnx.utils.extract_model(tmp_path / "m.onnx", tmp_path / "part.onnx", ["x"], ["y"])
    for name in ("onnx.compose.merge_models", "onnx.utils.extract_model"):
        assert "another model on purpose" in step(trace, name).get(c.VERIFY_SKIPPED)
    assert trace.mismatch is None


def other_output(model):
    """A tool that makes an inner value the output."""
    model.graph.output[0].name = model.graph.node[0].output[0]


def other_input(model):
    """A tool that adds an input."""
    model.graph.input.append(onnx.helper.make_tensor_value_info("v", onnx.TensorProto.FLOAT, [2]))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (other_output, "its outputs are m instead of z"),
        (other_input, "the model that was given has no inputs v"),
    ],
)
def test_a_model_with_other_inputs_or_outputs_is_not_compared(tool, function, reason):
    """What computes something else cannot be right or wrong: the span says what is other."""
    module = tool(function)
    node = onnx.helper.make_node
    nodes = [node("Relu", ["x"], ["m"]), node("Exp", ["m"], ["z"])]
    with onnxspan.trace(packs=["mine"], verify=True) as trace:
        module.tool(small(nodes, ["x"], ["z"]))
    assert step(trace, function.__name__).get(c.VERIFY_SKIPPED) == reason
    assert trace.mismatch is None


def reshape(model):
    """A tool after which the model takes other sizes than drawn inputs have."""
    target = numpy_helper.from_array(np.array([3], np.int64), "s")
    model.graph.initializer.append(target)
    model.graph.node[0].CopyFrom(onnx.helper.make_node("Reshape", ["x", "s"], ["z"]))


def test_a_model_that_cannot_be_run_on_drawn_inputs_is_no_mismatch(tool):
    """Where the first run fails nothing says that these inputs are possible."""
    module = tool(reshape)
    model = small([onnx.helper.make_node("Relu", ["x"], ["z"])], ["x"], ["z"])
    with onnxspan.trace(packs=["mine"], verify=True) as trace:
        module.tool(model)
    assert "Reshape" in step(trace, "reshape").get(c.VERIFY_SKIPPED)
    assert trace.mismatch is None


@pytest.mark.parametrize("kind", ["BOOL", "UINT8", "UINT32", "INT64", "DOUBLE"])
def test_outputs_of_every_type_are_verified(tool, kind):
    """A step on a model without floating-point outputs is compared too."""
    module = tool(rename)
    dtype = getattr(onnx.TensorProto, kind)
    model = small([onnx.helper.make_node("Cast", ["x"], ["z"], to=dtype)], ["x"], ["z"], dtype)
    with onnxspan.trace(packs=["mine"], verify=True) as trace:
        module.tool(model)
    span = step(trace, "rename")
    assert span.get(c.VERIFY_ELEMENTS) == 2
    assert 0 <= span.get(c.VERIFY_LARGEST) <= 1


def test_a_step_in_another_thread_is_verified_too(tmp_path, tool):
    """Of two steps at the same time each is compared with the model that it was given."""
    path = export(tmp_path / "m.onnx")
    model = onnx.load(path)

    def beside(given):
        other = threading.Thread(target=onnx.version_converter.convert_version, args=(model, 19))
        other.start()
        other.join()
        rename(given)

    module = tool(beside)
    with onnxspan.trace(packs=["onnx", "mine"], verify=True) as trace:
        module.tool(onnx.load(path))
    for name in ("beside", "onnx.version_converter.convert_version"):
        assert step(trace, name).get(c.VERIFY_MAX_ABS) == 0


def test_a_step_in_another_thread_leaves_an_export_its_verification(tmp_path):
    """A step of a pack that ends in the midst of an export does not end the export's runs."""
    model = onnx.load(export(tmp_path / "m.onnx"))

    def relu(graph, value):
        other = threading.Thread(target=onnx.shape_inference.infer_shapes, args=(model,))
        other.start()
        other.join()
        return graph.op("Relu", value)

    torch.onnx.register_custom_op_symbolic("aten::relu", relu, 9)
    try:
        with onnxspan.trace(packs=["onnx"], verify=True) as trace:
            export(tmp_path / "x.onnx")
    finally:
        torch.onnx.unregister_custom_op_symbolic("aten::relu", 9)
    assert step(trace, "onnx.shape_inference.infer_shapes").parent is None
    (one,) = trace.exports
    assert one.get(c.VERIFY_MAX_ABS) < 1e-5
    assert one.get(c.VERIFY_STEPS) > 2
