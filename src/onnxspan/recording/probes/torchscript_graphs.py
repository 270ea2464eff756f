"""The size of a TorchScript graph after a stage or pass, counted as seldom as is honest.

The "before" of a pass is the "after" of the last count. A pass that cannot change the number
of nodes is not followed by a count, nor one that finds nothing of what it acts on. Both are
facts about torch's C++ source, and a test recounts after every pass to hold them.
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
        "_jit_pass_onnx_assign_output_shape",
        "_jit_pass_onnx_graph_shape_type_inference",
        "_jit_pass_onnx_assign_scoped_names_for_node_and_value",
        "_jit_pass_onnx_clear_scope_records",
        "_jit_pass_onnx_track_scope_attributes",
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
    "_jit_pass_fuse_addmm": ("aten::add",),
    "_jit_pass_canonicalize_graph_fuser_ops": ("aten::chunk", "prim::ConstantChunk"),
    "_jit_pass_onnx_remove_print": ("prim::Print",),
}
"""Kinds of nodes without which a pass changes nothing."""


def before_pass(call: Call) -> None:
    """Count the graph if it was never counted, and see whether the pass can change it."""
    graph = _graph(call)
    if graph is None:
        return
    if call.export.counted is not graph:
        count(call, graph)
    kinds = ACTS_ON.get(call.probe.name)
    call.scratch = kinds is None or any(graph.findNode(kind) is not None for kind in kinds)


def after_pass(call: Call, result: Any) -> None:
    """Note the graph's size after a pass, and the parameters when the pass returns them."""
    graph = result if sizes.is_graph(result) else _graph(call)
    if graph is not None:
        keeps = call.probe.name in KEEPS_NODES or call.scratch is False
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
    if size is None or recount:
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


def _graph(call: Call) -> Any:
    first = call.args[0] if call.args else None
    return first if sizes.is_graph(first) else None
