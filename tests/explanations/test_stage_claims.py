"""What the explanations say of the stages of the TorchScript exporter is what happens."""

import io

import onnx
import pytest
import torch
from claims import export, graphs, says
from torch import nn

import onnxspan
import torch_facts

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


class Relu(nn.Module):
    def forward(self, x):
        return x.relu()


class Masked(nn.Module):
    def forward(self, x, mask=None, scale=1.0):
        return x * scale if mask is None else x * mask


class Three(nn.Module):
    def forward(self, x, y, z):
        return x + z


@says(
    "torch.onnx.export",
    "Nothing itself.",
    "The model is written to `f`, and the dynamo exporter returns an `ONNXProgram`.",
    "The other exporter than expected runs after an upgrade of torch, and the ONNX file has other operators and other names.",
    "The attribute `torch.onnx.exporter` of this span says which one ran.",
    '`torch.onnx.export(model, args, "model.onnx", dynamo=False)` is the TorchScript exporter in every supported version that has the argument.',
)
def test_two_exporters_behind_one_call():
    """The span names the exporter that ran, and the two give other names."""
    written, returned, exporters = {}, {}, {}
    for dynamo in (False, True):
        file = io.BytesIO()
        with onnxspan.trace() as trace:
            returned[dynamo] = torch.onnx.export(
                nn.Linear(2, 2).eval(), (torch.ones(1, 2),), file, dynamo=dynamo, verbose=False
            )
        exporters[dynamo] = trace.result.exports[0].get("torch.onnx.exporter")
        written[dynamo] = onnx.load_from_string(file.getvalue())
    assert exporters == {False: "torchscript", True: "dynamo"}
    assert returned[False] is None
    assert type(returned[True]).__name__ == "ONNXProgram"
    assert written[False].graph.node[0].name != written[True].graph.node[0].name


@says(
    "_export",
    "The model's training mode while it runs, and the state of the exporter in its modules.",
    "The training mode, the mark that an export runs, and `autograd_inlining` are put back.",
    "The opset and the switch of the shape inference stay as they were set until the next export.",
)
def test_what_export_puts_back():
    """After an export the opset of that export is still in GLOBALS, the running mark is not."""
    from torch.onnx._internal.torchscript_exporter._globals import GLOBALS

    model, seen = nn.Linear(2, 2).train(), []

    def watch(trace):
        trace.on_enter("_model_to_graph")(
            lambda moment: seen.append((GLOBALS.in_onnx_export, GLOBALS.autograd_inlining))
        )

    options = {"opset_version": 12, "autograd_inlining": False}
    export(model, (torch.ones(1, 2),), watch=watch, **options)
    assert seen == [(True, False)]
    assert (GLOBALS.in_onnx_export, GLOBALS.autograd_inlining) == (False, True)
    assert GLOBALS.export_onnx_opset_version == 12
    assert model.training


@says("_export", "The TorchScript export from the model to the file, as one function.")
@says("_setup_trace_module_map", "Nothing in the graph; there is none yet.")
@says(
    "_export_onnx",
    "Nothing in the graph.",
    "Serializes the graph and its parameters to the bytes of an ONNX model.",
)
@says(
    "_jit_pass_onnx_clear_scope_records", "Forgets what was noted about modules during the trace."
)
def test_order_of_the_stages():
    """The stages run in the order that the text names, below `_export`."""
    trace, _ = export(Relu(), (torch.ones(2),))
    (outer,) = (span for span in trace.spans if span.name == "_export")
    inside = [span.name for span in outer.children]
    stages = [
        "_setup_trace_module_map",
        "_decide_input_format",
        "_model_to_graph",
        "_export_onnx",
        "_add_onnxscript_fn",
        "_export_file",
        "_jit_pass_onnx_clear_scope_records",
    ]
    assert [name for name in inside if name in stages] == stages
    assert inside[-1] == "_jit_pass_onnx_clear_scope_records"


@says(
    "_setup_trace_module_map",
    "The module `model.features[0]`, a `Conv2d`, gets the scope `torch.nn.modules.conv.Conv2d::features.0`.",
)
def test_scope_of_a_module():
    """The map that the tracer reads has class and name of each module."""
    scopes = []

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 1, 1))

        def forward(self, x):
            return self.features(x)

    def watch(trace):
        trace.on_leave("_setup_trace_module_map")(
            lambda moment: scopes.extend(torch.jit._trace._trace_module_map.values())
        )

    export(Model(), (torch.ones(1, 1, 2, 2),), watch=watch)
    assert "torch.nn.modules.conv.Conv2d::features.0" in scopes


def decided(model, args):
    """What `_decide_input_format` makes of the arguments, and its span."""
    from torch.onnx._internal.torchscript_exporter import utils

    return utils._decide_input_format(model, args)


@says(
    "_decide_input_format",
    "Turns a trailing dictionary of keyword arguments into positional ones.",
    "When the last of `args` is a dictionary, its values are put at the positions of their names; a parameter that is not given gets its default.",
    "The tuple of arguments.",
    "A key that `forward` does not know is left out without a word; a parameter that has neither value nor default is skipped, and everything after it moves one place to the left.",
    "A model whose last real argument is a dictionary: it is taken for keyword arguments.",
    "Put an empty dictionary after it.",
    '`forward(self, x, mask=None, scale=1.0)` with `args=(x, {"scale": 2.0})` becomes `(x, None, 2.0)`.',
)
def test_keyword_arguments_become_positional():
    """Names are put at their places, unknown ones and gaps are dropped without a word."""
    assert decided(Masked(), ("x", {"scale": 2.0})) == ("x", None, 2.0)
    assert decided(Masked(), ("x", {"unknown": 2.0})) == ("x", None, 1.0)
    assert decided(Three(), ("x", {"z": "z"})) == ("x", "z")
    assert decided(Relu(), ({"x": 1},)) == (1,)
    assert decided(Relu(), ({"x": 1}, {})) == ({"x": 1},)


@says(
    "_decide_input_format", "The span lists what was placed, filled with a default, and dropped."
)
def test_span_of_the_input_format():
    """The span of `_decide_input_format` names the three kinds of arguments."""
    args = (torch.ones(2), {"scale": torch.ones(2), "unknown": 1})
    trace, _ = export(Masked(), args)
    (span,) = (span for span in trace.spans if span.name == "_decide_input_format")
    values = {key.rpartition(".")[2]: value for key, value in span.attributes.items()}
    assert list(values["placed"]) == ["scale"]
    assert list(values["defaults"]) == ["mask"]
    assert list(values["dropped"]) == ["unknown"]


@says(
    "_create_jit_graph",
    "Parameters plus flattened inputs should give the number of graph inputs; the span says whether they do.",
    "A linear layer with bias and one input: 2 parameters, 1 flattened input, 3 graph inputs.",
)
def test_inputs_and_parameters_of_the_graph():
    """The span counts parameters, flattened inputs and inputs of the graph."""
    trace, _ = export(nn.Linear(2, 2), (torch.ones(1, 2),))
    (span,) = (span for span in trace.spans if span.name == "_create_jit_graph")
    values = {key: value for key, value in span.attributes.items() if "jit_graph" in key}
    numbers = sorted(value for value in values.values() if type(value) is int)
    assert {1, 2, 3} <= set(numbers), values
    assert True in values.values()


class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x.relu()
        return x.neg()


class Growing(nn.Module):
    def forward(self, x):
        self.register_buffer("late", torch.ones(2))
        return x + self.late


@says(
    "_trace_and_get_graph_from_model",
    "Runs the model once on the example inputs and writes down every operator.",
    "Makes the first graph.",
    "`if` and `for` over Python values are gone: only the branch and the rounds that happened are recorded.",
    "`TracerWarning` when a tensor's value decides something in Python: the graph is then right for these example inputs only.",
    "`if x.sum() > 0: return x.relu()` is recorded as `aten::relu` alone, with a warning.",
)
def test_tracing_records_one_branch():
    """The branch that the example takes is in the graph, the other is not, and torch warns."""
    recorded = []

    def watch(trace):
        trace.on_leave("_trace_and_get_graph_from_model")(
            lambda moment: recorded.append(str(moment.result[0]))
        )

    trace = onnxspan.trace()
    watch(trace)
    with trace, pytest.warns(torch.jit.TracerWarning):
        torch.onnx.export(Branch(), (torch.ones(2),), io.BytesIO(), dynamo=False)
    assert "aten::relu" in recorded[0]
    assert "aten::neg" not in recorded[0]
    assert "prim::If" not in recorded[0]


@says(
    "_trace_and_get_graph_from_model",
    "A model that adds parameters or buffers while it runs: `state_dict changed after running the tracer`.",
)
def test_a_buffer_that_comes_while_the_model_runs():
    """Torch refuses a model whose state_dict changes while it is traced."""
    with pytest.raises(RuntimeError, match="state_dict changed after running the tracer"):
        export(Growing(), (torch.ones(2),))


@says(
    "_optimize_graph",
    "Calls about thirty passes of `torch._C` in a fixed order: inline, fold constants, clean up, remove what ONNX does not have (tuples, in-place writes, numbers), convert operator by operator (`_jit_pass_onnx`), then repair types and clean up again.",
    "The graph, from the first pass to the last.",
    "`_jit_pass_onnx` and `_jit_pass_canonicalize` return a new graph; every other pass changes the one that it is given.",
)
@says("_jit_pass_onnx", "The returned graph is a new one.")
@says("_jit_pass_canonicalize", "The returned graph is a new one.")
@says(
    "_jit_pass_lint",
    "It finds a pass that broke the graph right after that pass. torch calls it about ten times in an export.",
)
def test_order_of_the_passes():
    """The passes come in the order that the text names, and two of them return a graph."""
    returned = set()

    def watch(trace):
        trace.on_leave("*")(
            lambda moment: (
                returned.add(moment.name) if isinstance(moment.result, torch._C.Graph) else None
            )
        )

    trace, _ = export(Relu(), (torch.ones(2),), watch=watch)
    (outer,) = (span for span in trace.spans if span.name == "_optimize_graph")
    inside = [span.name for span in outer.children]
    order = [
        "_jit_pass_inline",
        "_jit_pass_constant_propagation",
        "_jit_pass_dce",
        "_jit_pass_onnx_remove_inplace_ops_for_onnx",
        "_jit_pass_erase_number_types",
        "_jit_pass_onnx",
        "_jit_pass_onnx_scalar_type_analysis",
        "_jit_pass_dce_allow_deleting_nodes_with_side_effects",
    ]
    places = [inside.index(name) for name in order]
    assert places == sorted(places)
    passes = [name for name in inside if name.startswith("_jit_pass_")]
    assert 30 <= len(passes) <= 40
    assert 8 <= passes.count("_jit_pass_lint") <= 12
    assert returned & set(passes) == {"_jit_pass_onnx", "_jit_pass_canonicalize"}


UNCHANGING = ("_jit_pass_lint", "_jit_pass_onnx_lint")


@says("_jit_pass_lint", "Nothing.", "Checks that the graph is well formed; changes nothing.")
@says(
    "_jit_pass_onnx_lint",
    "Nothing.",
    "Counts nodes without source line or module scope, for the log; changes nothing.",
)
@pytest.mark.parametrize("name", UNCHANGING)
def test_lints_change_nothing(name):
    """A lint leaves the text of each graph as it is."""
    calls = graphs(name, nn.Sequential(nn.Linear(2, 2), nn.GELU()), (torch.ones(1, 2),))
    assert calls
    assert all(before == after for before, after in calls)


BROKEN = "graph(%x : Tensor):\n  %a : Tensor = aten::relu(%x)\n  %b : Tensor = aten::neg(%a)\n  return (%b)\n"


@says(
    "_jit_pass_lint",
    "Walks the whole graph and asserts its invariants: each value is defined before it is used, belongs to this graph, is listed among the uses of what it uses, and so on.",
    "A failed assertion here means a bug in the pass before it.",
)
@says("_jit_pass_onnx_lint", "Unlike `_jit_pass_lint` it asserts nothing.")
def test_a_lint_finds_a_broken_graph():
    """A value that is used before it is defined fails the lint, and not the ONNX lint."""
    graph = torch._C.parse_ir(BROKEN)
    first, second = graph.nodes()
    second.moveBefore(first)
    torch._C._jit_pass_onnx_lint(graph)
    with pytest.raises(RuntimeError, match="not in scope"):
        torch._C._jit_pass_lint(graph)


@says(
    "_jit_pass_filter_non_tensor_arguments",
    "Keeps only the tensors among the parameters.",
    "Takes the dictionary of parameters and returns one without the entries that are not tensors.",
    '`{"weight": tensor, "_packed_params": object}` becomes `{"weight": tensor}`.',
)
def test_only_tensors_stay_parameters():
    """An entry that is no tensor is left out."""
    given = {"weight": torch.ones(2), "_packed_params": 3}
    assert list(torch._C._jit_pass_filter_non_tensor_arguments(given)) == ["weight"]
