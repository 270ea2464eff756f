"""What each graph pass of TorchScript can do to the number of nodes.

Counting a graph of 1000 nodes takes Python half a millisecond, so a graph is counted only after
a pass that can have changed it. These are facts about torch's C++ source
(torch/csrc/jit/passes and torch/csrc/jit/passes/onnx); a test recounts after every pass of many
models to hold them. A pass that stands in none of the tables is always followed by a count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKS_ONLY = frozenset({"_jit_pass_lint", "_jit_pass_onnx_lint"})
"""Passes that look for mistakes in the graph, and change nothing of it."""

KEEPS_NODES = frozenset(
    {
        *CHECKS_ONLY,
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

CHANGES_INPUTS = frozenset({"_jit_pass_onnx_eliminate_unused_items"})
"""Those of them after which the inputs are counted anew."""

SAYS_SO = frozenset(
    {
        "_jit_pass_constant_propagation",
        "_jit_pass_cse",
        "_jit_pass_peephole",
        "_jit_pass_fuse_addmm",
    }
)
"""Passes that return False when they changed nothing."""

_TUPLES = (
    "prim::TupleConstruct", "prim::TupleUnpack", "prim::TupleIndex", "prim::TupleSlice",
    "prim::PythonOp", "aten::format",
)  # fmt: skip

ACTS_ON: dict[str, tuple[str, ...]] = {
    "_jit_pass_inline": ("prim::CallFunction", "prim::CallMethod"),
    "_jit_pass_inline_fork_wait": ("prim::fork", "aten::wait"),
    "_jit_pass_onnx_autograd_function_process": ("prim::PythonOp",),
    "_jit_pass_onnx_function_substitution": ("prim::CallFunction", "prim::CallMethod"),
    "_jit_pass_lower_all_tuples": _TUPLES,
    "_jit_pass_onnx_remove_print": ("prim::Print", "aten::warn"),
    "_jit_pass_onnx_eval_peephole": ("onnx::BatchNormalization",),
    "_jit_pass_dce": (),
    "_jit_pass_dce_allow_deleting_nodes_with_side_effects": (),
}  # fmt: skip
"""Kinds without any of which a pass does nothing, but for the sweep it may end with."""

SWEEPS: dict[str, int] = {
    "_jit_pass_lower_all_tuples": 1,
    "_jit_pass_peephole": 1,
    "_jit_pass_constant_propagation": 2,
    "_jit_pass_canonicalize_graph_fuser_ops": 2,
    "_jit_pass_dce": 2,
    "_jit_pass_onnx_preprocess_caffe2": 3,
    "_jit_pass_dce_allow_deleting_nodes_with_side_effects": 3,
}
"""Passes that end, when they changed anything, with a dead code elimination, and how far it goes.

1 keeps what may write to memory, 2 asks the alias analysis about that, 3 keeps nothing without a
use. One that follows another that went as far, with nothing changed in between, finds nothing;
so it is in a graph without blocks, that is: loops need several rounds.
"""

EVERYTHING = 3
"""How far a sweep goes that leaves no node without a use."""

_MUTATING = frozenset(
    {
        "aten::append", "aten::insert", "aten::pop", "aten::clear", "aten::extend",
        "aten::Delete", "aten::index_put", "prim::GetAttr", "prim::SetAttr",
    }
)  # fmt: skip
_KNOWN = ("aten::", "prim::", "onnx::")


def _may_mutate(kind: str) -> bool:
    return kind.endswith(("_", "_set_item")) or kind in _MUTATING or not kind.startswith(_KNOWN)


ACTS_IF: dict[str, Callable[[str], bool]] = {
    "_jit_pass_onnx_remove_inplace_ops_for_onnx": _may_mutate,
    "_jit_pass_onnx_preprocess_caffe2": lambda kind: not kind.startswith(_KNOWN),
}
"""What is true of some kind in a graph that the pass changes; it may sweep everything as well."""

WITNESSES: dict[str, tuple[str, ...]] = {
    "_jit_pass_fuse_addmm": ("aten::addmm", "aten::mm"),
    # A None among a scripted model's outputs becomes an Optional.
    "_jit_pass_onnx_assign_output_shape": ("onnx::Optional",),
    # It splits a constant list of tensors into constants and a ListConstruct.
    "_split_tensor_list_constants": ("prim::ListConstruct",),
    "_jit_pass_onnx_preprocess": ("prim::ListUnpack", "onnx::Concat", "onnx::Gather"),
    # It makes tuples of quantized inputs and weights.
    "_jit_pass_onnx_unpack_quantized_weights": ("prim::TupleConstruct",),
    "_jit_pass_prepare_division_for_onnx": (
        "prim::NumToTensor", "aten::_cast_Float", "aten::_cast_Double", "aten::div",
    ),
    "_jit_pass_onnx_deduplicate_initializers": ("onnx::Identity",),
}  # fmt: skip
"""Kinds of which a pass adds or removes at least one whenever it adds or removes any node."""

LEAVES_DEAD = frozenset({"_jit_pass_onnx_preprocess"})
"""Passes that may take the last use from a node of their first witness, and let it stand.

`split` and the ListUnpack of its result become one, and the ListUnpack is left to the next sweep.
"""

ADDS_ONLY = frozenset({"_jit_pass_onnx_deduplicate_initializers"})
"""Passes that add nodes of their one witness, and do nothing else to the number of nodes."""

BEFORE_A_SWEEP = frozenset({"_jit_pass_onnx_peephole"})
"""Passes that a dead code elimination follows: after them it is seen too whether any is dead."""

LOOKED_AT = frozenset({"_jit_pass_peephole", "_jit_pass_onnx_constant_fold"})
"""Passes after which each node's kind is seen as well.

What follows the first acts on few kinds (`ACTS_IF`); the second is mostly the last to change the
graph, whose operators the root names.
"""

BRINGS_NO_BLOCKS = frozenset(
    {
        *KEEPS_NODES,
        *SAYS_SO,
        *SWEEPS,
        "_jit_pass_erase_number_types",
        "_jit_pass_onnx_scalar_type_analysis",
        "_jit_pass_onnx_peephole",
        "_jit_pass_onnx_constant_fold",
        "_jit_pass_onnx_deduplicate_initializers",
        "_jit_pass_onnx_unpack_quantized_weights",
    }
)
"""Passes after which a graph that had no node with blocks (If, Loop) still has none."""
