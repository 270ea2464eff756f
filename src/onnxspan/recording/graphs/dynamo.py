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


Shapes = list[list[str | None]]
"""Of each tensor the dimensions: a symbol's name, or None for a number."""


class DynamicDimensions(NamedTuple):
    """Symbolic dimensions of a graph's inputs and outputs.

    Attributes:
        inputs: of each input, in order; `outputs` likewise.
        scalars: inputs that are no tensor but a symbolic integer.
        fixed: symbols that stand for one number alone, and that number: torch names the dimension
            and has found that nothing else fits.
    """

    inputs: Shapes
    outputs: Shapes
    scalars: int = 0
    fixed: tuple[tuple[str, str], ...] = ()

    @property
    def symbols(self) -> list[str]:
        """The different symbols, in the order first met."""
        shapes = (*self.inputs, *self.outputs)
        return list(dict.fromkeys(name for shape in shapes for name in shape if name is not None))


def symbolic(shapes: Shapes) -> int:
    """How many dimensions are symbolic."""
    return sum(name is not None for shape in shapes for name in shape)


def named(what: str, shapes: Shapes, symbol: str) -> list[str]:
    """The dimensions that are this symbol, as `input 0:1`."""
    return [
        f"{what} {index}:{axis}"
        for index, shape in enumerate(shapes)
        for axis, name in enumerate(shape)
        if name == symbol
    ]


def lost(what: str, before: Shapes, after: Shapes) -> list[str]:
    """The dimensions that were symbolic and are numbers now, as `output 0:1 was s77`."""
    fewer = symbolic(before) - symbolic(after)
    if list(map(len, before)) == list(map(len, after)):
        return [
            f"{what} {index}:{axis} was {name}"
            for index, (old, new) in enumerate(zip(before, after, strict=True))
            for axis, (name, now) in enumerate(zip(old, new, strict=True))
            if name is not None and now is None
        ]
    return [f"{fewer} of the {what}s"] if fewer > 0 else []  # which ones cannot be said


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
    inputs, outputs = list(signature.user_inputs), list(signature.user_outputs)
    wanted = {name for name in (*inputs, *outputs) if isinstance(name, str)}  # else a constant
    values = {
        node.name: node.meta.get("val") for node in program.graph.nodes if node.name in wanted
    }
    taken = [values[name] for name in inputs if name in values]
    given = [values[name] for name in outputs if name in values]
    scalars = sum(_symbol(value) is not None for value in taken)
    fixed = tuple(
        (str(symbol), str(allowed.lower))
        for symbol, allowed in program.range_constraints.items()
        if allowed.lower == allowed.upper
    )
    return DynamicDimensions(_shapes(taken), _shapes(given), scalars, fixed)


def _shapes(values: Iterable[Any]) -> Shapes:
    return [[_symbol(dimension) for dimension in getattr(value, "shape", ())] for value in values]


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
    graph = model.graph
    return DynamicDimensions(
        [_ir_shape(value) for value in graph.inputs],
        [_ir_shape(value) for value in graph.outputs],
    )


def _ir_shape(value: Any) -> list[str | None]:
    if value.shape is None:
        return []
    return [
        None if isinstance(dimension, int) else str(dimension.value or "?")
        for dimension in value.shape
    ]


def _listed(counts: Counter[str], most: int) -> list[str]:
    return [f"{name}={count}" for name, count in counts.most_common(most)]
