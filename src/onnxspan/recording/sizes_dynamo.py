"""Measuring the dynamo exporter's graphs: fx graphs, ExportedPrograms and onnx_ir models.

`len` of an fx graph and of an onnx_ir graph costs nothing, so passes are counted by it. The
walks (operators, dimensions, bytes) are done a few times an export, never for each pass.
Nothing here runs an operator or asks a symbolic integer for its value.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WITH_GRAPHS = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""ONNX operators that own graphs."""


class DynamicDimensions(NamedTuple):
    """Symbolic dimensions of a graph's inputs and outputs, and the different symbols."""

    inputs: int
    outputs: int
    symbols: list[str]


def target_name(target: Any) -> str:
    """An fx node's target as torch writes it: `aten.linear.default`, `_operator.getitem`."""
    if isinstance(target, str) or hasattr(target, "_schema"):
        return str(target)
    name = getattr(target, "__qualname__", None) or getattr(target, "__name__", None)
    module = getattr(target, "__module__", None)
    if not name or hasattr(target, "_name"):
        return str(target)
    return f"{module}.{name}" if module else str(name)


def fx_graphs(graph_module: Any) -> list[Any]:
    """The graph of a GraphModule and those of the branches and loop bodies inside it."""
    return [module.graph for module in graph_module.modules() if hasattr(module, "graph")]


def fx_nodes(graph_module: Any) -> int:
    """Nodes of every graph of a GraphModule."""
    return sum(len(graph.nodes) for graph in fx_graphs(graph_module))


def fx_operators(graph_module: Any, most: int = 100) -> list[str]:
    """What the graphs call, most frequent first, as `aten.linear.default=12`."""
    counts: Counter[Any] = Counter()
    for graph in fx_graphs(graph_module):
        counts.update(node.target for node in graph.nodes if node.op == "call_function")
    return _listed(Counter({target_name(target): n for target, n in counts.items()}), most)


def program_dynamic(program: Any) -> DynamicDimensions:
    """Symbolic dimensions of an ExportedProgram's user inputs and outputs."""
    signature = program.graph_signature
    inputs, outputs = set(signature.user_inputs), set(signature.user_outputs)
    taken, given = [], []
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in inputs:
            taken.append(node.meta.get("val"))
        if node.name in outputs:
            given.append(node.meta.get("val"))
    return _dynamic(map(_shape_of, taken), map(_shape_of, given))


def _shape_of(value: Any) -> Iterable[str | None]:
    """A tensor's dimensions: a symbol's name, or None for a number."""
    dimensions = getattr(value, "shape", (value,))
    return [_symbol(dimension) for dimension in dimensions]


def _symbol(dimension: Any) -> str | None:
    node = getattr(dimension, "node", None)
    if node is None or not hasattr(node, "expr"):
        return None
    expression = node.expr
    return None if expression.is_number else str(expression)


def ir_nodes(model: Any) -> int:
    """Nodes of an onnx_ir model: main graph, functions, and the graphs inside If and Loop."""
    return sum(len(graph) for graph in ir_graphs(model))


def ir_graphs(model: Any) -> Iterator[Any]:
    """Every graph and function of an onnx_ir model."""
    pending = [model.graph, *model.functions.values()]
    while pending:
        graph = pending.pop()
        yield graph
        for node in graph:
            if node.op_type in _WITH_GRAPHS:
                for attribute in node.attributes.values():
                    if attribute.type.name == "GRAPH":
                        pending.append(attribute.value)
                    elif attribute.type.name == "GRAPHS":
                        pending.extend(attribute.value)


def ir_nodes_flat(model: Any) -> int:
    """As `ir_nodes`, without a walk: right only for a model without If and Loop."""
    return len(model.graph) + sum(len(function) for function in model.functions.values())


def ir_has_graphs(model: Any) -> bool:
    """Whether any node of the model owns a graph."""
    graphs = (model.graph, *model.functions.values())
    return any(node.op_type in _WITH_GRAPHS for graph in graphs for node in graph)


def ir_operators(model: Any, most: int = 100) -> list[str]:
    """The operators of an onnx_ir model, most frequent first, as `onnx::MatMul=96`."""
    counts = Counter(
        f"{node.domain or 'onnx'}::{node.op_type}" for graph in ir_graphs(model) for node in graph
    )
    return _listed(counts, most)


def ir_initializers(model: Any) -> tuple[int, int]:
    """How many initializers the main graph has, and their bytes."""
    values = model.graph.initializers.values()
    tensors = [value.const_value for value in values]
    return len(tensors), sum(tensor.nbytes for tensor in tensors if tensor is not None)


def ir_dynamic(model: Any) -> DynamicDimensions:
    """Symbolic dimensions of an onnx_ir model's inputs and outputs."""
    return _dynamic(map(_ir_shape, model.graph.inputs), map(_ir_shape, model.graph.outputs))


def _ir_shape(value: Any) -> Iterable[str | None]:
    if value.shape is None:
        return ()
    return [
        None if isinstance(dimension, int) else str(dimension.value or "?")
        for dimension in value.shape
    ]


def _dynamic(
    inputs: Iterable[Iterable[str | None]], outputs: Iterable[Iterable[str | None]]
) -> DynamicDimensions:
    taken = [name for shape in inputs for name in shape if name is not None]
    given = [name for shape in outputs for name in shape if name is not None]
    return DynamicDimensions(len(taken), len(given), list(dict.fromkeys(taken + given)))


def _listed(counts: Counter[str], most: int) -> list[str]:
    return [f"{name}={count}" for name, count in counts.most_common(most)]
