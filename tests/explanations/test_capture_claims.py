"""What the explanations say of order and names in the dynamo exporter is what happens."""

import io

import pytest
import torch
from claims import export, names, operators, says
from torch import nn

import onnxspan
import torch_facts

pytestmark = [
    torch_facts.needs_dynamo,
    pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED),
]

DYNAMO = {"dynamo": True, "verbose": False}


def below(trace, name):
    """The names of the spans right below the first span of this name."""
    return [span.name for span in next(one for one in trace.spans if one.name == name).children]


@says(
    "export_compat",
    "The dynamo export from the model to the file, with the old arguments translated.",
    '`torch.onnx.export(model, args, "model.onnx", dynamo=True)`',
)
@says(
    "_core.export",
    "The steps of the dynamo export: capture, decompose, translate, convert, optimize, verify.",
    "Returns the `ONNXProgram`.",
)
@says(
    "_prepare_exported_program_for_export",
    "`decompose_with_registry`, then `insert_type_promotion_nodes`, then `remove_assertion_nodes`.",
)
@says("_export_to_aten_ir_make_fx", "The trace is `_MakefxTracer.trace` below it.")
@says(
    "_produce_aten_artifact",
    "Children: `apply_runtime_assertion_pass`, `placeholder_naming_pass`.",
)
@says("_fakify_params_buffers", "Below `_non_strict_export`.")
@says("_MakefxTracer.trace", "One under the capture, one under `run_decompositions`.")
@says(
    "run_decompositions", "Called once per export; more often means that something calls it again."
)
@says("ONNXProgram.optimize", "Below it: `optimize_ir`, and a span for each pass.")
@says(
    "RewriteRuleSet.apply_to_model",
    "Below `RewritePass`, with `RemoveUnusedNodesPass` and `NameFixPass` inside.",
)
def test_order_of_the_stages():
    """The stages run in the order that the texts name, each below the one that the texts name."""
    trace, _ = export(
        nn.Sequential(nn.Linear(2, 2), nn.GELU()).eval(), (torch.ones(1, 2),), **DYNAMO
    )
    every = names(trace)
    order = [
        "export_compat",
        "_core.export",
        "TorchExportNonStrictStrategy",
        "_prepare_exported_program_for_export",
        "_exported_program_to_onnx_program",
        "convert_version",
        "ONNXProgram.optimize",
    ]
    assert sorted(order, key=every.index) == order
    assert below(trace, "_prepare_exported_program_for_export") == [
        "decompose_with_registry",
        "insert_type_promotion_nodes",
        "remove_assertion_nodes",
    ]
    assert "_MakefxTracer.trace" in below(trace, "_export_to_aten_ir_make_fx")
    inside = below(trace, "_produce_aten_artifact")
    assert {"apply_runtime_assertion_pass", "placeholder_naming_pass"} <= set(inside)
    assert "_fakify_params_buffers" in below(trace, "_non_strict_export")
    assert every.count("_MakefxTracer.trace") == 2
    assert every.count("run_decompositions") == 1
    assert "optimize_ir" in below(trace, "ONNXProgram.optimize")
    assert "RewriteRuleSet.apply_to_model" in below(trace, "RewritePass")


@says(
    "convert_str_to_export_dim",
    '`{"x": {0: "batch"}}`: axis 0 is dynamic, and is called `batch` in the file.',
    "A string in the tree becomes a dynamic dimension; the strings are kept, to rename the axes at the end (`_rename_dynamic_axes`).",
    "Replaces names of axes in `dynamic_shapes` by dimensions of `torch.export`.",
    "The arguments.",
)
def test_a_named_axis():
    """The axis has the given name in the file, and the last rename gave it that name."""
    trace, model = export(nn.ReLU(), (torch.ones(2, 3),), dynamic_shapes=({0: "batch"},), **DYNAMO)
    (one,) = model.graph.input
    assert one.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert one.type.tensor_type.shape.dim[1].dim_value == 3
    order = names(trace)
    assert order.index("convert_str_to_export_dim") < order.index("_rename_dynamic_axes")


@says("placeholder_naming_pass", "`p_linear_weight`")
@says(
    "torch.export.export",
    "Its nodes are `aten` operators; parameters are inputs.",
    "`program = torch.export.export(model, args)` and `torch.onnx.export(program)`: the capture alone, to debug it.",
)
def test_a_captured_program():
    """A captured program has its parameters as inputs, and can be exported by itself."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)

        def forward(self, x):
            return self.linear(x)

    program = torch.export.export(Model(), (torch.ones(1, 2),))
    inputs = [node.name for node in program.graph.nodes if node.op == "placeholder"]
    assert inputs == ["p_linear_weight", "p_linear_bias", "x"]
    kinds = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert all(kind.startswith("aten.") for kind in kinds)
    with onnxspan.trace() as trace:
        torch.onnx.export(program, (), io.BytesIO(), verbose=False)
    assert "torch.export.export" not in names(trace.result)


class Deciding(nn.Module):
    def forward(self, x):
        return x + 1 if x.sum() > 0 else x - 1


class Chosen(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))


@says(
    "TorchExportNonStrictStrategy",
    "`if x.sum() > 0:` fails here and in the strict strategy; `torch.cond` works in both.",
    "Control flow on a tensor's value: `Could not guard on data-dependent expression`.",
)
@says(
    "InlinePass",
    "The branches of a `torch.cond` are functions first; they are inlined into the two bodies of an If.",
)
def test_control_flow_by_value():
    """An `if` on a value fails in both strategies, `torch.cond` becomes an If."""
    with (
        onnxspan.trace() as trace,
        pytest.raises(Exception, match="Could not guard on data-dependent"),
    ):
        torch.onnx.export(Deciding().eval(), (torch.ones(2),), **DYNAMO)
    failed = [span.name for span in trace.result.spans if span.error]
    assert {"TorchExportNonStrictStrategy", "TorchExportStrictStrategy"} <= set(failed)
    _, model = export(Chosen().eval(), (torch.ones(2),), **DYNAMO)
    assert "If" in operators(model)
    for strict in (False, True):
        torch.export.export(Chosen().eval(), (torch.ones(2),), strict=strict)


@says(
    "OutputFixPass",
    "An input that is returned as it is keeps its name as an output only: the input `x` becomes `x_orig`, unless `input_names` names it.",
    "`forward(self, x): return x`",
)
def test_an_input_that_is_an_output():
    """The input gets another name, unless it was named by the caller."""

    class Same(nn.Module):
        def forward(self, x):
            return x

    _, model = export(Same(), (torch.ones(2),), **DYNAMO)
    assert [one.name for one in model.graph.input] == ["x_orig"]
    assert [one.name for one in model.graph.output] == ["x"]
    assert operators(model) == ["Identity"]
    _, model = export(Same(), (torch.ones(2),), input_names=["image"], **DYNAMO)
    assert [one.name for one in model.graph.input] == ["image"]


@says("ONNXProgram.optimize", "The default since torch 2.7; `optimize=False` turns it off.")
@says(
    "convert_version",
    "It runs in every export: the default opset of newer torch (20) is not the one that torchlib writes.",
)
def test_optimizing_can_be_turned_off():
    """Without `optimize` no pass of the optimizer runs; the conversion of the opset does."""
    trace, model = export(nn.ReLU(), (torch.ones(2),), optimize=False, **DYNAMO)
    assert "optimize_ir" not in names(trace)
    assert "convert_version" in names(trace)
    assert model.opset_import[0].version == 20
    assert "optimize_ir" in names(export(nn.ReLU(), (torch.ones(2),), **DYNAMO)[0])
