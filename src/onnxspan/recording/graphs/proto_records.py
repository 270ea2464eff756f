"""Makes records and texts of `onnx.ModelProto`: of the exported file, and of a pack's steps.

Only reads. External data is neither loaded nor read; no record and no text has a weight's values.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from typing import TYPE_CHECKING, Any

from onnxspan.graph_record import MAX_DEPTH, Graph, Initializer, Node
from onnxspan.recording.graphs.script_records import MAX_LIST, finite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TENSOR, _GRAPH = 4, 5
_STRING = 8
"""TensorProto.STRING."""
_SINGLE = {1: "f", 2: "i", 3: "s"}
_LISTS = {6: "floats", 7: "ints", 8: "strings"}
"""By number of an `onnx.AttributeProto.AttributeType`, the field with the value."""
_WHOLE = ("INT", "UINT", "BOOL")


class Numbers:
    """The numbers of nodes: the same operator that makes the same value is the same node.

    A tool reads a file and writes another, so nothing else tells which node is which.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], int] = {}
        self._next = itertools.count()

    def of(self, operator: str, outputs: list[str], around: tuple[Any, ...]) -> int:
        """The number of a node; a node without an output gets a new one each time.

        Args:
            operator: the node's operator.
            outputs: names of the values that it makes.
            around: the nodes that hold it, and in which block: two blocks may use one name.
        """
        first = next(filter(None, outputs), "")
        if not first:
            return next(self._next)
        key = (*around, operator, first)
        if key not in self._known:
            self._known[key] = next(self._next)
        return self._known[key]


def record(proto: Any, kind: str, numbers: Numbers, parameters: Iterable[str] = ()) -> Graph:
    """A record of a model.

    Args:
        proto: an `onnx.ModelProto`.
        kind: the record's kind.
        numbers: of the nodes; the same object for the model before and after a step.
        parameters: names of the model's parameters and buffers.
    """
    known = set(parameters)
    graph = proto.graph
    made = Graph(kind, [one.name for one in graph.input], [one.name for one in graph.output])
    made.types = types(graph)
    made.initializers = [
        Initializer(
            tensor.name,
            tensor.name if tensor.name in known else "",
            list(tensor.dims),
            type_name(tensor.data_type),
            size_of(tensor),
        )
        for tensor in graph.initializer
    ]
    made.nodes = [_node(node, numbers, ()) for node in graph.node]
    return made


def types(graph: Any) -> dict[str, str]:
    """By value's name, its type and shape, of an `onnx.GraphProto`: `FLOAT[batch, 3]`."""
    values = (*graph.input, *graph.value_info, *graph.output)
    return {one.name: told for one in values if (told := _type(one.type))}


def _type(told: Any) -> str:
    kind = told.WhichOneof("value")
    if kind not in ("tensor_type", "sparse_tensor_type"):
        return kind or ""
    tensor = getattr(told, kind)
    name = type_name(tensor.elem_type)
    if not tensor.HasField("shape"):
        return name
    sizes = (getattr(one, one.WhichOneof("value") or "", "?") for one in tensor.shape.dim)
    return f"{name}[{', '.join(map(str, sizes))}]"


def type_name(number: int) -> str:
    """The name of a `TensorProto.DataType`; its number where this onnx does not know it."""
    import onnx

    try:
        return str(onnx.TensorProto.DataType.Name(number))
    except ValueError:
        return str(number)


def size_of(tensor: Any) -> int:
    """The bytes of an `onnx.TensorProto`, those of external data included."""
    import onnx

    if tensor.raw_data:
        return len(tensor.raw_data)
    told = {entry.key: entry.value for entry in tensor.external_data}
    if told.get("length", "").isdigit():
        return int(told["length"])
    try:
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    except KeyError:
        return 0
    return int(math.prod(tensor.dims) * kind.itemsize)


def _operator(node: Any) -> str:
    return f"{node.domain}::{node.op_type}" if node.domain else str(node.op_type)


def _node(node: Any, numbers: Numbers, around: tuple[Any, ...]) -> Node:
    operator, outputs = _operator(node), list(node.output)
    number = numbers.of(operator, outputs, around)
    found = Node(number, operator, node.name, list(node.input), outputs)
    for one in node.attribute:
        if one.type == _GRAPH:
            if len(around) < MAX_DEPTH:
                inside = (*around, (number, one.name))
                found.blocks.append([_node(inner, numbers, inside) for inner in one.g.node])
        elif (value := _value(one)) is not None:
            found.attributes[one.name] = value
    return found


def _value(one: Any) -> Any:
    """What a record keeps of an attribute; None of what is no part of the structure."""
    if one.ref_attr_name:
        return f"@{one.ref_attr_name}"
    if one.type == _TENSOR:
        return tensor_text(one.t, tells_whole=True)
    if one.type in _SINGLE:
        return _plain(getattr(one, _SINGLE[one.type]))
    if one.type in _LISTS and len(getattr(one, _LISTS[one.type])) <= MAX_LIST:
        return [_plain(part) for part in getattr(one, _LISTS[one.type])]
    return None


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else finite(value)


def tensor_text(tensor: Any, *, tells_whole: bool = False) -> str:
    """A tensor's type and sizes, and the beginning of the SHA-256 of its values, in one line.

    Args:
        tensor: an `onnx.TensorProto`.
        tells_whole: write a few whole numbers as they are: those of an attribute are structure (an
            axis, a shape), those of an initializer may be weights.
    """
    name = type_name(tensor.data_type)
    head = f"{name}[{', '.join(map(str, tensor.dims))}]"
    if tensor.external_data:
        told = " ".join(f"{entry.key}={entry.value}" for entry in tensor.external_data)
        return f"{head} external {told}"
    if tensor.data_type == _STRING:  # an array of them holds pointers
        data = b"".join(len(one).to_bytes(8, "little") + one for one in tensor.string_data)
        return f"{head} values {hashlib.sha256(data).hexdigest()[:8]}"
    import onnx

    if tells_whole and name.startswith(_WHOLE) and math.prod(tensor.dims) <= MAX_LIST:
        return f"{head} {onnx.numpy_helper.to_array(tensor).tolist()}"
    # One tool writes the same values as bytes, another as numbers.
    data = tensor.raw_data or onnx.numpy_helper.to_array(tensor).tobytes()
    return f"{head} values {hashlib.sha256(data).hexdigest()[:8]}"


def text(proto: Any) -> str:
    """A model as text, without the values of its weights, in the manner of the other graphs."""
    return "\n".join(_lines(proto)) + "\n"


def _lines(proto: Any) -> Iterator[str]:
    for one in proto.opset_import:
        yield f"opset {one.domain or 'ai.onnx'} {one.version}"
    yield from _graph_lines(proto.graph, "")
    for function in proto.functions:
        yield f"function {function.domain}::{function.name}({_listed(function.input)})"
        for node in function.node:
            yield from _node_lines(node, "  ")
        yield f"  return ({_listed(function.output)})"


def _graph_lines(graph: Any, indent: str) -> Iterator[str]:
    known = types(graph)
    inputs = ", ".join(f'%"{one.name}" {known.get(one.name, "")}'.rstrip() for one in graph.input)
    yield f"{indent}graph({inputs})"
    for tensor in graph.initializer:
        yield f'{indent}  %"{tensor.name}" = initializer {tensor_text(tensor)}'
    for node in graph.node:
        yield from _node_lines(node, f"{indent}  ")
    outputs = ", ".join(
        f'%"{one.name}" {known.get(one.name, "")}'.rstrip() for one in graph.output
    )
    yield f"{indent}  return ({outputs})"
    # Apart from the nodes: shape inference alone changes no node.
    shown = {one.name for one in (*graph.input, *graph.output)}
    for name in (name for node in graph.node for name in node.output if name not in shown):
        if name in known:
            yield f'{indent}  type %"{name}" {known[name]}'


def _node_lines(node: Any, indent: str) -> Iterator[str]:
    attributes = ", ".join(
        f"{one.name}={_attribute_text(one)}"
        for one in sorted(node.attribute, key=lambda one: str(one.name))
        if one.type != _GRAPH
    )
    told = f" {{{attributes}}}" if attributes else ""
    yield f"{indent}{_listed(node.output)} = {_operator(node)}({_listed(node.input)}){told}"
    for one in node.attribute:
        for inner in [one.g] if one.type == _GRAPH else one.graphs:
            yield f"{indent}  block {one.name}"
            yield from _graph_lines(inner, f"{indent}  ")


def _attribute_text(one: Any) -> str:
    value = _value(one)
    if value is not None:
        return value if one.type == _TENSOR else json.dumps(value, ensure_ascii=True)
    digest = hashlib.sha256(one.SerializeToString(deterministic=True)).hexdigest()[:8]
    return f"... values {digest}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'%"{name}"' if name else "-" for name in names)
