"""What the explanations say of blocks, types and names in the TorchScript exporter is what happens."""

import onnx
import pytest
import torch
from claims import export, operators, says
from torch import nn

import torch_facts

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


class Repeats(nn.Module):
    def forward(self, x, count: int):
        for _ in range(count):
            x = x + 1
        return x


@says(
    "_jit_pass_onnx_block",
    "Converts each node of a block, as `_jit_pass_onnx` does for the whole graph.",
    "Nests: `_jit_pass_onnx`, `prim::Loop`, `_jit_pass_onnx_block`, `aten::add`.",
)
@says("_jit_pass_fixup_onnx_controlflow_node", "Makes one If or Loop obey the rules of ONNX.")
def test_spans_of_a_loop():
    """The operator of the body is a span below the block's, and that below the loop's."""
    trace, model = export(torch.jit.script(Repeats()), (torch.ones(2), 3), level="nodes")
    assert "Loop" in operators(model)
    inner = next(span for span in trace.spans if span.name == "_jit_pass_onnx_block")
    assert "aten::add" in [span.name for span in inner.children]
    loop = next(span for span in trace.spans if span.name == "prim::Loop")
    assert "_jit_pass_onnx_block" in [span.name for span in loop.children]
    assert "torch._C._jit_pass_fixup_onnx_controlflow_node" in [
        span.get("code.function.name") for span in loop.children
    ]
    conversion = next(span for span in trace.spans if span.name == "_jit_pass_onnx")
    assert "prim::Loop" in [span.name for span in conversion.children]


def collecting(x, count: int):
    made = []
    for _ in range(count):
        made.append(x)  # noqa: PERF401 # TorchScript has no comprehension that grows
    return made[0] + made[1]


@says(
    "_jit_pass_fixup_onnx_controlflow_node",
    "A loop that appends to a list: at opset 11 its body gets a scan output, and `SplitToSequence` follows the Loop.",
)
def test_a_list_that_grows_in_a_loop():
    """At opset 11 a SplitToSequence stands behind the loop, at opset 13 it does not."""
    for opset, follows in ((11, True), (13, False)):
        model = export(torch.jit.script(collecting), (torch.ones(2), 3), opset_version=opset)[1]
        assert ("SplitToSequence" in operators(model)) is follows


class Same(nn.Module):
    def forward(self, x, y):
        return x + y


@says(
    "_jit_pass_onnx_set_dynamic_input_shape",
    "Axes with the same name get the same symbol.",
    "A size that tracing has turned into a constant inside the graph stays fixed.",
)
def test_symbols_of_dynamic_axes():
    """Equal names are one symbol in the file; a reshape by a fixed number keeps the number."""
    options = {
        "input_names": ["x", "y"],
        "dynamic_axes": {"x": {0: "batch"}, "y": {0: "batch"}},
    }
    _, model = export(Same(), (torch.ones(2, 3), torch.ones(2, 3)), **options)
    first, second = (one.type.tensor_type.shape.dim[0].dim_param for one in model.graph.input)
    assert first == second == "batch"

    class Fixed(nn.Module):
        def forward(self, x):
            return x.reshape(int(x.shape[0]), -1)

    options = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    _, model = export(Fixed(), (torch.ones(2, 3),), **options)
    numbers = [
        onnx.numpy_helper.to_array(node.attribute[0].t).tolist()
        for node in model.graph.node
        if node.op_type == "Constant"
    ]
    assert [2, -1] in numbers


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = 3.0

    def forward(self, x):
        return x * self.scale


@says(
    "_freeze_module",
    "Makes constants of a scripted module's attributes.",
    "Copies the module, inlines its methods into `forward`, and replaces attributes that are never set by constants.",
    "A ScriptModule whose `forward` reads `self.scale`.",
)
def test_an_attribute_becomes_a_constant():
    """The frozen copy has no read of the attribute, the module itself still has."""
    model = torch.jit.script(Scale())
    frozen = torch._C._freeze_module(model._c, preserveParameters=True)
    assert 'prim::GetAttr[name="scale"]' in str(model.graph)
    text = str(frozen._get_method("forward").graph)
    assert "prim::GetAttr" not in text
    assert "prim::Constant[value=3.]" in text


@says(
    "_propagate_and_assign_input_shapes",
    "Gives the inputs of a scripted graph the example's types and shapes.",
    "It returns a copy of the graph.",
    "The types of values; no node.",
    "More or fewer example inputs than the graph has are an error of C++ here.",
    "`forward(x: Tensor)` with an example of shape (2, 3): the input becomes `Float(2, 3)`.",
)
def test_inputs_of_a_scripted_graph_get_types():
    """The copy's input has the example's type, and a wrong number of inputs is refused."""
    graph = torch._C.parse_ir(
        "graph(%x : Tensor):\n  %y : Tensor = aten::relu(%x)\n  return (%y)\n"
    )
    typed = torch._C._propagate_and_assign_input_shapes(
        graph, (torch.ones(2, 3),), [1], False, False
    )
    assert "Float(2, 3" in str(typed)
    assert "Float" not in str(graph)
    assert len(list(typed.nodes())) == len(list(graph.nodes()))
    with pytest.raises(RuntimeError):
        torch._C._propagate_and_assign_input_shapes(
            graph, (torch.ones(2), torch.ones(2)), [1, 1], False, False
        )


@says(
    "_jit_pass_custom_pattern_based_rewrite_graph",
    "Takes a pattern and a replacement, both as text of the IR, and rewrites every match.",
    "The matched nodes.",
)
def test_a_pattern_is_rewritten():
    """Both places that match the pattern are replaced."""
    graph = torch._C.parse_ir(
        "graph(%x):\n  %a = aten::t(%x)\n  %b = aten::relu(%a)\n  %c = aten::t(%b)\n  return (%c)\n"
    )
    torch._C._jit_pass_custom_pattern_based_rewrite_graph(
        "graph(%x):\n  %y = aten::t(%x)\n  return (%y)\n",
        "graph(%x):\n  %y = aten::neg(%x)\n  return (%y)\n",
        graph,
    )
    assert str(graph).count("aten::neg") == 2
    assert "aten::t(" not in str(graph)


@says(
    "_jit_pass_onnx_function_extraction",
    "`export_modules_as_functions={nn.LayerNorm}`: each LayerNorm is one node of the domain `torch.nn.modules.normalization`.",
)
@says(
    "_jit_pass_onnx_track_scope_attributes",
    "The `eps` of a LayerNorm.",
    "Notes a module's plain attributes while it is traced.",
    "Nothing in the graph.",
)
def test_a_module_becomes_a_function():
    """Both LayerNorms are nodes of that domain, and their plain attributes were noted."""
    noted = []

    def watch(trace):
        trace.on_enter("_jit_pass_onnx_track_scope_attributes")(
            lambda moment: noted.append(dict(moment.args[1]))
        )

    model = nn.Sequential(nn.LayerNorm(3), nn.LayerNorm(3)).eval()
    options = {"export_modules_as_functions": {nn.LayerNorm}, "opset_version": 15}
    _, exported = export(model, (torch.ones(2, 3),), watch=watch, **options)
    domains = [node.domain for node in exported.graph.node if node.op_type == "LayerNorm"]
    assert domains == ["torch.nn.modules.normalization"] * 2
    assert any("eps" in values for values in noted)


@says(
    "_jit_pass_onnx_assign_output_shape",
    "Gives the outputs of the graph the types of the outputs of the real run.",
    "Flattens what the model returned and merges type and shape of each tensor into the matching output of the graph.",
    "Types of outputs.",
    "A model that returned a `float32[1, 10]`: the output is typed `Float(1, 10)`.",
    "An assertion when the number of outputs does not match.",
)
def test_outputs_get_the_types_of_the_run():
    """An output without a type gets the one of the tensor; a missing tensor is an assertion."""
    text = "graph(%x : Tensor):\n  %y : Tensor = onnx::Relu(%x)\n  return (%y)\n"
    graph = torch._C.parse_ir(text)
    tensors, description = torch.jit._flatten((torch.ones(1, 10),))
    torch._C._jit_pass_onnx_assign_output_shape(graph, tensors, description, False, False, 20)
    assert "%1 : Float(1, 10" in str(graph)
    tensors, description = torch.jit._flatten((torch.ones(1), torch.ones(1)))
    with pytest.raises(RuntimeError):
        torch._C._jit_pass_onnx_assign_output_shape(
            torch._C.parse_ir(text), tensors, description, False, False, 20
        )


@says(
    "_jit_pass_onnx_constant_fold",
    "Fewer nodes; parameters are replaced by computed ones, named by number (`onnx::MatMul_123`).",
    "A tensor that is folded from a large constant (an expanded mask, for instance) is stored whole, and the file grows.",
)
@says(
    "_jit_pass_onnx_eval_peephole",
    "One node less for each pair; two new parameters with numbers for names (`onnx::Conv_123`), while the old ones are removed later.",
    "Names of the original parameters are not found in the file any more.",
    "Export with `do_constant_folding=False` to keep them.",
)
def test_names_of_computed_parameters():
    """Computed parameters have numbers for names; without folding the module's names stay."""

    def parameters(model, args, **options):
        return sorted(one.name for one in export(model, args, **options)[1].graph.initializer)

    linear, pair = nn.Linear(2, 2), nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).eval()
    made = parameters(linear, (torch.ones(1, 1, 2),))
    assert made[0] == "bias"
    assert made[1].startswith("onnx::MatMul_")
    image = (torch.ones(1, 1, 2, 2),)
    assert all(name.startswith("onnx::Conv_") for name in parameters(pair, image))
    assert {"0.weight", "1.weight"} <= set(parameters(pair, image, do_constant_folding=False))


@says(
    "_jit_pass_onnx_eliminate_unused_items",
    "`Invalid Feed Input Name` in ONNX Runtime, for an input that the file no longer has.",
)
@says(
    "_jit_pass_onnx_assign_scoped_names_for_node_and_value",
    "A number is added when a name occurs twice.",
)
def test_unused_inputs_and_equal_names():
    """An unused input is missing in the file, and the second of two equal names has a number."""

    class Two(nn.Module):
        def forward(self, x, unused):
            return x.relu().neg().relu()

    _, model = export(Two(), (torch.ones(2), torch.ones(2)), input_names=["x", "unused"])
    assert [one.name for one in model.graph.input] == ["x"]
    assert [node.name for node in model.graph.node] == ["/Relu", "/Neg", "/Relu_1"]
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(model.SerializeToString())
    feed = {"x": torch.ones(2).numpy(), "unused": torch.ones(2).numpy()}
    with pytest.raises(Exception, match=r"(?i)invalid (feed )?input name"):
        session.run(None, feed)
