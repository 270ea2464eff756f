"""The size of a TorchScript graph after a stage or pass, counted as seldom as is honest.

The "before" of a pass is the "after" of the last count. A pass that cannot change the number
of nodes is not followed by a count, nor one that found nothing of what it acts on; one that always
leaves a witness is followed by one only when its witnesses changed. All three are facts about torch's C++ source (torch/csrc/jit/passes),
and a test recounts after every pass of many models to hold them.
"""

from __future__ import annotations

from typing import Any

from onnxspan import conventions as c
from onnxspan.recording import sizes
from onnxspan.recording.call import Call

KEEPS_NODES = frozenset(
    {
        "_jit_pass_lint",
        "_jit_pass_onnx_lint",
        "_jit_pass_canonicalize",  # renames values in a copy
        "_jit_pass_onnx_set_dynamic_input_shape",
        "_jit_pass_onnx_graph_shape_type_inference",
        "_jit_pass_onnx_assign_scoped_names_for_node_and_value",
        "_jit_pass_onnx_clear_scope_records",
        "_jit_pass_onnx_track_scope_attributes",
        "_jit_pass_onnx_eliminate_unused_items",  # erases inputs, and their parameters
        "_jit_pass_filter_non_tensor_arguments",
    }
)
"""Passes that never add or remove a node."""

ACTS_ON: dict[str, tuple[str, ...]] = {
    "_jit_pass_inline": ("prim::CallFunction", "prim::CallMethod"),
    "_jit_pass_inline_fork_wait": ("prim::fork", "aten::wait"),
    "_jit_pass_onnx_autograd_function_process": ("prim::PythonOp",),
    "_jit_pass_onnx_function_substitution": ("prim::CallFunction", "prim::CallMethod"),
    # Not _jit_pass_lower_all_tuples: it ends with a dead code elimination.
    "_jit_pass_onnx_remove_print": ("prim::Print",),
    "_jit_pass_onnx_eval_peephole": ("onnx::BatchNormalization",),
}
"""Kinds without any of which a pass does nothing."""

WITNESSES: dict[str, tuple[str, ...]] = {
    "_jit_pass_fuse_addmm": ("aten::addmm", "aten::mm"),
    # A None among a scripted model's outputs becomes an Optional.
    "_jit_pass_onnx_assign_output_shape": ("onnx::Optional",),
    # It splits a constant list of tensors into constants and a ListConstruct.
    "_split_tensor_list_constants": ("prim::ListConstruct",),
    "_jit_pass_onnx_preprocess": (
        "prim::ListUnpack", "onnx::Concat", "onnx::Gather", "aten::linear", "aten::add",
    ),
    "_jit_pass_prepare_division_for_onnx": (
        "prim::NumToTensor", "aten::_cast_Float", "aten::_cast_Double", "aten::div",
    ),
}  # fmt: skip
"""Kinds of which a pass adds or removes at least one whenever it adds or removes any node."""


WHILE_TRACING = "_jit_pass_onnx_track_scope_attributes"
"""Is handed the graph that is being traced: its size then is that of no finished graph."""


def before_pass(call: Call) -> None:
    """Count the graph if it was never counted, and see whether the pass can change it."""
    graph = _graph(call)
    if graph is None:
        return
    if call.export.counted is not graph:
        count(call, graph)
    kinds = ACTS_ON.get(call.probe.name)
    if kinds is not None and all(graph.findNode(kind, True) is None for kind in kinds):
        call.scratch = False
    else:
        call.scratch = _witnesses(call, graph)


def after_pass(call: Call, result: Any) -> None:
    """Note the graph's size after a pass, and the parameters when the pass returns them."""
    graph = result if sizes.is_graph(result) else _graph(call)
    if graph is not None:
        before = call.scratch
        keeps = (
            before is False
            or call.probe.name in KEEPS_NODES
            or (before is not None and before == _witnesses(call, graph))
        )
        note_size(call, graph, recount=not keeps)
    if isinstance(result, dict):
        note_parameters(call, result)


def after_result(call: Call, result: Any) -> None:
    """Note the size of the graph that a stage returned."""
    if sizes.is_graph(result):
        note_size(call, result)


def after_first_of_result(call: Call, result: Any) -> None:
    """Note the size of the graph that a stage returned as the first of several things."""
    after_result(call, result[0])


def note_size(call: Call, graph: Any, *, recount: bool = False) -> None:
    """Write size and change; the change is against the last count before the call began."""
    export = call.export
    size = export.size
    # At `stages` no pass is watched, so nobody knows what changed the graph since the last count.
    if size is None or recount or export.level is c.Level.STAGES:
        before = size
        size = count(call, graph)
        if before is not None and recount:
            call.attributes[c.NODES_CHANGE] = size.nodes - before.nodes
    elif export.counted is not graph:
        if call.probe.name == "_jit_pass_canonicalize":
            export.counted = graph  # a copy of the same nodes
            call.attributes[c.NODES_CHANGE] = 0
        else:
            size = count(call, graph)
    elif call.probe.level is not c.Level.STAGES:
        call.attributes[c.NODES_CHANGE] = 0
    call.attributes[c.NODES] = size.nodes
    call.attributes[c.INPUTS] = size.inputs
    call.attributes[c.OUTPUTS] = size.outputs


def count(call: Call, graph: Any) -> sizes.GraphSize:
    """Count a graph and remember the count as the export's last."""
    export = call.export
    export.counted = graph
    export.size = sizes.graph_size(graph)
    return export.size


def note_parameters(call: Call, parameters: dict[str, Any]) -> None:
    """Write how many tensors a dictionary of parameters has, and their bytes."""
    call.attributes[c.PARAMETERS], call.attributes[c.PARAMETER_BYTES] = sizes.tensors_size(
        parameters.values()
    )


def _witnesses(call: Call, graph: Any) -> list[int] | None:
    """How many there are of each witness of this pass; looking for an absent kind costs 10 us."""
    kinds = WITNESSES.get(call.probe.name)
    return None if kinds is None else [len(graph.findAllNodes(kind, True)) for kind in kinds]


def _graph(call: Call) -> Any:
    if call.probe.name == WHILE_TRACING:
        return None
    first = call.args[0] if call.args else None
    return first if sizes.is_graph(first) else None
