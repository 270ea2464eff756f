"""Snapshots of the steps of packs: the model that a step is given, and the one that it makes."""

from __future__ import annotations

import sys
import threading

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import onnxspan
from onnxspan import conventions as c
from onnxspan import graph_record
from onnxspan.reading.origins.origins import of_export
from onnxspan.reading.source import snapshots as diffs
from onnxspan.recording.graphs import pack_steps, proto_records
from onnxspan.recording.probe import Probe
from onnxspan.recording.probes import packs
from onnxspan.recording.probes.packs import measure
from torch_facts import TORCHSCRIPT

ODD = 0.8125
"""A weight's value, which must be in no snapshot."""


@pytest.fixture
def path(tmp_path):
    """A file: a convolution, an Identity that nothing needs, and a branch."""
    branch = [
        helper.make_graph(
            [helper.make_node(kind, ["y"], ["z"])], kind, [], [helper.make_tensor_value_info("z", 1, ["n", 4, 6, 6])]
        )
        for kind in ("Relu", "Sigmoid")
    ]  # fmt: skip
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name="conv", kernel_shape=[3, 3]),
            helper.make_node("Identity", ["c"], ["y"]),
            helper.make_node("If", ["flag"], ["z"], then_branch=branch[0], else_branch=branch[1]),
        ],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2, 8, 8]),
            helper.make_tensor_value_info("flag", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 4, 6, 6])],
        [numpy_helper.from_array(np.full((4, 2, 3, 3), ODD, np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def step(trace, name):
    """The first span of a name, of a recording without errors."""
    assert trace.errors == []
    return next(span for span in trace.result.spans if span.name == name)


def test_a_step_keeps_the_graph_before_and_after(path, tmp_path):
    """Quantisation reads one file and writes another: the diff and the records show both graphs."""
    from onnxruntime import quantization

    with onnxspan.trace(packs=["onnx", "onnxruntime"], snapshots="changed") as trace:
        quantization.quantize_dynamic(path, tmp_path / "q.onnx")
    span = step(trace, "onnxruntime.quantization.quantize_dynamic")
    assert not any(c.SNAPSHOT_CHANGED in one.attributes for one in span.walk() if one is not span)
    text = diffs.diff(trace.result, span)
    assert '-  %"c" = Conv(%"x", %"w") {kernel_shape=[3, 3]}' in text
    assert "ConvInteger" in text
    assert '+  %"w_quantized" = initializer UINT8[4, 2, 3, 3]' in text.replace(" INT8", " UINT8")
    records = [
        diffs.record(trace.result, span, key)
        for key in (c.SNAPSHOT_GRAPH_BEFORE, c.SNAPSHOT_GRAPH_AFTER)
    ]
    for record, file in zip(records, (path, tmp_path / "q.onnx"), strict=True):
        proto = onnx.load(file)
        assert [node.op for node in record.nodes] == [node.op_type for node in proto.graph.node]
        assert [one.name for one in record.initializers] == [
            one.name for one in proto.graph.initializer
        ]
    numbers = [{node.id: node.op for node in record.walk()} for record in records]
    kept = numbers[0].keys() & numbers[1].keys()
    assert {numbers[0][number] for number in kept} >= {"If", "Relu", "Sigmoid"}
    assert all(numbers[0][number] == numbers[1][number] for number in kept)


def test_no_value_of_a_weight_is_kept(path, tmp_path):
    """Neither a text nor a record has a weight's value."""
    with onnxspan.trace(packs=["onnx"], snapshots="all") as trace:
        onnx.load(path)
    trace.save(tmp_path / "t.jsonl")
    files = list((tmp_path / "t.snapshots").iterdir())
    assert len(files) == 2
    for file in files:
        assert str(ODD) not in file.read_text(encoding="utf-8")


def test_the_users_model_is_not_changed(path):
    """What a step is given and returns is the same to the byte as without a recording."""
    model = onnx.load(path)
    data = model.SerializeToString(deterministic=True)
    plain = onnx.version_converter.convert_version(model, 19)
    with onnxspan.trace(packs=["onnx"], snapshots="changed") as trace:
        made = onnx.version_converter.convert_version(model, 19)
    assert model.SerializeToString(deterministic=True) == data
    assert made.SerializeToString(deterministic=True) == plain.SerializeToString(
        deterministic=True
    )
    text = diffs.diff(trace.result, step(trace, "onnx.version_converter.convert_version"))
    assert "-opset ai.onnx 17" in text
    assert "+opset ai.onnx 19" in text


def test_what_changes_nothing_says_so(path):
    """A check leaves the graph alone: the span says it, and names no file."""
    with onnxspan.trace(packs=["onnx"], snapshots="changed") as trace:
        onnx.checker.check_model(str(path))
    span = step(trace, "onnx.checker.check_model")
    assert span.get(c.SNAPSHOT_CHANGED) is False
    assert not span.get(c.SNAPSHOT_BEFORE)


def test_other_values_of_the_same_weight_are_a_change(path):
    """A tool that changes a weight and keeps its name has changed the graph."""
    before, after = onnx.load(path), onnx.load(path)
    changed = np.full((4, 2, 3, 3), ODD, np.float32)
    changed[3, 1, 2, 2] += 1
    after.graph.initializer[0].CopyFrom(numpy_helper.from_array(changed, "w"))
    typed = onnx.load(path)
    typed.graph.initializer[0].CopyFrom(
        helper.make_tensor("w", TensorProto.FLOAT, (4, 2, 3, 3), [ODD] * 72)
    )
    assert proto_records.text(before) != proto_records.text(after)
    assert proto_records.text(before) == proto_records.text(typed)


def test_shape_inference_changes_types_alone(path):
    """Its diff has lines of types and no line of a node."""
    with onnxspan.trace(packs=["onnx"], snapshots="changed") as trace:
        onnx.shape_inference.infer_shapes(onnx.load(path))
    lines = diffs.diff(trace.result, step(trace, "onnx.shape_inference.infer_shapes")).splitlines()
    changed = [line for line in lines[2:] if line[0] in "+-"]
    assert '+  type %"c" FLOAT[n, 4, 6, 6]' in changed
    assert all(" type " in line or "return" in line for line in changed)


def test_a_failing_step_keeps_what_it_was_given(path):
    """The graph before a step that raised is there to read."""
    model = onnx.load(path)
    model.graph.node[0].op_type = "Conw"
    with onnxspan.trace(packs=["onnx"], snapshots="changed") as trace, pytest.raises(
        onnx.checker.ValidationError
    ):  # fmt: skip
        onnx.checker.check_model(model)
    span = step(trace, "onnx.checker.check_model")
    assert diffs.has_before_alone(span)
    assert "Conw(" in diffs.before(trace.result, span)


def test_a_model_that_is_too_large_is_said(path, monkeypatch):
    """Of a model beyond a limit no graph is kept, and the span says which limit."""
    for holder, name, limit, told in (
        (pack_steps, "MAX_NODES", 2, "more than 2 nodes"),
        (measure, "MAX_FILE", 9, "more than 9 bytes"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(holder, name, limit)
            with onnxspan.trace(packs=["onnx"], snapshots="changed") as trace:
                onnx.checker.check_model(str(path))
        span = step(trace, "onnx.checker.check_model")
        assert told in span.get(c.SNAPSHOT_OMISSION)
        assert span.get(c.SNAPSHOT_OMISSIONS) == 1
        assert c.SNAPSHOT_CHANGED not in span.attributes


def test_a_session_keeps_the_graph_that_onnxruntime_made(path, tmp_path):
    """Only where the optimised graph is known: else nothing is said of a change."""
    told = onnxruntime.SessionOptions()
    told.optimized_model_filepath = str(tmp_path / "own.onnx")
    told.log_severity_level = 4
    with onnxspan.trace(packs=["onnxruntime"], snapshots="changed") as trace:
        onnxruntime.InferenceSession(path, told, providers=["CPUExecutionProvider"])
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    known, unknown = trace.result.roots
    assert '-  %"y" = Identity(%"c")' in diffs.diff(trace.result, known)
    assert c.SNAPSHOT_CHANGED not in unknown.attributes


def test_an_ir_model_in_place(path):
    """A pass of onnx_ir that changes the model it is given has the graph before it."""
    ir = pytest.importorskip("onnx_ir")
    onnxscript = pytest.importorskip("onnxscript")
    model = ir.load(path)
    with onnxspan.trace(packs=["onnxscript", "onnx_ir"], snapshots="changed") as trace:
        onnxscript.optimizer.optimize(model)
    text = diffs.diff(trace.result, step(trace, "onnxscript.optimizer.optimize"))
    assert any(line.startswith("-") and "Identity" in line for line in text.splitlines())


def test_a_model_in_an_object_of_the_librarys(path):
    """The optimiser of onnxruntime returns an object that holds the model: that is what it made."""
    optimizer = pytest.importorskip("onnxruntime.transformers.optimizer")
    with onnxspan.trace(packs=["onnxruntime"], snapshots="changed") as trace:
        made = optimizer.optimize_model(str(path), opt_level=1, only_onnxruntime=True)
    span = step(trace, "onnxruntime.transformers.optimizer.optimize_model")
    assert span.get(c.NODES) == len(made.model.graph.node) + 2  # those of the branches
    assert span.get(c.NODES_CHANGE) == -1
    assert '-  %"y" = Identity(%"c")' in diffs.diff(trace.result, span)


class Other:
    """What a tool returns that converts to a model of its own."""


@pytest.mark.parametrize("is_changed", [False, True])
def test_an_object_that_is_no_model(path, is_changed, monkeypatch):
    """Nothing is said of a change, unless the given model was changed in place."""

    def convert(model):
        if is_changed:
            model.graph.node[0].op_type = "ConvX"
        return Other()

    module = sys.modules[__name__]
    monkeypatch.setattr(module, "convert", convert, raising=False)
    row = Probe(
        f"convert {is_changed}", (f"{__name__}:convert",), opens=lambda _: None,
        before=measure.before, after=measure.after, root=True, pack="mine", most=9,
    )  # fmt: skip
    monkeypatch.setitem(packs.PACKS, "mine", (row,))
    with onnxspan.trace(packs=["mine"], snapshots="changed") as trace:
        module.convert(onnx.load(path))
        module.convert(str(path)) if not is_changed else None
    for span in trace.result.roots:
        assert span.get(c.SNAPSHOT_CHANGED) is (True if is_changed else None)
        assert span.get(c.NODES) == 5
    assert trace.errors == []


def _two():
    for size in (2, 3):
        torch.onnx.export(
            torch.nn.Linear(size, 2), (torch.zeros(1, size),), f"{size}.onnx", **TORCHSCRIPT
        )


@pytest.mark.parametrize("pack", ["", "mine"])
def test_exports_inside_a_step_have_their_own_files(pack, tmp_path, monkeypatch):
    """Each export in a pipeline's function names its own file, so that `origins` reads it."""
    monkeypatch.chdir(tmp_path)
    module = sys.modules[__name__]
    row = Probe(
        "two", (f"{__name__}:pipeline",), opens=lambda _: None, root=True, pack=pack, most=9
    )
    monkeypatch.setitem(packs.PACKS, "mine", (row,))
    module.pipeline = _two
    try:
        own = {"packs": ["mine"]} if pack else {"probes": [row]}
        with onnxspan.trace(snapshots="changed", **own) as trace:
            module.pipeline()
    finally:
        del module.pipeline
    assert trace.errors == []
    first, second = trace.exports
    for export, size in ((first, 2), (second, 3)):
        file = diffs.record(trace.result, export, c.SNAPSHOT_GRAPH_FILE)
        assert [one.shape for one in file.initializers if len(one.shape) == 2] == [[2, size]]
        (gemm,) = of_export(trace.result, export).nodes
        assert gemm.origins[0].operator == "aten::linear"


def test_the_numbers_of_nodes_in_two_blocks_differ(path):
    """Two branches may give their values the same name: they are two nodes all the same."""
    record = proto_records.record(onnx.load(path), "onnx", proto_records.Numbers())
    numbers = [node.id for node in record.walk()]
    assert len(numbers) == len(set(numbers)) == 5
    inner = graph_record.load(record.dump()).nodes[2].blocks
    assert {(block[0].op, *block[0].outputs) for block in inner} == {
        ("Relu", "z"),
        ("Sigmoid", "z"),
    }


def in_another_thread(function, *args):
    """Call a function in a thread, and wait for it."""
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def test_a_step_in_another_thread_leaves_an_export_its_graphs(path, tmp_path):
    """A step of a pack that ends in the midst of an export is a tree of its own."""
    model = onnx.load(path)
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))

    def relu(graph, value):
        in_another_thread(onnx.shape_inference.infer_shapes, model)
        return graph.op("Relu", value)

    torch.onnx.register_custom_op_symbolic("aten::relu", relu, 17)
    try:
        with onnxspan.trace(packs=["onnx"], snapshots="changed") as trace:
            torch.onnx.export(
                net, (torch.zeros(1, 2),), tmp_path / "x.onnx", opset_version=17, **TORCHSCRIPT
            )
    finally:
        torch.onnx.unregister_custom_op_symbolic("aten::relu", 17)
    (export,) = trace.exports
    assert step(trace, "onnx.shape_inference.infer_shapes").parent is None
    first, *_ = of_export(trace.result, export).nodes
    assert [one.operator for one in first.origins] == ["aten::linear"]


def test_a_step_in_another_thread_leaves_a_step_its_graph(path, monkeypatch):
    """Of two steps at the same time each has its graphs."""
    model = onnx.load(path)

    def convert(given):
        in_another_thread(onnx.version_converter.convert_version, model, 19)
        given.graph.node[0].op_type = "ConvX"

    module = sys.modules[__name__]
    monkeypatch.setattr(module, "convert", convert, raising=False)
    row = Probe(
        "convert beside", (f"{__name__}:convert",), opens=lambda _: None,
        before=measure.before, after=measure.after, root=True, pack="mine", most=9,
    )  # fmt: skip
    monkeypatch.setitem(packs.PACKS, "mine", (row,))
    with onnxspan.trace(packs=["onnx", "mine"], snapshots="changed") as trace:
        module.convert(onnx.load(path))
    for name in ("convert beside", "onnx.version_converter.convert_version"):
        assert step(trace, name).get(c.SNAPSHOT_CHANGED) is True


def test_strings_are_told_by_their_values():
    """Equal strings have the same text in every process, empty ones too, others another text."""

    def text(*values):
        return proto_records.tensor_text(
            TensorProto(data_type=TensorProto.STRING, dims=[len(values)], string_data=values)
        )

    # The beginning of the SHA-256 of eight zero bytes, which is no pointer of this process.
    assert text(b"") == "STRING[1] values af5570f5"
    assert text(b"a\0", b"b") != text(b"a", b"\0b")
