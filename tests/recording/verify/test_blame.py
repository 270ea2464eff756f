"""A fault that is planted at a known place is found there, by both exporters."""

import contextlib

import onnx
import pytest
import torch
from faulty import BOTH, DYNAMO, TORCHSCRIPT, deep, pinned, verified
from torch import nn

import torch_facts
from onnxspan import conventions as c

pytest.importorskip("onnxruntime")


@contextlib.contextmanager
def symbolic(name, function, opset=17):
    torch.onnx.register_custom_op_symbolic(name, function, opset)
    try:
        yield
    finally:
        torch.onnx.unregister_custom_op_symbolic(name, opset)


def line_of(text):
    import faulty

    with open(faulty.__file__, encoding="utf-8") as source:
        return next(number for number, line in enumerate(source, 1) if text in line)


@BOTH
def test_no_fault_is_found_where_none_is(options):
    """A right export agrees at every step, and says how far."""
    trace = verified(*deep(), **options)
    assert trace.mismatch is None
    root = trace.exports[0]
    assert root.get(c.VERIFY_STEPS) > 5
    assert root.get(c.VERIFY_MAX_ABS) < 1e-5
    assert root.get(c.VERIFY_MISMATCHED) == 0


def test_a_wrong_symbolic_function():
    """The operator, the module and the line of a symbolic function that is slightly wrong."""

    def sigmoid_gelu(g, x, approximate="none"):
        return g.op(
            "Mul",
            x,
            g.op("Sigmoid", g.op("Mul", x, g.op("Constant", value_t=torch.tensor(1.702)))),
        )

    with symbolic("aten::gelu", sigmoid_gelu):
        found = verified(*deep(), opset_version=17, **TORCHSCRIPT).mismatch
    assert found.pass_name == "_jit_pass_onnx"
    assert found.stage == "_optimize_graph"
    assert found.operator == "aten::gelu → onnx::Mul, onnx::Sigmoid"
    assert found.module == "layers.0.act"
    assert found.module_class == "torch.nn.modules.activation.GELU"
    assert (found.file.endswith("faulty.py"), found.line) == (
        True,
        line_of("self.act(self.up(x)) + x"),
    )
    assert "self.act" in found.text
    assert found.also == 1
    assert found.inputs == "example"
    assert 0 < found.mismatched <= found.elements
    assert found.max_abs_diff > 1e-4
    assert found.before_max_abs_diff < 1e-6


class Residual(torch.nn.Module):
    """A sum whose value the tracer names (`input`) after the module that reads it."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = torch.nn.Linear(4, 4), torch.nn.LayerNorm(4)

    def forward(self, x):
        return self.norm(x + self.first(x))


@pytest.mark.parametrize("wrong", ["aten::add", "aten::layer_norm"])
def test_a_value_that_the_tracer_named(wrong):
    """The operator whose value has a name, and the one that reads it, are told apart."""

    def add(g, x, y, alpha=None):
        return g.op("Add", x, g.op("Mul", y, g.op("Constant", value_t=torch.tensor(1.01))))

    def layer_norm(g, x, shape, weight, bias, epsilon, cudnn):
        return g.op("LayerNormalization", x, weight, bias, axis_i=-1, epsilon_f=0.1)

    function, became = {
        "aten::add": (add, "onnx::Mul, onnx::Add"),
        "aten::layer_norm": (layer_norm, "onnx::LayerNormalization"),
    }[wrong]
    with symbolic(wrong, function):
        model = Residual().eval()
        found = verified(model, (torch.randn(2, 4),), opset_version=17, **TORCHSCRIPT).mismatch
    assert found.operator == f"{wrong} → {became}"
    assert found.module == ("" if wrong == "aten::add" else "norm")
    assert found.also == 0


class Halves(torch.nn.Module):
    """The parts of a split, of which one goes through a sigmoid."""

    def forward(self, x):
        left, right = torch.split(x, 4, -1)
        return torch.sigmoid(left) * right


def wrong_sigmoid(g, x):
    return g.op("Sigmoid", g.op("Mul", x, g.op("Constant", value_t=torch.tensor(1.01))))


def wrong_split(g, x, size, dim, _outputs=None):
    right, left = g.op("Split", x, num_outputs_i=2, axis_i=-1, outputs=2)
    return [left, right]


@pytest.mark.parametrize(
    ("wrong", "function", "became"),
    [
        ("aten::sigmoid", wrong_sigmoid, "onnx::Mul, onnx::Sigmoid"),
        ("aten::split", wrong_split, "onnx::Split"),
    ],
)
def test_an_operator_with_several_results(wrong, function, became):
    """An operator with several results, and the one that reads a result, are told apart."""
    with symbolic(wrong, function, 18):
        found = verified(Halves(), (torch.randn(2, 8),), opset_version=18, **TORCHSCRIPT).mismatch
    assert found.operator == f"{wrong} → {became}"


class Layers(torch.nn.Module):
    """Four equal layers: their operators' values are `relu`, `relu_1`, `relu_2`, `relu_3`."""

    def __init__(self):
        super().__init__()
        made = [nn.Sequential(nn.Linear(6, 6), nn.ReLU()) for _ in range(4)]
        self.layers = nn.Sequential(*made)

    def forward(self, x):
        return self.layers(x)


@torch_facts.needs_dynamo
@pinned
def test_one_of_equal_operators():
    """Of several operators of one kind the one whose translation is wrong is blamed."""
    from onnxscript import opset18 as op

    calls = []

    def relu(self):
        calls.append(1)
        return op.LeakyRelu(self, alpha=0.5) if len(calls) == 3 else op.Relu(self)

    torch.manual_seed(0)
    table = {torch.ops.aten.relu.default: relu}
    found = verified(
        Layers().eval(), (torch.randn(9, 6),), custom_translation_table=table, opset_version=18,
        **DYNAMO,
    ).mismatch  # fmt: skip
    assert found.operator == "aten.relu.default → onnx::LeakyRelu"
    assert found.module == "layers.2.1"
    assert found.also == 0


@torch_facts.needs_dynamo
@pinned
def test_a_wrong_translation():
    """The same for a function of `custom_translation_table`."""
    from onnxscript import opset18 as op

    def sigmoid_gelu(x, approximate="none"):
        return op.Mul(x, op.Sigmoid(op.Mul(x, 1.702)))

    table = {torch.ops.aten.gelu.default: sigmoid_gelu}
    found = verified(*deep(), custom_translation_table=table, **DYNAMO).mismatch
    assert found.pass_name == "_translate_fx_graph"
    assert found.operator.startswith("aten.gelu.default → onnx::Mul, onnx::Sigmoid")
    assert found.module == "layers.0.act"
    assert found.line == line_of("self.act(self.up(x)) + x")


def test_a_wrong_axis_that_keeps_the_shape():
    """A softmax over another axis of a square matrix has the right shape and wrong values."""

    def softmax(g, x, dim, dtype=None):
        return g.op("Softmax", x, axis_i=0)

    class Square(nn.Module):
        def forward(self, x):
            return torch.softmax(x * 2, dim=-1) + 1

    with symbolic("aten::softmax", softmax):
        found = verified(Square(), (torch.randn(3, 3),), opset_version=17, **TORCHSCRIPT).mismatch
    assert (found.pass_name, found.operator) == ("_jit_pass_onnx", "aten::softmax → onnx::Softmax")


def test_a_cast_that_loses_precision():
    """A way from float64 through float32 is found though each value is nearly right."""

    def in_single(g, x):
        return g.op("Cast", g.op("Tanh", g.op("Cast", x, to_i=1)), to_i=11)

    x = torch.randn(4, 4, dtype=torch.float64)
    with symbolic("aten::tanh", in_single):
        found = verified(
            nn.Tanh(), (x,), rtol=1e-9, atol=1e-9, opset_version=17, **TORCHSCRIPT
        ).mismatch
    assert found.operator == "aten::tanh → onnx::Cast, onnx::Tanh"
    assert 1e-9 < found.max_abs_diff < 1e-6


def test_a_pass_that_changes_a_constant(monkeypatch):
    """A pass that changes the graph wrongly is blamed, and not the conversion before it."""
    original = torch._C._jit_pass_onnx_eval_peephole

    def spoils(graph, parameters):
        result = original(graph, parameters)
        name = next(name for name, value in result.items() if value.dim() == 4)
        result[name] = result[name] * 1.01
        return result

    monkeypatch.setattr(torch._C, "_jit_pass_onnx_eval_peephole", spoils)
    found = verified(*deep(), **TORCHSCRIPT).mismatch
    assert found.pass_name == "_jit_pass_onnx_eval_peephole"
    assert found.stage == "_model_to_graph"
    assert found.operator == "onnx::Conv"


@torch_facts.needs_dynamo
@pinned
def test_a_rewrite_that_drops_a_bias(monkeypatch):
    """An onnx_ir pass that makes a node read no bias is blamed, with the node's operator."""
    from onnxscript.optimizer import _constant_folding

    original = _constant_folding.FoldConstantsPass.call

    def drops(self, model):
        result = original(self, model)
        for node in result.model.graph:
            if node.op_type == "Gemm" and len(node.inputs) == 3:
                node.resize_inputs(2)
                break
        return result

    monkeypatch.setattr(_constant_folding.FoldConstantsPass, "call", drops)
    found = verified(*deep(), **DYNAMO).mismatch
    assert found.pass_name == "FoldConstantsPass"
    assert found.operator == "onnx::Gemm"
    assert found.module == "layers.0.up"


class Branching(nn.Module):
    def forward(self, x):
        if float(x.sum()) > 0:  # tracing takes one branch
            return x * 2
        return x - 5


class Sized(nn.Module):
    def forward(self, x):
        return x.reshape(int(x.shape[0]), -1).sum(1) / len(x)


def test_a_branch_that_tracing_fixed():
    """Only other values show a branch that was fixed; the line is that of torch's warning."""
    with pytest.warns(torch.jit.TracerWarning):
        found = verified(
            Branching(),
            (torch.ones(3, 2),),
            inputs=[(-torch.ones(3, 2),)],
            shown=True,
            **TORCHSCRIPT,
        ).mismatch
    assert found.inputs == "given"
    assert found.pass_name == "_create_jit_graph"
    with open(__file__, encoding="utf-8") as source:
        line = next(n for n, text in enumerate(source, 1) if "tracing takes one branch" in text)
    assert (found.file, found.line) == (__file__, line)
    assert "torch.cond" in found.screen()


def test_a_size_that_tracing_fixed():
    """Only other sizes show a size that was fixed."""
    found = verified(
        Sized(),
        (torch.randn(3, 4),),
        input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
        **TORCHSCRIPT,
    ).mismatch
    assert found.inputs == "other sizes"
    assert found.pass_name == "_create_jit_graph"


class Embedded(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)

    def forward(self, ids, mask):
        return self.table(ids) * mask.unsqueeze(-1)


@BOTH
def test_ids_stay_ids_and_masks_stay_masks(options):
    """Other values of whole numbers stay in the example's range: a lookup does not fail."""
    args = (torch.tensor([[0, 4, 2], [1, 3, 3]]), torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]))
    trace = verified(Embedded().eval(), args, **options)
    assert trace.mismatch is None
    assert trace.exports[0].get(c.VERIFY_NOTES) is None or not any(
        "other values" in note for note in trace.exports[0].get(c.VERIFY_NOTES)
    )


def test_a_fault_of_the_optimiser(monkeypatch):
    """A file that is right as written, and wrong when onnxruntime optimises it, blames that."""
    from onnxspan.recording.verify import onnx_runs

    original = onnx_runs.run

    def run(model, leaves, *, optimised=False, session=None):
        outputs = original(model, leaves, optimised=optimised, session=session)
        wrong = session is not None and session.get_session_options().graph_optimization_level != (
            __import__("onnxruntime").GraphOptimizationLevel.ORT_DISABLE_ALL
        )
        return [one + 1 for one in outputs] if wrong else outputs

    monkeypatch.setattr(onnx_runs, "run", run)
    found = verified(*deep(), **TORCHSCRIPT).mismatch
    assert found.pass_name == "onnxruntime's optimiser"
    assert found.before == "the file as written"


def test_a_file_that_is_changed_as_it_is_written(monkeypatch):
    """What only the file has is blamed on the file."""
    module = __import__("torch.onnx._internal.torchscript_exporter.utils", fromlist=["x"])
    original = module.onnx_proto_utils._export_file

    def spoils(model_bytes, *args):
        proto = onnx.load_from_string(model_bytes)
        tensor = next(one for one in proto.graph.initializer if len(one.dims) == 4)
        values = onnx.numpy_helper.to_array(tensor) * 2
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        return original(proto.SerializeToString(), *args)

    monkeypatch.setattr(module.onnx_proto_utils, "_export_file", spoils)
    found = verified(*deep(), **TORCHSCRIPT).mismatch
    assert found.pass_name == "the file as written"


@BOTH
def test_one_element_of_one_batch(options):
    """A difference in one element alone is counted as one, with its index."""

    class Late(nn.Module):
        def forward(self, x):
            return x.clamp(max=1.0)

    def clamp(g, x, low=None, high=None):
        return g.op("Min", x, g.op("Constant", value_t=torch.tensor(1.5)))

    x = torch.zeros(2, 3)
    x[1, 2] = 1.2
    if options is DYNAMO:
        from onnxscript import opset18 as op

        def clamp_of_onnxscript(x, *_bounds, **_named_bounds):
            return op.Min(x, 1.5)

        table = {torch.ops.aten.clamp.default: clamp_of_onnxscript}
        found = verified(Late(), (x,), custom_translation_table=table, **DYNAMO).mismatch
    else:
        with symbolic("aten::clamp", clamp):
            found = verified(Late(), (x,), opset_version=17, **TORCHSCRIPT).mismatch
    assert found.mismatched == 1
    assert found.elements == 6
