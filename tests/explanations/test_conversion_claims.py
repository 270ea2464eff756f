"""What the explanations say of the conversion by the TorchScript exporter is what happens."""

import io

import onnx
import pytest
import torch
from claims import export, graphs, names, operators, says
from torch import nn

import onnxspan
import torch_facts

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


class Relu(nn.Module):
    def forward(self, x):
        return x.relu()


class Missing(nn.Module):
    def forward(self, x):
        return torch.linalg.eigvals(x)


@says(
    "_run_symbolic_function",
    "`UnsupportedOperatorError: Exporting the operator 'aten::...' to ONNX opset version N is not supported`.",
    "The message names neither the module nor the line; the failed span has both.",
)
@says(
    "_jit_pass_onnx",
    "`UnsupportedOperatorError`, or an error raised inside a symbolic function.",
    "The failed node is a span of its own, with its operator, module and source line.",
)
@says("_optimize_graph", "An operator without a symbolic function fails inside `_jit_pass_onnx`.")
def test_an_operator_without_a_symbolic_function():
    """The message has the operator alone; the spans have the pass, the module and the line."""
    trace = onnxspan.trace()
    with (
        trace,
        pytest.raises(
            Exception, match="Exporting the operator 'aten::linalg_eigvals' to ONNX opset version"
        ) as caught,
    ):
        torch.onnx.export(Missing(), (torch.ones(2, 2),), io.BytesIO(), dynamo=False)
    assert type(caught.value).__name__ == "UnsupportedOperatorError"
    assert "test_conversion_claims" not in str(caught.value)
    assert "Missing" not in str(caught.value)
    failed = [span for span in trace.result.spans if span.name == "aten::linalg_eigvals"]
    assert "Missing" in str(failed[0].attributes)
    assert "test_conversion_claims.py" in str(failed[0].attributes)
    assert "_jit_pass_onnx" in names(trace.result)


@says(
    "_jit_pass_onnx",
    "The span sums the symbolic functions by operator: calls, total time, longest.",
)
@says(
    "_jit_pass_onnx_node_shape_type_inference",
    "At level `nodes`, summed by operator on the span of `_jit_pass_onnx`: calls, total time, longest.",
)
def test_sums_on_the_span_of_the_conversion():
    """The conversion's span has a sum of each operator, and at `nodes` of the shape inference."""
    for level in ("passes", "nodes"):
        model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        trace, _ = export(model, (torch.ones(1, 2),), level=level)
        (span,) = (span for span in trace.spans if span.name == "_jit_pass_onnx")
        assert span.get("torch.onnx.symbolic.operators") == ["aten::linear", "aten::relu"]
        inferred = span.get("torch.onnx.node_shape_inference.operators")
        assert (inferred is not None) is (level == "nodes")


@says(
    "_run_symbolic_function",
    "Adds nodes to the new graph.",
    "`aten::linear` is converted by `torch.onnx.symbolic_opset9.linear` and becomes `onnx::Gemm`, or `MatMul` and `Add`, depending on the rank of its input.",
)
@pytest.mark.parametrize(("shape", "made"), [((1, 2), ["Gemm"]), ((1, 1, 2), ["MatMul", "Add"])])
def test_a_linear_layer_by_rank(shape, made):
    """A matrix goes through Gemm, a tensor of three dimensions through MatMul and Add."""
    trace, model = export(nn.Linear(2, 2), (torch.ones(shape),), level="nodes")
    assert operators(model) == made
    (span,) = (span for span in trace.spans if span.name == "aten::linear")
    assert "symbolic_opset9.linear" in str(span.attributes)


class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.relu()

    @staticmethod
    def symbolic(g, x):
        return g.op("Relu", x)


class Plain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2


class Wrong(Own):
    @staticmethod
    def symbolic(g):
        return g.op("Relu")


def applied(function):
    """A model that calls an autograd function."""

    class Model(nn.Module):
        def forward(self, x):
            return function.apply(x)

    return Model()


@says(
    "_run_symbolic_method",
    "Converts one `autograd.Function` with its own `symbolic` method.",
    "Adds the nodes that the method makes.",
    "Without `symbolic` the body of the function is inlined instead (`autograd_inlining`).",
    '`@staticmethod def symbolic(g, x): return g.op("Relu", x)`',
)
def test_an_autograd_function_with_and_without_symbolic():
    """The method's nodes are in the file; without the method the body's are."""
    assert operators(export(applied(Own), (torch.ones(2),))[1]) == ["Relu"]
    assert "Mul" in operators(export(applied(Plain), (torch.ones(2),))[1])
    with pytest.raises(TypeError, match="occurred when translating"):
        export(applied(Wrong), (torch.ones(2),))


@says("_export_file", "The span's `torch.onnx.result.file.name` is the name without its folder.")
@says("_export_onnx", "The span's `torch.onnx.result.size` is the size of the message.")
@says("_model_to_graph", "The graph's size on this span is the size of what will be written.")
def test_what_the_spans_say_of_the_file(tmp_path):
    """Name, size and number of nodes on the spans are those of the file."""
    path = tmp_path / "written.onnx"
    with onnxspan.trace() as trace:
        torch.onnx.export(Relu(), (torch.ones(2),), path, dynamo=False)
    spans = {span.name: span for span in trace.result.spans}
    assert spans["_export_file"].get("torch.onnx.result.file.name") == "written.onnx"
    assert spans["_export_onnx"].get("torch.onnx.result.size") == path.stat().st_size
    assert spans["_model_to_graph"].number("torch.onnx.graph.node.count") == len(
        onnx.load(path).graph.node
    )


class Writes(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[0] = 5.0
        return y


@says(
    "_jit_pass_onnx_remove_inplace_ops_for_onnx",
    "In-place nodes are replaced.",
    'A write into a part of a tensor (`x[i] = y`) becomes an `onnx::Placeholder[name="index_put_"]`; its block has the slices again and an `aten::index_put_`, and the conversion makes ScatterND of it.',
    "Blocks of If and Loop may get more inputs and outputs.",
)
def test_a_write_by_index_becomes_a_placeholder():
    """`x[i] = y` is a fill_ before the pass, a placeholder after it, and ScatterND in the file."""
    name = "_jit_pass_onnx_remove_inplace_ops_for_onnx"
    ((before, after),) = graphs(name, Writes(), (torch.ones(2, 2),))
    assert "aten::fill_(" in before
    assert "aten::fill_(" not in after
    placeholder, _, block = after.partition('onnx::Placeholder[name="index_put_"]')
    assert block
    assert "aten::index_put_(" not in placeholder
    assert "aten::index_put_(" in block
    assert "aten::select" in block
    assert "ScatterND" in operators(export(Writes(), (torch.ones(2, 2),))[1])


@says(
    "_jit_pass_onnx_function_substitution",
    "Inlines calls of functions and methods, and keeps `interpolate` as one operator.",
    "One exception: `torch.nn.functional.interpolate` becomes `aten::__interpolate`.",
    'A `ScriptModule` that holds two linear layers: two `prim::CallMethod[name="forward"]` become the operators of the two layers.',
)
def test_calls_of_scripted_modules_are_inlined():
    """Two method calls become two linear operators; `interpolate` stays one."""
    name = "_jit_pass_onnx_function_substitution"
    model = torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    ((before, after),) = graphs(name, model, (torch.ones(1, 2),))
    assert before.count('prim::CallMethod[name="forward"]') == 2
    assert "prim::CallMethod" not in after
    assert after.count("aten::linear") == 2

    class Larger(nn.Module):
        def forward(self, x):
            return nn.functional.interpolate(x, size=[4, 4])

    model = torch.jit.script(Larger())
    ((_, after),) = graphs(name, model, (torch.ones(1, 1, 2, 2),))
    assert after.count("aten::__interpolate") == 1


@says(
    "_jit_pass_inline",
    "A function that is called many times is copied as many times.",
    "`%y = prim::CallFunction(%f, %x)` becomes the operators of `f`.",
)
def test_a_function_is_inlined_at_each_call():
    """Two calls of one scripted function give its operator twice."""

    @torch.jit.script
    def one(x):
        return x.relu()

    @torch.jit.script
    def two(x):
        return one(one(x))

    graph = two.graph.copy()
    assert str(graph).count("prim::CallFunction") == 2
    torch._C._jit_pass_inline(graph)
    assert str(graph).count("aten::relu") == 2
    assert "prim::CallFunction" not in str(graph)
