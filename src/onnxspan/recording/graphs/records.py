"""Makes records of the live graphs of one export; a node keeps its number while it lives."""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING, Any

from onnxspan.graph_record import MAX_DEPTH, Graph, Initializer, Node
from onnxspan.recording.graphs.origin import names_of_modules, path_of_scope
from onnxspan.recording.probes.dynamo.nodes import module_path, users_line
from onnxspan.recording.probes.torchscript.nodes import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_NODE, _NEW_NODES = 2, 6
MAX_LIST = 16
"""Items of a list that is kept as an attribute: an axis list is structure, a table is not."""
_FX_NODE = re.compile(r"^%(\S+) ")


class Records:
    """The records of one export, from live graphs.

    Args:
        model: the user's model, whose modules have the paths.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._next = 0
        self._by_value: dict[Any, int] = {}  # TorchScript: a node by its first output's number
        self._ids: list[int] = []  # the nodes of the last record, in order, and their kinds
        self._kinds: list[str] = []
        self._made_of: dict[Any, list[int]] = {}  # a converted node's first output: its sources
        self._converting: dict[Any, int] | None = None
        self._names: list[str] | None = None
        self._places: dict[str, tuple[str, int] | None] = {}
        self._paths: dict[str, str | None] = {}
        self._ir_nodes: dict[int, tuple[int, Any]] = {}  # held, so that no number is used twice
        self._fx_nodes: dict[tuple[str, str], int] = {}
        self._described: dict[int, tuple[str | None, str, str, int]] = {}

    # TorchScript

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

    def torchscript(self, graph: Any, *, is_new: bool) -> str:
        """A record of a TorchScript graph, written.

        Args:
            graph: a `torch._C.Graph`.
            is_new: the pass returned another graph than it was given.
        """
        if self._converting is not None:
            self._converting = None
            self._by_value = {}
        elif is_new:
            flat = list(_every(graph))
            self._renumber(flat, [node.kind() for node in flat])
        record = Graph(
            "torchscript",
            [value.debugName() for value in graph.inputs()],
            [value.debugName() for value in graph.outputs()],
        )
        for value in graph.inputs():
            record.types[value.debugName()] = str(value.type())
        self._ids, self._kinds = [], []
        written = record.dump(
            self._script_node(node, record, 0, at) for at, node in enumerate(graph.nodes())
        )
        self._made_of = {}
        return written

    def _renumber(self, flat: list[Any], kinds: list[str]) -> None:
        """A copy of the graph: the order of the nodes tells which is which."""
        self._by_value = {}
        if kinds != self._kinds:
            return
        self._by_value = {
            _key(node, at): number
            for at, (node, number) in enumerate(zip(flat, self._ids, strict=True))
        }

    def _script_node(self, node: Any, record: Graph, depth: int, at: int) -> Node:
        outputs = [value.debugName() for value in node.outputs()]
        key = _key(node, at)
        number = self._by_value.get(key)
        is_known = number is not None
        if number is None:
            number = self._by_value[key] = self._new()
        kind = node.kind()
        self._ids.append(number)
        self._kinds.append(kind)
        found = Node(
            number,
            kind,
            inputs=[value.debugName() for value in node.inputs()],
            outputs=outputs,
            source=list(self._made_of.get(key, ())),
        )
        for value in node.outputs():
            record.types[value.debugName()] = str(value.type())
        found.attributes = _script_attributes(node)
        if not is_known:
            self._described[number] = self._describe_script(node, kind)
        found.module, found.module_class, found.file, found.line = self._described[number]
        if depth < MAX_DEPTH:
            found.blocks = [
                [
                    self._script_node(one, record, depth + 1, number)
                    for number, one in enumerate(block.nodes())
                ]
                for block in node.blocks()
            ]
        return found

    def _describe_script(self, node: Any, kind: str) -> tuple[str | None, str, str, int]:
        scope = node.scopeName()
        innermost = scope.rpartition("/")[2]
        class_name, _, end = innermost.rpartition("::")
        if scope not in self._paths:
            if self._names is None:
                self._names = names_of_modules(self._model)
            self._paths[scope] = (path_of_scope(scope, self._names) or end) if scope else None
        place: tuple[str, int] | None = None
        if kind != "prim::Constant" and not kind.startswith("onnx::"):
            text = node.sourceRange()
            if text not in self._places:
                self._places[text] = source_of(text)
            place = self._places[text]
        return (self._paths[scope], class_name, *(place or ("", 0)))

    def _new(self) -> int:
        self._next += 1
        return self._next

    # dynamo

    def program(self, program: Any) -> Graph:
        """A record of an ExportedProgram; its nodes are known by name."""
        record = Graph("fx")
        for node in program.graph.nodes:
            if node.op == "placeholder":
                record.inputs.append(node.name)
            elif node.op == "output":
                record.outputs = [str(one) for one in node.all_input_nodes]
            else:
                record.nodes.append(self._fx_node(node))
            value = node.meta.get("val")
            shape = getattr(value, "shape", None)
            if shape is not None:
                sizes = ", ".join(map(str, shape))
                record.types[node.name] = f"{getattr(value, 'dtype', '')}[{sizes}]"
        return record

    def _fx_node(self, node: Any) -> Node:
        stack = node.meta.get("nn_module_stack") or {}
        path, kind = list(stack.values())[-1] if stack else (None, "")
        place = users_line(node.meta.get("stack_trace") or "")
        # A decomposition makes every node anew: one of the same name and target is the same.
        key = node.name, str(node.target)
        number = self._fx_nodes.get(key)
        if number is None:
            number = self._fx_nodes[key] = self._new()
        return Node(
            number,
            str(node.target),
            node.name,
            [one.name for one in node.all_input_nodes],
            [node.name],
            {
                str(number): _finite(value)
                for number, value in enumerate(node.args)
                if isinstance(value, bool | int | float | str)
            },
            None if path is None else module_path(str(path)),
            kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}",
            *(place or ("", 0)),
            source=list(_from_nodes(node)),
        )

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
        return record.dump(self._ir_node(node, record, 0) for node in model.graph)

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
                found.attributes[attribute.name] = _finite(
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

    # the file

    def file(self, proto: Any, parameters: Iterable[str]) -> Graph:
        """A record of the file as written, from an `onnx.ModelProto` without external data."""
        import onnx

        known = set(parameters)
        record = Graph(
            "file",
            [one.name for one in proto.graph.input],
            [one.name for one in proto.graph.output],
        )
        for tensor in proto.graph.initializer:
            size = 1
            for length in tensor.dims:
                size *= length
            kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            record.initializers.append(
                Initializer(
                    tensor.name,
                    tensor.name if tensor.name in known else "",
                    list(tensor.dims),
                    onnx.TensorProto.DataType.Name(tensor.data_type),
                    size * int(kind.itemsize),
                )
            )
        record.nodes = [
            _proto_node(node, number, 0) for number, node in enumerate(proto.graph.node)
        ]
        return record


def _from_nodes(node: Any) -> Iterable[str]:
    """Names of the nodes that an fx node was made from, the latest first."""
    stack = list(node.meta.get("from_node") or ())
    while stack:
        one = stack.pop(0)
        if getattr(one, "name", None):
            yield str(one.name)
        stack += list(getattr(one, "from_node", None) or ())


def _proto_node(node: Any, number: int, depth: int) -> Node:
    found = Node(
        number,
        f"{node.domain}::{node.op_type}" if node.domain else node.op_type,
        node.name,
        list(node.input),
        list(node.output),
    )
    for attribute in node.attribute:
        if attribute.HasField("g") and depth < MAX_DEPTH:
            found.blocks.append(
                [_proto_node(one, at, depth + 1) for at, one in enumerate(attribute.g.node)]
            )
    return found


def _every(graph: Any) -> Iterable[Any]:
    for node in graph.nodes():
        yield node
        for block in node.blocks():
            yield from _every(block)


def _key(node: Any, at: int) -> Any:
    """What a node is known by in its graph: the number of its first output, which never changes.

    A node without outputs is known by its operator and place; a pass that moves it makes it new.
    """
    for value in node.outputs():
        return value.unique()
    return f"{node.kind()} without output {at}"


def _script_attributes(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in node.attributeNames():
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
    return {key: _finite(value) for key, value in found.items()}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become text."""
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _listed(text: str | None) -> list[str]:
    """The list that a metadata property writes as Python text."""
    try:
        value = ast.literal_eval(text or "[]")
    except (ValueError, SyntaxError):
        return []
    return [str(one) for one in value] if isinstance(value, list) else []
