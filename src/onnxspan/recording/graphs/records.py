"""Makes records of the live graphs of one export; a node keeps its number while it lives.

TorchScript graphs are those of script_records.py.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import TYPE_CHECKING, Any

from onnxspan.graph_record import MAX_DEPTH, Graph, Initializer, Node, write_node
from onnxspan.recording.graphs.script_records import MAX_LIST, ScriptRecords, finite
from onnxspan.recording.probes.dynamo.nodes import module_path, users_line

if TYPE_CHECKING:
    from collections.abc import Iterable

_FX_NODE = re.compile(r"^%(\S+) ")


@dataclasses.dataclass(frozen=True)
class _FxNode:
    """A node of a recorded fx graph.

    Attributes:
        number: its number in the records.
        target: its operator.
        where: its module and its line.
        source: the name of the node that it was made from; empty where that is not known.
    """

    number: int
    target: str
    where: tuple[Any, Any]
    source: list[str]


class Records:
    """The records of one export, from live graphs.

    Args:
        model: the user's model, whose modules have the paths.
    """

    def __init__(self, model: Any) -> None:
        self._next = 0
        self.script = ScriptRecords(model, self._new)
        self._ir_nodes: dict[int, tuple[int, Any]] = {}  # held, so that no number is used twice
        self._fx_nodes: dict[
            tuple[int, str], _FxNode
        ] = {}  # by the graph's id and the node's name
        self._fx_graphs: list[Any] = []  # held, so that no id is used twice; the latest at the end
        self._places: set[tuple[str, int]] = set()

    @property
    def places(self) -> set[tuple[str, int]]:
        """The files and lines that the nodes come from."""
        return self._places | self.script.places

    def _new(self) -> int:
        self._next += 1
        return self._next

    # dynamo

    def program(self, program: Any) -> Graph:
        """A record of an ExportedProgram; a node that a decomposition keeps has the same number."""
        record = Graph("fx")
        graph = program.graph
        earlier = [one for one in self._fx_graphs if one is not graph]
        self._fx_graphs = [*earlier, graph]
        claimed: set[int] = set()
        for node in graph.nodes:
            if node.op == "placeholder":
                record.inputs.append(node.name)
            elif node.op == "output":
                record.outputs = [str(one) for one in node.all_input_nodes]
            else:
                record.nodes.append(self._fx_node(node, earlier, claimed))
            value = node.meta.get("val")
            shape = getattr(value, "shape", None)
            if shape is not None:
                sizes = ", ".join(map(str, shape))
                record.types[node.name] = f"{getattr(value, 'dtype', '')}[{sizes}]"
        return record

    def _fx_node(self, node: Any, earlier: list[Any], claimed: set[int]) -> Node:
        stack = node.meta.get("nn_module_stack") or {}
        path, kind = list(stack.values())[-1] if stack else (None, "")
        place = users_line(node.meta.get("stack_trace") or "")
        if place is not None:
            self._places.add(place)
        key = id(node.graph), node.name
        known = self._fx_nodes.get(key)
        if known is None:
            made_from, source = self._fx_source(node, earlier, (path, place))
            is_kept = made_from is not None and made_from.target == str(node.target)
            number = made_from.number if made_from is not None and is_kept else 0
            # Of several nodes that were made from one, the first keeps its number.
            number = self._new() if number in claimed or not number else number
            known = self._fx_nodes[key] = _FxNode(number, str(node.target), (path, place), source)
        claimed.add(known.number)
        return Node(
            known.number,
            str(node.target),
            node.name,
            [one.name for one in node.all_input_nodes],
            [node.name],
            {
                str(number): finite(value)
                for number, value in enumerate(node.args)
                if isinstance(value, bool | int | float | str)
            },
            None if path is None else module_path(str(path)),
            kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}",
            *(place or ("", 0)),
            source=list(known.source),
        )

    def _fx_source(
        self, node: Any, earlier: list[Any], where: tuple[Any, Any]
    ) -> tuple[_FxNode | None, list[str]]:
        """The node of an earlier graph that a node was made from, and its name.

        A decomposition makes every node anew and numbers the names anew: `view_3` may be another
        node afterwards. torch says in `meta["from_node"]` which node of which graph it was. A
        torch that does not say it: a node of the same name, operator, module and line.
        """
        told = list(_from_nodes(node))
        for one in told:
            found = self._fx_nodes.get((getattr(one, "graph_id", 0), str(one.name)))
            if found is not None and one.graph_id != id(node.graph):
                return found, [str(one.name)]
        if not told and earlier:
            same = self._fx_nodes.get((id(earlier[-1]), node.name))
            if same is not None and (same.target, same.where) == (str(node.target), where):
                return same, [node.name]
        return None, [str(one.name) for one in told]

    def model(self, model: Any) -> str:
        """A record of an onnx_ir model, written; nodes are the same objects before and after a pass."""
        record = Graph(
            "onnx",
            [str(value.name) for value in model.graph.inputs],
            [str(value.name) for value in model.graph.outputs],
        )
        for value in model.graph.initializers.values():
            tensor = value.const_value
            record.initializers.append(
                Initializer(
                    str(value.name),
                    str(value.name),
                    [int(size) for size in value.shape or () if isinstance(size, int)],
                    str(value.dtype or ""),
                    int(getattr(tensor, "nbytes", 0) or 0),
                )
            )
        return record.dump(write_node(self._ir_node(node, record, 0)) for node in model.graph)

    def _ir_node(self, node: Any, record: Graph, depth: int) -> Node:
        told = node.metadata_props
        scopes = _listed(told.get("pkg.torch.onnx.name_scopes"))
        classes = _listed(told.get("pkg.torch.onnx.class_hierarchy"))
        place = users_line(told.get("pkg.torch.onnx.stack_trace") or "")
        made_of = _FX_NODE.match(told.get("pkg.torch.onnx.fx_node") or "")
        found = Node(
            self._ir_number(node),
            f"{node.domain}::{node.op_type}" if node.domain else str(node.op_type),
            str(node.name or ""),
            [str(value.name) if value is not None else "" for value in node.inputs],
            [str(value.name) for value in node.outputs],
            module=scopes[-2] if len(scopes) > 1 else None,
            module_class=classes[-2] if len(classes) > 1 else "",
            source=[made_of[1]] if made_of else [],
        )
        if place is not None:
            found.file, found.line = place
            self._places.add(place)
        if len(classes) > 1:
            found.attributes["fx_target"] = classes[-1]
        for value in node.outputs:
            if value.shape is not None:
                record.types[str(value.name)] = f"{value.dtype}{value.shape}"
        for attribute in node.attributes.values():
            kind = attribute.type.name
            if kind in {"INT", "FLOAT", "STRING"} or (
                kind in {"INTS", "FLOATS", "STRINGS"} and len(attribute.value) <= MAX_LIST
            ):
                value = attribute.value
                found.attributes[attribute.name] = finite(
                    list(value) if kind.endswith("S") else value
                )
            elif kind == "GRAPH" and depth < MAX_DEPTH:
                found.blocks.append(
                    [self._ir_node(inner, record, depth + 1) for inner in attribute.value]
                )
        return found

    def _ir_number(self, node: Any) -> int:
        held = self._ir_nodes.get(id(node))
        if held is None:
            held = self._ir_nodes[id(node)] = self._new(), node
        return held[0]


def _from_nodes(node: Any) -> Iterable[Any]:
    """Torch's `NodeSource`s of an fx node, the latest first."""
    stack = list(node.meta.get("from_node") or ())
    while stack:
        one = stack.pop(0)
        if getattr(one, "name", None):
            yield one
        stack += list(getattr(one, "from_node", None) or ())


def _listed(text: str | None) -> list[str]:
    """The list that a metadata property writes as Python text."""
    try:
        value = ast.literal_eval(text or "[]")
    except (ValueError, SyntaxError):
        return []
    return [str(one) for one in value] if isinstance(value, list) else []
