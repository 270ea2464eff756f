"""Measuring graphs, parameters and inputs; never a tensor's value.

A `torch._C.Graph` is counted by walking its top level and looking the few kinds that own
blocks up by `findAllNodes`: each node that Python sees costs 0.3 us, `Node.blocks()` 8 us.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every kind that owns blocks in a graph that the exporter can meet (torch/csrc/jit/ir).
BLOCK_OWNERS = (
    "prim::If", "prim::Loop", "onnx::If", "onnx::Loop", "onnx::Scan", "prim::fork", "prim::With",
    "prim::TracedFork", "prim::TracedModuleForward", "prim::Closure", "onnx::Placeholder",
    "prim::PythonOp",
)  # fmt: skip


class GraphSize(NamedTuple):
    """Nodes (blocks included), inputs and outputs of one graph."""

    nodes: int
    inputs: int
    outputs: int


def is_graph(value: Any) -> bool:
    """Whether this is a TorchScript graph (`torch._C.Graph`)."""
    return type(value).__name__ == "Graph" and hasattr(value, "findAllNodes")


def all_nodes(graph: Any) -> list[Any]:
    """Every node of a `torch._C.Graph`, those inside blocks after those at the top."""
    nodes = list(graph.nodes())
    for kind in BLOCK_OWNERS:
        for owner in graph.findAllNodes(kind, True):
            for block in owner.blocks():
                nodes.extend(block.nodes())
    return nodes


def length(nodes: Iterator[Any]) -> int:
    """How many an iterator gives, no two alive at once: a third less time than by a list."""
    return sum(1 for _ in nodes)


def count_nodes(graph: Any) -> tuple[int, int]:
    """The nodes of a `torch._C.Graph`, about 0.5 ms for 1000, and how many of them own blocks."""
    nodes, owning = length(graph.nodes()), 0
    for kind in BLOCK_OWNERS:
        for owner in graph.findAllNodes(kind, True):
            owning += 1
            nodes += sum(length(block.nodes()) for block in owner.blocks())
    return nodes, owning


def graph_size(graph: Any, nodes: int | None = None) -> GraphSize:
    """The size of a `torch._C.Graph`, counted here unless the number of nodes is known."""
    if nodes is None:
        nodes = count_nodes(graph)[0]
    return GraphSize(nodes, graph.param_node().outputsSize(), graph.return_node().inputsSize())


def operators(graph: Any, most: int = 100) -> tuple[int, list[str]]:
    """The number of nodes and the operators, most frequent first, as `onnx::MatMul=96`."""
    counts = Counter(node.kind() for node in all_nodes(graph))
    return counts.total(), [f"{kind}={count}" for kind, count in counts.most_common(most)]


def tensors_size(tensors: Any) -> tuple[int, int]:
    """How many tensors there are, and their bytes (elements times element size)."""
    count = size = 0
    for tensor in tensors:
        count += 1
        if hasattr(tensor, "element_size"):
            size += tensor.numel() * tensor.element_size()
    return count, size


def constants_size(graph: Any) -> int:
    """Bytes of the tensors that stand in the graph as `prim::Constant` or `onnx::Constant`."""
    size = 0
    for kind in ("prim::Constant", "onnx::Constant"):
        for node in graph.findAllNodes(kind, True):
            if node.hasAttribute("value") and node.kindOf("value") == "t":
                size += tensors_size((node.t("value"),))[1]
    return size


def input_shapes(arguments: Any, most: int = 64) -> tuple[int, list[str]]:
    """The number of tensors among (nested) arguments, and type and shape of the first ones."""
    from torch.utils import _pytree  # the reading half runs without torch

    leaves = [leaf for leaf in _pytree.tree_flatten(arguments)[0] if hasattr(leaf, "dtype")]
    shapes = [
        f"{str(leaf.dtype).removeprefix('torch.')}[{', '.join(map(str, leaf.shape))}]"
        for leaf in leaves[:most]
    ]
    return len(leaves), shapes
