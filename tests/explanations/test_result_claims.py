"""What the explanations say of parameters, names and values in the TorchScript exporter is so."""

import io
import warnings

import onnx
import pytest
import torch
from claims import export, graphs, names, operators, says
from torch import nn

import onnxspan
import torch_facts

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


class PlusTensor(nn.Module):
    def forward(self, x):
        return x + torch.tensor(2.0)


@says(
    "_jit_pass_canonicalize_graph_fuser_ops",
    "Brings `chunk` and arithmetic with scalar tensors into one form.",
    "A constant tensor without dimensions as second operand of add, sub, mul or div becomes a plain number.",
)
def test_a_scalar_tensor_becomes_a_number():
    """The constant tensor of an addition is a number after the pass."""
    name = "_jit_pass_canonicalize_graph_fuser_ops"
    ((before, after),) = graphs(name, PlusTensor(), (torch.ones(2),))
    assert "Float(requires_grad=0, device=cpu) = prim::Constant[value={2}]" in before
    assert "float = prim::Constant[value=2.]" in after


class Ones(nn.Module):
    def forward(self, x):
        return x + torch.ones(100, 100)


@says(
    "_jit_pass_constant_propagation",
    "But a computed tensor becomes part of the graph: a `torch.ones(10000, 10000)` in `forward` is 400 MB from here on.",
    "A file much larger than the model.",
    "The span of `_model_to_graph` has the bytes of the graph's constants.",
    "Make such tensors from the input's shape, or register them as buffers.",
)
def test_a_computed_tensor_is_in_the_file():
    """Four bytes for each number of `torch.ones` are in the file; as a shape of the input, none."""
    trace, model = export(Ones(), (torch.ones(100, 100),))
    assert model.ByteSize() > 4 * 100 * 100
    (span,) = (one for one in trace.spans if one.name == "_model_to_graph")
    assert (span.number("torch.onnx.graph.constant.size") or 0) >= 4 * 100 * 100

    class Like(nn.Module):
        def forward(self, x):
            return x + torch.ones_like(x)

    axes = {"input_names": ["x"], "dynamic_axes": {"x": {0: "rows", 1: "columns"}}}
    assert export(Like(), (torch.ones(100, 100),), **axes)[1].ByteSize() < 2000


@says(
    "_jit_pass_erase_number_types",
    "From here on the graph is not valid TorchScript: operators have inputs of types that they do not take.",
    "That is why later only `_jit_pass_dce_allow_deleting_nodes_with_side_effects` can clean up.",
)
def test_usual_clean_up_fails_after_the_conversion():
    """The usual dead code elimination refuses the converted graph, the other one takes it."""
    copies = []

    def watch(trace):
        trace.on_leave("_jit_pass_onnx")(lambda moment: copies.append(moment.result.copy()))

    class Dead(nn.Module):
        def forward(self, x):
            return (x * 2).relu()

    export(Dead(), (torch.ones(2),), watch=watch)
    with pytest.raises(RuntimeError, match="side effects"):
        torch._C._jit_pass_dce(copies[0])
    torch._C._jit_pass_dce_allow_deleting_nodes_with_side_effects(copies[0])


@says("_jit_pass_onnx", "Walks the old graph and builds a new one.")
def test_the_conversion_leaves_the_old_graph():
    """The graph that the conversion is given still has its operators of torch."""
    texts = []

    def watch(trace):
        trace.on_leave("_jit_pass_onnx")(
            lambda moment: texts.append((str(moment.args[0]), str(moment.result)))
        )

    export(nn.ReLU(), (torch.ones(2),), watch=watch)
    ((old, new),) = texts
    assert "aten::relu" in old
    assert "aten::" not in new
    assert "onnx::Relu" in new


@torch.jit.script
def warned(x):
    warnings.warn("negative")  # noqa: B028  # TorchScript has no stacklevel here
    return x.relu()


class Warns(nn.Module):
    def forward(self, x):
        return warned(x)


@says(
    "_jit_pass_onnx_remove_print",
    "Deletes each `prim::Print` and `aten::warn`, with the constants that only they used.",
    "The `prim::Print` and `aten::warn` nodes are deleted.",
)
def test_warnings_are_removed():
    """`warnings.warn` of scripted code and its text are gone after the pass."""
    ((before, after),) = graphs("_jit_pass_onnx_remove_print", Warns(), (torch.ones(2),))
    assert "aten::warn" in before
    assert "negative" in before
    assert "aten::warn" not in after
    assert "negative" not in after


SHARING = "graph(%x : Float(2), %a : Float(2), %b : Float(2)):\n  %y : Float(2) = onnx::Add(%x, %a)\n  %z : Float(2) = onnx::Add(%y, %b)\n  return (%z)\n"


@says(
    "_jit_pass_onnx_deduplicate_initializers",
    "Compares parameters: first by memory address, then, for a model in eval mode, by value.",
)
@pytest.mark.parametrize(
    ("shared", "training", "kept"), [(True, True, 1), (False, True, 2), (False, False, 1)]
)
def test_what_counts_as_the_same_parameter(shared, training, kept):
    """One tensor under two names is one parameter; equal tensors are one in eval mode only."""
    first = torch.ones(2)
    given = {"a": first, "b": first if shared else torch.ones(2)}
    graph = torch._C.parse_ir(SHARING)
    found = torch._C._jit_pass_onnx_deduplicate_initializers(graph, given, training)
    assert len(found) == kept


@says(
    "_jit_pass_onnx_eliminate_unused_items",
    "Drops every parameter without a user from the dictionary, and every input without a user from the graph.",
)
def test_unused_parameters_go():
    """A parameter that no node uses is in neither the dictionary nor the graph."""
    graph = torch._C.parse_ir(
        "graph(%x : Float(2), %a : Float(2)):\n  %y : Float(2) = onnx::Relu(%x)\n  return (%y)\n"
    )
    found = torch._C._jit_pass_onnx_eliminate_unused_items(graph, {"a": torch.ones(2)})
    assert found == {}
    assert len(list(graph.inputs())) == 1


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())

    def forward(self, x):
        return self.features(x)


@says(
    "_jit_pass_onnx_assign_scoped_names_for_node_and_value",
    "`%15` becomes `%/features/features.0/Conv_output_0`.",
)
@says(
    "_export_onnx",
    "Walks the graph in C++, makes a `ModelProto` with nodes, initializers, names, doc strings and opset imports, and serializes it.",
)
def test_names_of_values_in_the_file():
    """The convolution's value has the module's path; the file has what the text lists."""
    _, model = export(Features(), (torch.ones(1, 1, 2, 2),), verbose=True)
    convolution = model.graph.node[0]
    assert list(convolution.output) == ["/features/features.0/Conv_output_0"]
    assert [one.name for one in model.graph.initializer] == [
        "features.0.weight",
        "features.0.bias",
    ]
    assert convolution.doc_string
    assert [one.domain for one in model.opset_import] == [""]
    onnx.checker.check_model(model)


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = 3.0

    def forward(self, x):
        return x * self.factor


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()

    def forward(self, x):
        return self.inner(x)


@says(
    "_freeze_module",
    "`prim::GetAttr` of plain attributes become `prim::Constant`; submodules' graphs become part of `forward`.",
)
def test_freezing_takes_submodules_in():
    """The frozen `forward` has the submodule's operator and no call."""
    frozen = torch._C._freeze_module(torch.jit.script(Outer())._c, preserveParameters=True)
    text = str(frozen._get_method("forward").graph)
    assert "aten::mul" in text
    assert "prim::CallMethod" not in text
    assert "prim::GetAttr" not in text
    assert "prim::Constant[value=3.]" in text


class Raises(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            raise ValueError("positive")
        return x


@says(
    "_get_example_outputs",
    "`torch.jit.script(model)`, exported with `dynamo=False`.",
    "A crash inside the model is a crash here.",
    "Nothing in the graph.",
)
def test_a_scripted_model_is_run():
    """The stage runs for a scripted model alone, and the model's own error ends it."""
    assert "_get_example_outputs" not in names(export(nn.ReLU(), (torch.ones(2),))[0])
    trace, model = export(torch.jit.script(nn.ReLU()), (torch.ones(2),))
    assert "_get_example_outputs" in names(trace)
    assert operators(model) == ["Relu"]
    trace = onnxspan.trace()
    with trace, pytest.raises(Exception, match="positive"):
        torch.onnx.export(torch.jit.script(Raises()), (torch.ones(2),), io.BytesIO(), dynamo=False)
    failed = [span.name for span in trace.result.spans if span.error]
    assert "_get_example_outputs" in failed
