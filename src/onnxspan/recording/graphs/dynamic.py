"""Where a dynamic dimension of an input ends: the first node that it enters and does not leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from onnxspan.recording.graphs.dynamo import target_name
from onnxspan.recording.probes.dynamo.nodes import node_attributes

if TYPE_CHECKING:
    from collections.abc import Iterable

REDUCTIONS = frozenset({
    "all", "amax", "amin", "any", "argmax", "argmin", "cumsum", "getitem", "index", "index_select",
    "linalg_vector_norm", "logsumexp", "max", "mean", "median", "min", "mode", "nanmean",
    "nansum", "norm", "prod", "select", "squeeze", "std", "std_mean", "sum", "topk", "unbind",
    "var", "var_mean",
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "ArgMax",
    "ArgMin", "Gather", "GlobalAveragePool", "Shape", "Size", "TopK", "Squeeze",
})  # fmt: skip
"""Operators that end a dimension because they are meant to: a reduction, or one item of many.

One of several results (`getitem`) ends nothing: the operator that made them is asked.
"""


class End(NamedTuple):
    """Where a symbol of an input ends.

    Attributes:
        symbol: its name, as torch writes it.
        is_named: an output's shape has the symbol all the same, as after `expand(x.shape[0])`.
        text: the node, its shapes, module and line, in words.
    """

    symbol: str
    is_named: bool
    text: str


def ends_in_program(program: Any) -> list[End]:
    """For each symbol of an input the first node that it enters and does not leave, if any.

    Args:
        program: an ExportedProgram.
    """
    users = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"}  # fmt: skip
    wanted: dict[str, None] = {}
    left: set[str] = set()
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in users:
            wanted.update(dict.fromkeys(_symbols(node)))
        elif node.op == "output":
            left = {symbol for one in node.all_input_nodes for symbol in _symbols(one)}
    found = []
    for symbol in wanted:
        for node in program.graph.nodes:
            if node.op != "call_function" or _is_meant(target_name(node.target)):
                continue
            read = next((one for one in node.all_input_nodes if symbol in _symbols(one)), None)
            if read is not None and _has_tensor(node) and symbol not in _symbols(node):
                found.append(End(symbol, symbol in left, _sentence(symbol, node, read)))
                break
    return found


def _sentence(symbol: str, node: Any, read: Any) -> str:
    known = node_attributes(node)
    text = f"{symbol}: {target_name(node.target)} {_shape(read)} → {_shape(node)}"
    scope = next((str(value) for key, value in known.items() if key.endswith(".scope")), "")
    stack = node.meta.get("nn_module_stack")
    kind = list(stack.values())[-1][1] if stack else ""
    kind = kind if isinstance(kind, str) else kind.__qualname__
    if scope or kind:
        text += f" in {scope or 'the model itself'} ({kind.rpartition('.')[2]})"
    if "code.file.path" in known:
        text += f", {known['code.file.path']}:{known['code.line.number']}"
    return text


def lost_in_script(graph: Any) -> list[str]:
    """The same for a TorchScript graph of ONNX operators, whose unknown sizes have no names."""
    inputs = [value for value in graph.inputs() if not value.debugName().startswith("onnx::")]
    if not any(_is_open(value) for value in inputs):
        return []
    outputs = list(graph.outputs())
    if not outputs or any(_is_open(value) or _sizes(value) is None for value in outputs):
        return []
    for node in graph.nodes():
        if _is_meant(node.kind()) or node.kind() == "onnx::Constant":
            continue
        read = next((value for value in node.inputs() if _is_open(value)), None)
        made = [value for value in node.outputs() if _sizes(value)]
        if read is not None and made and not any(map(_is_open, made)):
            scope = node.scopeName().rpartition("/")[2]
            kind, _, path = scope.rpartition("::")
            where = f" in {path} ({kind.rpartition('.')[2]})" if path else ""
            return [f"{node.kind()} {_written(read)} → {_written(made[0])}{where}"]
    return ["no output has a dynamic dimension"]


def _is_meant(operator: str) -> bool:
    name = operator.rpartition("::")[2]
    parts = name.split(".")
    return bool(REDUCTIONS.intersection(parts)) or name in REDUCTIONS


def _values(node: Any) -> Iterable[Any]:
    value = node.meta.get("val")
    return value if isinstance(value, list | tuple) else (value,)


def _symbols(node: Any) -> set[str]:
    found: set[str] = set()
    for value in _values(node):
        sizes = getattr(value, "shape", ()) if hasattr(value, "shape") else (value,)
        for size in sizes:
            expression = getattr(getattr(size, "node", None), "expr", None)
            if expression is not None:
                found.update(map(str, expression.free_symbols))
    return found


def _has_tensor(node: Any) -> bool:
    return any(hasattr(value, "shape") for value in _values(node))


def _shape(node: Any) -> str:
    for value in _values(node):
        if hasattr(value, "shape"):
            return f"[{', '.join(str(size) for size in value.shape)}]"
    return "[]"


def _sizes(value: Any) -> list[int | None] | None:
    kind = value.type()
    return kind.sizes() if kind.kind() == "TensorType" and kind.dim() is not None else None


def _is_open(value: Any) -> bool:
    if value.type().kind() != "TensorType" or value.type().dim() is None:
        return False
    sizes = value.type().varyingSizes() if hasattr(value.type(), "varyingSizes") else None
    return sizes is not None and any(size is None for size in sizes)


def _written(value: Any) -> str:
    sizes = value.type().varyingSizes()
    return f"[{', '.join('*' if size is None else str(size) for size in sizes)}]"
