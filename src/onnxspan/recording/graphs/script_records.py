"""Makes records of the live TorchScript graphs of one export; a node keeps its number while it lives.

Of a node that looks as it did in the record before, in the graph's text, the JSON is taken again: most
passes change few nodes, and to read one takes a tenth of a millisecond.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from onnxspan.graph_record import MAX_DEPTH, Graph, write_origin, write_parts, write_type
from onnxspan.recording.graphs.origin import ModulePaths
from onnxspan.recording.graphs.torchscript import BLOCK_OWNERS
from onnxspan.recording.probes.torchscript.nodes import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NODE, _NEW_NODES = 2, 6
MAX_LIST = 16
"""Items of a list that is kept as an attribute: an axis list is structure, a table is not."""
_TENSOR = "<Tensor>"
"""What stands in a graph's text for a tensor that is not shown: two of them may look alike."""
_LOOK = re.compile(r"^  (?=%|= )", re.MULTILINE)


_Written = tuple[str, str, int, str, str]
"""A node without blocks in the record before: look, JSON, number, operator, types as JSON.

The look is its lines in the graph's text: whoever looks the same is the same, but for tensors. A
plain tuple of texts and numbers, which the garbage collector does not look at again.
"""


def looks_of_nodes(text: str) -> list[str]:
    """The lines of each node at the top of a TorchScript graph's text, in order."""
    return _LOOK.split(text)[1:]


class ScriptRecords:
    """The records of the TorchScript graphs of one export.

    Args:
        model: the user's model, whose modules have the paths.
        new: gives the next number of a node.
    """

    def __init__(self, model: Any, new: Callable[[], int]) -> None:
        self._model = model
        self._new = new
        self._written: dict[Any, _Written] = {}  # of the last record, by what the node is known by
        self._by_value: dict[Any, int] = {}  # TorchScript: a node by its first output's number
        self._ids: list[int] = []  # the nodes of the last record, in order, and their kinds
        self._kinds: list[str] = []
        self._made_of: dict[Any, list[int]] = {}  # a converted node's first output: its sources
        self._converting: dict[Any, int] | None = None
        self._modules: ModulePaths | None = None
        self._paths: dict[str, str | None] = {}
        self._described: dict[int, str] = {}  # of each node: module and line, written
        self._places: dict[str, tuple[str, int] | None] = {}

    @property
    def places(self) -> set[tuple[str, int]]:
        """The files and lines that the nodes come from."""
        return {place for place in self._places.values() if place is not None}

    def convert(self, args: tuple[Any, ...], result: Any) -> None:
        """Note what one TorchScript node was converted to; called while it happens."""
        if len(args) <= _NODE or not hasattr(args[_NODE], "kind"):
            return
        if self._converting is None:  # the graph that is made numbers its values anew
            self._converting = dict(self._by_value)
        old = args[_NODE]
        key = _key(old, 0)
        source = self._converting.get(key)
        if source is None:
            source = self._converting[key] = self._new()
        made = list(args[_NEW_NODES]) if len(args) > _NEW_NODES else []
        if not made:
            values = result if isinstance(result, list | tuple) else [result]
            made = [value.node() for value in values if hasattr(value, "node")]
        for node in made:
            if node.kind().startswith("prim::Param"):
                continue
            self._made_of.setdefault(_key(node, 0), [source])

    def graph(self, graph: Any, text: str, *, is_new: bool) -> str:
        """A record of a TorchScript graph, written.

        Args:
            graph: a `torch._C.Graph`.
            text: what `str` gives of it.
            is_new: the pass returned another graph than it was given.
        """
        if self._converting is not None:
            self._converting = None
            self._by_value, self._written = {}, {}
        elif is_new:
            self._written = {}
            flat = list(_every(graph))
            self._renumber(flat, [node.kind() for node in flat])
        record = Graph(
            "torchscript",
            [value.debugName() for value in graph.inputs()],
            [value.debugName() for value in graph.outputs()],
        )
        types = [write_type(value.debugName(), str(value.type())) for value in graph.inputs()]
        self._ids, self._kinds = [], []
        written = record.dump(self._script_nodes(graph, text, types), types)
        self._made_of = {}
        return written

    def _script_nodes(self, graph: Any, text: str, types: list[str]) -> Iterable[str]:
        """Each node of the graph, written; one that looks as in the last record is not read again."""
        nodes = list(graph.nodes())
        looks = looks_of_nodes(text)
        if len(looks) != len(nodes):  # nothing is known of how a node looks
            looks = [""] * len(nodes)
        known, self._written = self._written, {}
        for at, (node, look) in enumerate(zip(nodes, looks, strict=True)):
            key = _key(node, at)
            found = known.get(key)
            if found is not None and look and found[0] == look:
                _look, written, number, kind, typed = found
                self._ids.append(number)
                self._kinds.append(kind)
                types.append(typed)
            else:
                before, typed_before = len(self._ids), len(types)
                written = self._script_node(node, key, types, 0)
                if len(self._ids) > before + 1 or self._made_of or _TENSOR in look:
                    yield written
                    continue
                typed = ",".join(types[typed_before:])
                found = (look, written, self._ids[-1], self._kinds[-1], typed)
            self._written[key] = found
            yield written

    def _renumber(self, flat: list[Any], kinds: list[str]) -> None:
        """A copy of the graph: the order of the nodes tells which is which."""
        self._by_value = {}
        if kinds != self._kinds:
            return
        self._by_value = {
            _key(node, at): number
            for at, (node, number) in enumerate(zip(flat, self._ids, strict=True))
        }

    def _script_node(self, node: Any, key: Any, types: list[str], depth: int) -> str:
        """A node, and the nodes inside it, written; `types` gets those of the values it makes."""
        number = self._by_value.get(key)
        if number is None:
            number = self._by_value[key] = self._new()
        kind = node.kind()
        self._ids.append(number)
        self._kinds.append(kind)
        values = _outputs(node)
        outputs = [value.debugName() for value in values]
        for name, value in zip(outputs, values, strict=True):
            types.append(write_type(name, str(value.type())))
        described = self._described.get(number)
        if described is None:
            described = self._described[number] = self._describe_script(node, kind)
        blocks: list[list[str]] = []
        if depth < MAX_DEPTH and kind in BLOCK_OWNERS:
            blocks = [
                [
                    self._script_node(
                        one, _key(one, f"{number}.{block_at}.{at}"), types, depth + 1
                    )
                    for at, one in enumerate(block.nodes())
                ]
                for block_at, block in enumerate(node.blocks())
            ]
        return write_parts(
            number,
            kind,
            [node.inputsAt(at).debugName() for at in range(node.inputsSize())],
            outputs,
            _script_attributes(node),
            described,
            self._made_of.get(key, ()),
            blocks,
        )

    def _describe_script(self, node: Any, kind: str) -> str:
        scope = node.scopeName()
        innermost = scope.rpartition("/")[2]
        class_name, _, end = innermost.rpartition("::")
        if scope not in self._paths:
            if self._modules is None:
                self._modules = ModulePaths(self._model)
            self._paths[scope] = (self._modules.of_scope(scope) or end) if scope else None
        place: tuple[str, int] | None = None
        if kind != "prim::Constant" and not kind.startswith("onnx::"):
            text = node.sourceRange()
            if text not in self._places:
                self._places[text] = source_of(text)
            place = self._places[text]
        return write_origin(self._paths[scope], class_name, *(place or ("", 0)))


def _every(graph: Any) -> Iterable[Any]:
    for node in graph.nodes():
        yield node
        if node.kind() in BLOCK_OWNERS:
            for block in node.blocks():
                yield from _every(block)


def _key(node: Any, at: int | str) -> Any:
    """What a node is known by in its graph: the number of its first output, which never changes.

    A node without outputs is known by its operator and place; a pass that moves it makes it new.
    """
    if node.outputsSize():
        return node.outputsAt(0).unique()
    return f"{node.kind()} without output {at}"


def _outputs(node: Any) -> list[Any]:
    """The values that a node makes; `node.outputs()`, an iterator, takes five times as long."""
    return [node.outputsAt(at) for at in range(node.outputsSize())]


def _script_attributes(node: Any) -> dict[str, Any]:
    names = node.attributeNames()
    found: dict[str, Any] = {}
    if not names:
        return found
    for name in names:
        kind = node.kindOf(name)
        if kind in {"i", "f", "s"}:
            found[name] = getattr(node, kind)(name)
        elif kind in {"is", "fs", "ss"}:
            value = getattr(node, kind)(name)
            if len(value) <= MAX_LIST:
                found[name] = list(value)
        elif kind == "t":
            tensor = node.t(name)
            if tensor.dim() == 0 or (tensor.dim() == 1 and tensor.numel() <= MAX_LIST):
                found[name] = str(tensor.tolist()) if tensor.is_complex() else tensor.tolist()
            else:
                found[name] = f"tensor{list(tensor.shape)}"
    return {key: finite(value) for key, value in found.items()}


def finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become text."""
    if isinstance(value, list):
        return [finite(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
