"""A graph as data: one model for TorchScript graphs, fx programs, onnx_ir models and files.

The recorder writes it, the reading half reads it; this module imports neither. A record holds the
structure of a graph, never a tensor's values.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT = "onnxspan.graph"
SOURCE_FORMAT = "onnxspan.source"
"""The format of a file with lines of the model's source."""
VERSION = 1
MAX_NODES = 100_000
"""A graph with more nodes is not recorded, and not read."""
MAX_DEPTH = 50
"""Graphs nested deeper inside nodes are not recorded, and not read."""
KINDS = ("torchscript", "fx", "onnx", "file")


class RecordError(ValueError):
    """A record that is not one, in one sentence."""


@dataclasses.dataclass
class Node:
    """One node.

    Attributes:
        id: the same number in every record of one export, as long as the node lives.
        op: the operator: `aten::add`, `aten.add.Tensor` or `Add`.
        name: the node's name, where the graph names nodes; else empty.
        inputs: names of the values that it reads, in order; empty for one that is left out.
        outputs: names of the values that it makes.
        attributes: numbers, texts and short lists that are part of the operator.
        module: path of the module that called it; None where unknown.
        module_class: the module's class, with its Python module.
        file: the line of the user's model; `line` its number, 0 where unknown.
        source: on a graph that was converted: ids, or names of fx nodes, that it was made from.
        blocks: the nodes of graphs inside this one.
    """

    id: int
    op: str
    name: str = ""
    inputs: list[str] = dataclasses.field(default_factory=list)
    outputs: list[str] = dataclasses.field(default_factory=list)
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    module: str | None = None
    module_class: str = ""
    file: str = ""
    line: int = 0
    source: list[Any] = dataclasses.field(default_factory=list)
    blocks: list[list[Node]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Initializer:
    """A constant of the graph.

    Attributes:
        name: in the graph.
        parameter: the name of the model's parameter or buffer; empty when it is none.
        shape: its sizes.
        dtype: its type, as the graph names it.
        bytes: its size.
    """

    name: str
    parameter: str = ""
    shape: list[int] = dataclasses.field(default_factory=list)
    dtype: str = ""
    bytes: int = 0


@dataclasses.dataclass
class Graph:
    """A graph at one moment.

    Attributes:
        kind: one of `KINDS`.
        inputs: names of the graph's inputs; `outputs` likewise.
        nodes: in the order of execution.
        types: by value's name, its type and shape as the graph writes them.
        initializers: the constants.
    """

    kind: str
    inputs: list[str] = dataclasses.field(default_factory=list)
    outputs: list[str] = dataclasses.field(default_factory=list)
    nodes: list[Node] = dataclasses.field(default_factory=list)
    types: dict[str, str] = dataclasses.field(default_factory=dict)
    initializers: list[Initializer] = dataclasses.field(default_factory=list)

    def walk(self) -> list[Node]:
        """Every node, those of inner graphs after the node that holds them."""
        found: list[Node] = []
        stack = list(reversed(self.nodes))
        while stack:
            node = stack.pop()
            found.append(node)
            for block in reversed(node.blocks):
                stack.extend(reversed(block))
        return found

    def dump(self, nodes: Iterable[str] | None = None, types: list[str] | None = None) -> str:
        """The record as one line of JSON; what is empty is left out.

        Args:
            nodes: in place of `self.nodes`, as `write_node` gives them, taken one by one: a
                recorder makes each node as it is written, so that a large graph does not leave
                thousands of objects for the garbage collector.
            types: in place of `self.types`, as `write_type` gives them; read after the nodes.
        """
        written = ",".join(map(write_node, self.nodes) if nodes is None else nodes)
        data: dict[str, Any] = {"format": FORMAT, "version": VERSION, "kind": self.kind}
        data["inputs"], data["outputs"] = self.inputs, self.outputs
        data["types"] = self.types if types is None else {}
        data["initializers"] = [_sparse(one) for one in self.initializers]
        head = _dump(data)
        if types is not None:
            head = head.replace('"types":{}', f'"types":{{{",".join(filter(None, types))}}}', 1)
        return f'{head[:-1]},"nodes":[{written}]}}'


def write_node(node: Node) -> str:
    """A node as JSON; what is empty is left out."""
    return _dump(_sparse(node))


def write_type(name: str, kind: str) -> str:
    """An entry of a record's types: the value's name and its type, as JSON."""
    return f"{_text(name)}:{_text(kind)}"


def write_origin(module: str | None, module_class: str, file: str, line: int) -> str:
    """The part of a node's JSON that says where it comes from: fields that begin with a comma."""
    origin = Node(0, "", module=module, module_class=module_class, file=file, line=line)
    fields = {key: value for key, value in _sparse(origin).items() if key not in ("id", "op")}
    return "," + _dump(fields)[1:-1] if fields else ""


def write_parts(
    identity: int,
    op: str,
    inputs: list[str],
    outputs: list[str],
    attributes: dict[str, Any],
    origin: str,
    source: Sequence[int],
    blocks: list[list[str]],
) -> str:
    """What `write_node` gives of a node with these fields, in a third of its time.

    Args:
        identity: the field `id`.
        op: the operator.
        inputs: names of the values that the node reads.
        outputs: names of the values that it makes.
        attributes: its attributes.
        origin: its module and line, as `write_origin` gives them.
        source: ids of the nodes that it was made from.
        blocks: the nodes of the graphs inside it, each written.
    """
    parts = [f'{{"id":{identity},"op":{_text(op)}']
    if inputs:
        parts.append(f',"inputs":[{",".join(map(_text, inputs))}]')
    if outputs:
        parts.append(f',"outputs":[{",".join(map(_text, outputs))}]')
    if attributes:
        parts.append(f',"attributes":{_dump(attributes)}')
    parts.append(origin)
    if source:
        parts.append(f',"source":[{",".join(map(str, source))}]')
    if blocks:
        parts.append(f',"blocks":[{",".join("[" + ",".join(block) + "]" for block in blocks)}]')
    parts.append("}")
    return "".join(parts)


_text = json.encoder.encode_basestring_ascii
_dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


def _sparse(value: Any) -> dict[str, Any]:
    found = {
        key: item
        for key, item in vars(value).items()
        if item not in ("", None, 0, [], {}) or key == "id"
    }
    if "module" in vars(value) and value.module == "":
        found["module"] = ""  # the model itself, which is not the same as unknown
    if found.get("blocks"):
        found["blocks"] = [[_sparse(node) for node in block] for block in value.blocks]
    return found


def load(text: str) -> Graph:
    """Read a record.

    Raises:
        RecordError: for what is none: the message says what is wrong with it.
    """
    data = _object(text, FORMAT, "it is no record of a graph")
    if data.get("version") != VERSION:
        raise RecordError(
            f"it is of version {data.get('version')!r}, this onnxspan reads {VERSION}"
        )
    if data.get("kind") not in KINDS:
        raise RecordError(f"its kind is {data.get('kind')!r}")
    counter = [0]
    types = data.get("types", {})
    if not isinstance(types, dict):
        raise RecordError("its types are no object")
    return Graph(
        data["kind"],
        _texts(data, "inputs"),
        _texts(data, "outputs"),
        _nodes(data.get("nodes", []), counter, 0),
        {str(key): str(value) for key, value in types.items()},
        [_initializer(one) for one in _objects(data.get("initializers", []), "initializers")],
    )


def load_source(text: str) -> dict[str, dict[str, str]]:
    """Read lines of source: by file, the text of each line by its number.

    Raises:
        RecordError: for what holds none: the message says what is wrong with it.
    """
    otherwise = "it holds no lines of source"
    files = _object(text, SOURCE_FORMAT, otherwise).get("files")
    if not isinstance(files, dict):
        raise RecordError(otherwise)
    if not all(isinstance(lines, dict) for lines in files.values()):
        raise RecordError("its lines are no object")
    return {
        str(file): {str(number): str(line) for number, line in lines.items()}
        for file, lines in files.items()
    }


def _object(text: str, wanted: str, otherwise: str) -> dict[str, Any]:
    """The JSON object of a file of the wanted format; `otherwise` says what the file is not."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is no JSON ({error})") from None
    if not isinstance(data, dict) or data.get("format") != wanted:
        raise RecordError(otherwise)
    return data


def _nodes(values: Any, counter: list[int], depth: int) -> list[Node]:
    if depth > MAX_DEPTH:
        raise RecordError(f"its graphs are nested deeper than {MAX_DEPTH}")
    found = []
    for value in _objects(values, "nodes"):
        counter[0] += 1
        if counter[0] > MAX_NODES:
            raise RecordError(f"it has more than {MAX_NODES:,} nodes")
        identity, line = value.get("id"), value.get("line", 0)
        if not isinstance(identity, int) or not isinstance(line, int):
            raise RecordError("a node has no number, or a line that is none")
        attributes, blocks = value.get("attributes", {}), value.get("blocks", [])
        if not isinstance(attributes, dict) or not isinstance(blocks, list):
            raise RecordError(f"node {identity} has attributes or blocks of another kind")
        module = value.get("module")
        found.append(
            Node(
                identity,
                str(value.get("op", "")),
                str(value.get("name", "")),
                _texts(value, "inputs"),
                _texts(value, "outputs"),
                attributes,
                None if module is None else str(module),
                str(value.get("module_class", "")),
                str(value.get("file", "")),
                line,
                [one for one in _list(value, "source") if isinstance(one, int | str)],
                [_nodes(block, counter, depth + 1) for block in blocks],
            )
        )
    return found


def _initializer(value: dict[str, Any]) -> Initializer:
    size = value.get("bytes", 0)
    shape = [one for one in _list(value, "shape") if isinstance(one, int)]
    return Initializer(
        str(value.get("name", "")),
        str(value.get("parameter", "")),
        shape,
        str(value.get("dtype", "")),
        size if isinstance(size, int) and size >= 0 else 0,
    )


def _objects(values: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise RecordError(f"its {what} are no list of objects")
    return values


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise RecordError(f"{key} is no list")
    return value


def _texts(data: dict[str, Any], key: str) -> list[str]:
    return [str(one) for one in _list(data, key)]
