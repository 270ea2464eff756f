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


def _owners(graph: Any) -> Iterator[Any]:
    """Every node that has blocks, also inside blocks."""
    for kind in BLOCK_OWNERS:
        yield from graph.findAllNodes(kind, True)


def length(nodes: Iterator[Any]) -> int:
    """How many an iterator gives, no two alive at once: a third less time than by a list."""
    return sum(map(bool, nodes))  # a node is always true; this way no Python code runs for it


def length_and_use(nodes: Iterator[Any]) -> tuple[int, bool]:
    """How many an iterator of nodes gives, and whether something uses each of them."""
    from torch._C import Node  # the reading half runs without torch

    used = list(map(Node.hasUses, nodes))
    return len(used), all(used)


def survey(nodes: Iterator[Any]) -> tuple[Counter[str], bool]:
    """How many of each kind an iterator of nodes gives, and whether something uses each of them."""
    from torch._C import Node  # as above

    kind, has_uses = Node.kind, Node.hasUses
    found = [(kind(node), has_uses(node)) for node in nodes]
    return Counter(name for name, _ in found), all(used for _, used in found)


def count_nodes(graph: Any) -> tuple[int, int]:
    """The nodes of a `torch._C.Graph`, about 0.5 ms for 1000, and how many of them own blocks."""
    nodes, owning = length(graph.nodes()), 0
    for owner in _owners(graph):
        owning += 1
        nodes += sum(length(block.nodes()) for block in owner.blocks())
    return nodes, owning


def graph_size(graph: Any, nodes: int | None = None) -> GraphSize:
    """The size of a `torch._C.Graph`, counted here unless the number of nodes is known."""
    if nodes is None:
        nodes = count_nodes(graph)[0]
    return GraphSize(nodes, graph.param_node().outputsSize(), graph.return_node().inputsSize())


def kinds(graph: Any) -> Counter[str]:
    """How many nodes of each kind a graph has, blocks included."""
    from torch._C import Node  # as above

    counts = Counter(map(Node.kind, graph.nodes()))
    for owner in _owners(graph):
        for block in owner.blocks():
            counts.update(map(Node.kind, block.nodes()))
    return counts


def operators(counts: Counter[str], most: int = 100) -> list[str]:
    """The operators, most frequent first, as `onnx::MatMul=96`."""
    return [f"{kind}={count}" for kind, count in counts.most_common(most)]


def _bytes(tensor: Any) -> int:
    try:
        return tensor.nbytes  # type: ignore[no-any-return]  # a tensor's is a number
    except AttributeError:  # no tensor: a ScriptObject among the parameters
        return 0
    except RuntimeError:  # a sparse one
        return int(tensor.numel() * tensor.element_size())


def tensors_size(tensors: Any) -> tuple[int, int]:
    """How many tensors there are, and their bytes (elements times element size)."""
    count = size = 0
    for tensor in tensors:
        count += 1
        size += _bytes(tensor)
    return count, size


def constants_size(graph: Any) -> int:
    """Bytes of the tensors that stand in an ONNX graph as `onnx::Constant`."""
    return sum(
        _bytes(node.t("value"))
        for node in graph.findAllNodes("onnx::Constant", True)
        if node.kindOf("value") == "t"
    )


def input_shapes(arguments: Any, most: int = 64) -> tuple[int, list[str]]:
    """The number of tensors among (nested) arguments, and type and shape of the first ones."""
    from torch.utils import _pytree  # the reading half runs without torch

    leaves = [leaf for leaf in _pytree.tree_flatten(arguments)[0] if hasattr(leaf, "dtype")]
    shapes = [
        f"{str(leaf.dtype).removeprefix('torch.')}[{', '.join(map(str, leaf.shape))}]"
        for leaf in leaves[:most]
    ]
    return len(leaves), shapes
