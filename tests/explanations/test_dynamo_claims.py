"""What the explanations say of the dynamo exporter is what the installed torch does."""

import onnx
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


class InPlace(nn.Module):
    def forward(self, x):
        y = x * 2
        y.add_(1)
        return y


@says(
    "torch.export.export", "In-place writes stay: `y.add_(1)` is captured as `aten.add_.Tensor`."
)
def test_capture_keeps_in_place_writes():
    """`y.add_(1)` is in-place after the capture, and functional after the decompositions."""
    programs = []

    def watch(trace):
        for name in ("torch.export.export", "run_decompositions"):
            trace.on_leave(name)(lambda moment: programs.append(str(moment.result.graph)))

    export(InPlace(), (torch.ones(2),), watch=watch, **DYNAMO)
    assert "aten.add_.Tensor" in programs[0]
    assert "aten.add_.Tensor" not in programs[-1]
    assert "aten.add.Tensor" in programs[-1]


class Deciding(nn.Module):
    def forward(self, x):
        return x + 1 if x.sum() > 0 else x - 1


@says("CaptureStrategy", "When all fail, only the first error is raised.")
def test_the_exception_tells_of_the_first_try_only():
    """The error names the first capture; the trace has the other."""
    trace = onnxspan.trace()
    with trace, pytest.raises(Exception) as caught:
        torch.onnx.export(Deciding(), (torch.ones(2),), **DYNAMO)
    assert "Data-dependent branching" not in str(caught.value)
    assert "TorchExportStrictStrategy" in str(trace.failure)


@says(
    "OpRecorder.eval",
    "It adds no Cast: casts come from `insert_type_promotion_nodes` or from the conversion function itself.",
)
def test_op_recorder_adds_no_cast():
    """A Python number gets the type of the tensor beside it, as a constant, without a Cast."""
    from onnxscript import opset18 as op

    def doubled(x):
        return op.Mul(x, 2.0)

    _, model = export(
        nn.GELU(),
        (torch.ones(2, dtype=torch.float16),),
        optimize=False,
        custom_translation_table={torch.ops.aten.gelu.default: lambda x, **_: doubled(x)},
        **DYNAMO,
    )
    (number,) = [*model.graph.initializer] or [
        node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"
    ]
    assert number.data_type == onnx.TensorProto.FLOAT16
    assert "Mul" in operators(model)
    assert "Cast" not in operators(model)


@says(
    "decompose_with_registry",
    "`aten.softshrink` has no function in torchlib, so its decomposition replaces it by simpler operators.",
    "`aten.gelu` has one and stays.",
)
@pytest.mark.parametrize(
    ("operator", "stays"),
    [(nn.Softshrink(), False), (nn.GELU(), True)],
    ids=["softshrink", "gelu"],
)
def test_decompositions_spare_what_torchlib_has(operator, stays):
    """An operator with an ONNX function stays; one without is decomposed."""
    programs = []

    def watch(trace):
        trace.on_leave("run_decompositions")(
            lambda moment: programs.append(str(moment.result.graph))
        )

    export(operator, (torch.ones(2),), watch=watch, **DYNAMO)
    assert (f"aten.{type(operator).__name__.lower()}." in programs[-1]) is stays


@says("AddDefaultAttributesPass", "An export of torch 2.13 does not call it; your own code may.")
@says(
    "CheckerPass",
    "An export of torch 2.13 does not call it; onnxscript's rewriters and your own code may.",
)
@says(
    "ClearMetadataAndDocStringPass", "An export of torch 2.13 does not call it; your own code may."
)
@says(
    "DeduplicateHashedInitializersPass",
    "An export of torch 2.13 does not call it; onnxscript's rewriters and your own code may.",
)
@says(
    "IdentityEliminationPass",
    "An export of torch 2.13 does not call it; onnxscript's rewriters and your own code may.",
)
@says(
    "ShapeInferencePass",
    "An export of torch 2.13 does not call it; onnxscript's rewriters and your own code may.",
)
@says(
    "TopologicalSortPass",
    "An export of torch 2.13 does not call it; onnxscript's rewriters and your own code may.",
)
@pytest.mark.parametrize(
    "name",
    [
        "AddDefaultAttributesPass",
        "CheckerPass",
        "ClearMetadataAndDocStringPass",
        "DeduplicateHashedInitializersPass",
        "IdentityEliminationPass",
        "ShapeInferencePass",
        "TopologicalSortPass",
    ],
)
def test_passes_that_an_export_does_not_call(name):
    """An export calls none of the passes of which the texts say so."""
    trace, _ = export(nn.Linear(2, 2), (torch.ones(1, 2),), **DYNAMO)
    assert name not in names(trace)
    assert "FoldConstantsPass" in names(trace)


class Large(nn.Module):
    def __init__(self, transposed):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(200, 200))
        self.transposed = transposed

    def forward(self, x):
        return x @ (self.weight.t() if self.transposed else -self.weight)


@says(
    "FoldConstantsPass",
    "A node is not folded when an input tensor has more than 8192 elements, except a Transpose whose large input no other node uses.",
)
@pytest.mark.parametrize(("transposed", "kept"), [(True, []), (False, ["Neg"])])
def test_limits_of_folding(transposed, kept):
    """A large Transpose is folded; another operator with a large input is not."""
    _, model = export(Large(transposed), (torch.ones(1, 200),), **DYNAMO)
    assert [name for name in operators(model) if name in {"Transpose", "Neg"}] == kept


@says("PassBase", "An error of a pass that is called alone comes out as it is.")
def test_error_of_a_pass_alone_and_in_a_sequence():
    """A pass that is called alone raises its own error; inside a Sequential it is a PassError."""
    import onnx_ir
    from onnx_ir import passes

    class Bad(passes.InPlacePass):
        def call(self, model):
            raise ValueError("bad")

    graph = onnx_ir.Graph([], [], nodes=[], opset_imports={"": 18})
    model = onnx_ir.Model(graph, ir_version=10)
    with pytest.raises(ValueError, match="bad"):
        Bad()(model)
    with pytest.raises(passes.PassError):
        passes.Sequential(Bad())(model)
