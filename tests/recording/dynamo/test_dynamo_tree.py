"""The span tree of an export that succeeds."""

import io
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from dynamo_models import by_name, export
from onnxspan import conventions as c
from onnxspan.recording.probes.dynamo import nodes

STAGES = [
    "export_compat",
    "ONNXRegistry.from_torchlib",
    "_core.export",
    "TorchExportNonStrictStrategy",
    "torch.export.export",
    "_prepare_exported_program_for_export",
    "run_decompositions",
    "_exported_program_to_onnx_program",
    "_translate_fx_graph",
    "convert_version",
    "ONNXProgram.optimize",
    "ONNXProgram.save",
]


@pytest.mark.skipif(not torch_facts.OPTIMIZES, reason=torch_facts.NOT_OPTIMIZED)
def test_stages_stand_in_the_order_of_the_calls(plain):
    """Each stage has one span, and they begin in the order in which torch calls them."""
    begun = [span.name for span in plain.spans if span.name in STAGES]
    assert begun == STAGES
    assert plain.errors == []


@pytest.mark.skipif(not torch_facts.OPTIMIZES, reason=torch_facts.NOT_OPTIMIZED)
def test_stages_nest_as_they_call(plain):
    """A pass inside a pass, and a step inside the capture, are children of what called them."""
    [capture] = by_name(plain, "_export_to_aten_ir_make_fx")
    path = []
    while capture is not None:
        path.append(capture.name)
        capture = capture.parent
    assert path[1:5] == [
        "_non_strict_export",
        "_export_for_training",
        "_export",
        "torch.export.export",
    ]
    folding = by_name(plain, "FoldConstantsPass")
    assert folding
    assert {span.parent.name for span in folding} == {"PassManager"}


def test_default_trace_is_small(plain):
    """The default level stays far under 200 spans."""
    assert len(plain.spans) < 120


@pytest.mark.skipif(not torch_facts.OPTIMIZES, reason=torch_facts.NOT_OPTIMIZED)
def test_every_pass_says_whether_it_modified(plain):
    """Passes of onnx_ir bear their class's name, place, node count and `modified`."""
    passes = [span for span in plain.spans if span.name.endswith("Pass")]
    assert len(passes) > 15
    for span in passes:
        assert isinstance(span.get(c.PASS_MODIFIED), bool)
        assert span.get(c.FUNCTION).endswith(f"{span.name}.call")
        assert span.get(c.NODES) >= 1


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_sizes_of_each_kind_of_graph(plain):
    """The captured program counts fx nodes, parameters and buffers; the model ONNX nodes."""
    [program] = by_name(plain, "torch.export.export")
    assert program.get(c.GRAPH_KIND) == "fx"
    assert program.get(c.PARAMETERS) == 2
    assert program.get(c.PARAMETER_BYTES) == (16 + 4) * 4
    assert (program.get(c.BUFFERS), program.get(c.BUFFER_BYTES)) == (1, 16)
    assert program.get(c.INPUTS) == 4
    # Four placeholders, linear, relu, add, output.
    assert program.get(c.NODES) == 8
    [model] = by_name(plain, "_exported_program_to_onnx_program")
    assert model.get(c.GRAPH_KIND) == "onnx"
    assert (model.get(c.NODES), model.get(c.PARAMETERS)) == (3, 3)


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_root_counts_operators_of_every_form(plain):
    """The root lists operators captured, decomposed, translated and in the result."""
    [root] = plain.result.roots
    aten = {"aten.linear.default=1", "aten.relu.default=1", "aten.add.Tensor=1"}
    assert set(root.get(c.CAPTURED_OPERATORS)) == aten
    assert set(root.get(c.DECOMPOSED_OPERATORS)) == aten
    onnx = {"onnx::Gemm=1", "onnx::Relu=1", "onnx::Add=1"}
    assert set(root.get(c.TRANSLATED_OPERATORS)) == onnx
    assert set(root.get(c.RESULT_OPERATORS)) == onnx
    assert root.get(c.EXPORTER) == "dynamo"
    assert root.get(c.CAPTURE_STRATEGY) == "TorchExportNonStrictStrategy"
    assert root.get(c.OPSET) == root.get(c.RESULT_OPSET)


@pytest.mark.skipif(torch_facts.NUMBERS < (2, 6), reason=torch_facts.IS_EARLY)
def test_per_node_work_is_summed_by_target(plain):
    """At `passes` no node has a span; translation, dispatch and recording are summed."""
    [span] = by_name(plain, "_translate_fx_graph")
    sums = dict(zip(span.get(c.TRANSLATION[0]), span.get(c.TRANSLATION[1]), strict=True))
    assert sums == {
        "placeholder": 4,
        "aten.linear.default": 1,
        "aten.relu.default": 1,
        "aten.add.Tensor": 1,
        "output": 1,
    }
    assert sum(span.get(c.DISPATCH[1])) == 3
    assert "onnx::Gemm" in span.get(c.RECORDED[0])
    assert not by_name(plain, "aten.linear.default")


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_nodes_have_spans_at_their_level(nodes):
    """A node's span names target, function, dispatch, module path, source line and yield."""
    [span] = by_name(nodes, "aten.linear.default")
    assert span.get(c.NODE_OPERATOR) == "aten.linear.default"
    assert span.get(c.NODE_FUNCTION).endswith("aten_linear")
    assert span.get(c.NODE_DISPATCH)
    assert span.get(c.NODE_SCOPE) == "inner.0"
    assert span.get(c.FILE).endswith("dynamo_models.py")
    assert span.get(c.LINE) > 1
    assert span.get(c.NODE_PRODUCED) == 1


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_symbolic_dimensions_are_counted_at_each_stage(nodes):
    """A dynamic batch is one dimension of input and output from the capture to the end."""
    names = [
        "torch.export.export",
        "run_decompositions",
        "_exported_program_to_onnx_program",
        "ONNXProgram.optimize",
        "_rename_dynamic_axes",
    ]
    for name in names:
        [span] = by_name(nodes, name)
        assert (span.get(c.DYNAMIC_INPUTS), span.get(c.DYNAMIC_OUTPUTS)) == (1, 1), name
    assert by_name(nodes, "_rename_dynamic_axes")[0].get(c.DYNAMIC_SYMBOLS) == ["batch"]
    assert nodes.result.roots[0].get(c.DYNAMIC_SHAPES) == ["x:0=batch"]


def test_verification_gives_its_numbers(nodes):
    """Verifying writes the largest differences of each output, here and on the root."""
    [span] = by_name(nodes, "verify_onnx_program")
    for holder in (span, nodes.result.roots[0]):
        assert len(holder.get(c.VERIFY_OUTPUTS)) == 1
        assert 0 <= holder.get(c.VERIFY_ABSOLUTE)[0] < 1e-4
        assert 0 <= holder.get(c.VERIFY_RELATIVE)[0] < 1e-2
    assert by_name(nodes, "ONNXProgram.initialize_inference_session")


def test_report_is_named_and_weighed(nodes):
    """The report's span has its file name and bytes, not its folder."""
    [span] = by_name(nodes, "create_onnx_export_report")
    assert span.get(c.REPORT_FILE).startswith("onnx_export_")
    assert span.get(c.REPORT_BYTES) > 500


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("inner.0", "inner.0"),
        ("", ""),
        ("L['self']", ""),
        ("L['self'].inner", "inner"),
        ("getattr(L['self'].inner, '0')", "inner.0"),
        ("getattr(getattr(L['s'].layers, '11').mlp, '2')", "layers.11.mlp.2"),
    ],
)
def test_a_modules_path_is_what_get_submodule_takes(text, path):
    """Every form that an `nn_module_stack` has had becomes the dotted path."""
    assert nodes.module_path(text) == path


@torch_facts.needs_dynamo
def test_a_strict_captures_nodes_have_the_modules_path(small, example):
    """A program captured strictly says the modules in other words; the span does not."""
    program = torch.export.export(small, example, strict=True)
    with onnxspan.trace(level="nodes", flight=False) as trace:
        export(program, ())
    [span] = by_name(trace, "aten.relu.default")
    assert span.get(c.NODE_SCOPE) == "inner.1"


@torch_facts.needs_dynamo
@pytest.mark.skipif(not torch_facts.OPTIMIZES, reason=torch_facts.NOT_OPTIMIZED)
def test_the_rules_of_the_rewriter():
    """The rewriter says which rules it tried and for how long; at `nodes`, which it applied too."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).eval()
    found = {}
    for level in ("passes", "nodes"):
        with onnxspan.trace(level) as trace, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = io.BytesIO()
            torch.onnx.export(model, (torch.ones(1, 3, 8, 8),), file, dynamo=True, verbose=False)
        assert trace.errors == []
        rewriters = [span for span in trace.spans if span.name == "RewriteRuleSet.apply_to_model"]
        found[level] = rewriters, file.getvalue()
    assert found["passes"][1] == found["nodes"][1]
    first = found["nodes"][0][0]
    operators = first.get("torch.onnx.rule.operators")
    assert operators == found["passes"][0][0].get("torch.onnx.rule.operators")
    assert first.get("torch.onnx.rule.calls") == found["passes"][0][0].get("torch.onnx.rule.calls")
    assert len(operators) == len(set(operators)) > 10
    assert sum(first.get("torch.onnx.rule.durations")) < first.duration
    applied = dict(entry.split("=") for entry in first.get("torch.onnx.pass.rules"))
    assert sum(map(int, applied.values())) == first.get("torch.onnx.pass.change.count")
    assert set(applied) <= set(operators)
