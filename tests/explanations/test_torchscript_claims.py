"""What the explanations say of the TorchScript exporter is what the installed torch does."""

import pytest
import torch
from claims import export, names, operators, says
from torch import nn

import torch_facts

pinned = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 1, 1))

    def forward(self, x):
        return self.features(x)


@says(
    "_jit_pass_onnx_assign_scoped_names_for_node_and_value",
    "The name has one part for each module around the node, and each part is the whole path of that module: a `Conv2d` at `model.features[0]` gives `/features/features.0/Conv` and `/features/features.0/Conv_output_0`.",
)
@says(
    "_setup_trace_module_map",
    "The scope is what later turns into readable node names (`/features/features.0/Conv`), and into local functions when asked for.",
)
@pytest.mark.parametrize(
    "name", ["_setup_trace_module_map", "_jit_pass_onnx_assign_scoped_names_for_node_and_value"]
)
def test_names_of_nodes(name):
    """A node's name has the whole path of each module around the node."""
    _, model = export(Features(), (torch.ones(1, 1, 2, 2),))
    assert [node.name for node in model.graph.node] == ["/features/features.0/Conv"]


@says(
    "_create_jit_graph",
    "For a traced model `torch_out` is what the model returned and module is `None`; for a scripted module `torch_out` is `None` and module is the frozen one.",
    "A tensor that `forward` makes from Python values (`torch.tensor([...])`) becomes a constant, and the graph's constants grow by the tensor's bytes.",
    "`torch.ones(2)` becomes the operator `aten::ones`.",
)
def test_create_jit_graph_of_a_traced_model():
    """The tracer gives no module, and a tensor made from Python values becomes a constant."""

    class Made(nn.Module):
        def forward(self, x):
            return x + torch.tensor([1.0, 2.0]) + torch.ones(2)

    seen = {}

    def watch(trace):
        @trace.on_leave("_create_jit_graph")
        def left(moment):
            graph, _, out, module = moment.result
            seen.update(text=str(graph), out=out, module=module)

    trace, _ = export(Made(), (torch.ones(2),), watch=watch)
    (span,) = (span for span in trace.spans if span.name == "_create_jit_graph")
    assert seen["module"] is None
    assert span.get("torch.onnx.jit_graph.module") == "None"
    assert isinstance(seen["out"], torch.Tensor)
    assert "aten::ones" in seen["text"]
    assert "Float(2, strides=[1], requires_grad=0, device=cpu) = prim::Constant" in seen["text"]


@says(
    "_jit_pass_onnx_graph_shape_type_inference",
    "It runs twice, both times with the parameters: at the end of `_optimize_graph`, and again at the end of `_model_to_graph`.",
)
def test_shape_inference_runs_twice_with_the_parameters():
    """Both runs of the shape inference get the parameters; the graph changes in between."""
    given, graphs = [], []

    def watch(trace):
        @trace.on_enter("_jit_pass_onnx_graph_shape_type_inference")
        def entered(moment):
            graphs.append(str(moment.args[0]))
            given.append(sorted(moment.args[1]))

    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).eval()
    export(model, (torch.ones(1, 1, 2, 2),), watch=watch)
    assert len(given) == 2
    assert "0.weight" in given[0]
    assert given[1], "the second run gets the merged parameters"
    assert "BatchNormalization" in graphs[0]
    assert "BatchNormalization" not in graphs[1]


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 4))

    def forward(self, x):
        return x @ self.weight.t() + torch.relu(x) @ self.weight.t()


@says(
    "_jit_pass_onnx_constant_fold",
    "A weight that two layers share is computed once for each use, and `_jit_pass_onnx_deduplicate_initializers` keeps one copy.",
)
def test_a_folded_shared_weight_is_stored_once():
    """The copies that folding makes of one weight are merged again."""
    _, model = export(Shared().eval(), (torch.ones(2, 4),))
    assert len(model.graph.initializer) == 1


@says("_jit_pass_onnx_constant_fold", "Below opset 9 the exporter does not call the pass.")
@pinned
def test_folding_is_not_called_below_opset_9():
    """An export at opset 8 has no span of the folding pass."""
    trace, _ = export(nn.Linear(2, 2), (torch.ones(1, 2),), opset_version=8)
    assert "_jit_pass_onnx_constant_fold" not in names(trace)
    trace, _ = export(nn.Linear(2, 2), (torch.ones(1, 2),), opset_version=9)
    assert "_jit_pass_onnx_constant_fold" in names(trace)


@torch.jit.script
def chosen(x):
    if bool(x.sum() > 0):
        print("positive")
        x = x + 1
    else:
        x = x - 1
    return x


class Calls(nn.Module):
    def forward(self, x):
        return chosen(x) * 2


class Plain(nn.Module):
    def forward(self, x):
        print("plain")
        return x * 2


@says(
    "_jit_pass_onnx_block",
    "Blocks come from scripted code: a scripted model, or a `@torch.jit.script` function that a traced model calls.",
)
@says(
    "_jit_pass_onnx_function_substitution",
    "A traced graph has such calls only where the traced model calls a `@torch.jit.script` function or module; without them the pass changes nothing.",
)
@says(
    "_jit_pass_onnx_remove_print",
    "Scripted code has such nodes: a scripted model, or a `@torch.jit.script` function that a traced model calls.",
)
def test_scripted_function_in_a_traced_model():
    """A traced model that calls a scripted function has calls, blocks and prints to remove."""
    graphs = {}

    def watch(trace):
        for name in ("_jit_pass_onnx_function_substitution", "_jit_pass_onnx_remove_print"):
            trace.on_enter(name)(
                lambda moment, key=(name, 0): graphs.update({key: str(moment.args[0])})
            )
            trace.on_leave(name)(
                lambda moment, key=(name, 1): graphs.update({key: str(moment.args[0])})
            )

    trace, model = export(Calls(), (torch.ones(2),), level="nodes", watch=watch)
    substitution, prints = "_jit_pass_onnx_function_substitution", "_jit_pass_onnx_remove_print"
    assert "prim::CallFunction" in graphs[substitution, 0]
    assert "prim::CallFunction" not in graphs[substitution, 1]
    assert "prim::Print" in graphs[prints, 0]
    assert "prim::Print" not in graphs[prints, 1]
    assert "_jit_pass_onnx_block" in names(trace)
    assert "If" in operators(model)


@says(
    "_jit_pass_onnx_remove_print",
    "In plain Python code `print` runs during the trace and leaves no node.",
)
def test_print_of_plain_python_leaves_no_node(capsys):
    """`print` in a traced model runs during the trace, and the graph has no node for it."""
    graphs = []

    def watch(trace):
        trace.on_enter("_jit_pass_onnx_remove_print")(
            lambda moment: graphs.append(str(moment.args[0]))
        )

    export(Plain(), (torch.ones(2),), watch=watch)
    assert "plain" in capsys.readouterr().out
    assert "prim::Print" not in graphs[0]


@says(
    "_jit_pass_erase_number_types",
    "Turns each single number and bool of the graph into a tensor; lists of numbers stay lists.",
)
def test_erase_number_types_keeps_lists():
    """A list of numbers is a list of `int` before and after the numbers are erased."""
    graphs = []

    class Reshaped(nn.Module):
        def forward(self, x):
            return x.reshape(x.size(0), 1, -1)

    def watch(trace):
        trace.on_leave("_jit_pass_erase_number_types")(
            lambda moment: graphs.append(str(moment.args[0]))
        )

    export(Reshaped(), (torch.ones(2, 3),), watch=watch)
    assert "int[] = prim::ListConstruct" in graphs[0]
    assert ": int = " not in graphs[0]


@says(
    "_jit_pass_onnx_remove_inplace_ops_for_onnx",
    "In a scripted model the pass also replaces each read of a parameter or buffer (`prim::GetAttr`) by a graph input of that name: this is why the pass is given the module.",
)
def test_remove_inplace_connects_parameters_of_scripted_models():
    """Reads of parameters become graph inputs in the pass that is given the module."""
    graphs = []

    def watch(trace):
        name = "_jit_pass_onnx_remove_inplace_ops_for_onnx"
        trace.on_enter(name)(lambda moment: graphs.append(str(moment.args[0])))
        trace.on_leave(name)(lambda moment: graphs.append(str(moment.args[0])))

    export(torch.jit.script(nn.Linear(2, 2)), (torch.ones(1, 2),), watch=watch)
    before, after = graphs
    assert 'prim::GetAttr[name="weight"]' in before
    assert "prim::GetAttr" not in after


@pinned
def test_dynamic_axes_change_types_before_the_conversion():
    """`dynamic_axes` sets types of the graph before the conversion, not only names in the file."""
    graphs = []

    def watch(trace):
        name = "_jit_pass_onnx_set_dynamic_input_shape"
        trace.on_enter(name)(lambda moment: graphs.append(str(moment.args[0])))
        trace.on_leave(name)(lambda moment: graphs.append(str(moment.args[0])))

    options = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    trace, _ = export(nn.ReLU(), (torch.ones(2, 3),), watch=watch, **options)
    assert "Float(2, 3" in graphs[0]
    assert "Float(*, 3" in graphs[1]
    order = names(trace)
    assert order.index("_jit_pass_onnx_set_dynamic_input_shape") < order.index("_jit_pass_onnx")


@says(
    "_export",
    "Refuses `DataParallel`, chooses the opset and the other options, calls `_setup_trace_module_map`, puts the model into the training mode that was asked for, and then calls the stages `_decide_input_format`, `_model_to_graph`, `_export_onnx`, `_add_onnxscript_fn`, `_export_file`.",
)
@pinned
def test_setup_runs_before_the_training_mode_is_set():
    """The module map is made while the model still has the mode that its user gave it."""
    modes = []
    model = nn.Linear(2, 2).train()

    def watch(trace):
        for name in ("_setup_trace_module_map", "_decide_input_format"):
            trace.on_enter(name)(lambda moment: modes.append(model.training))

    export(model, (torch.ones(1, 2),), watch=watch)
    assert modes == [True, False]
    assert model.training
