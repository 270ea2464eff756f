"""What a step of the pipeline made of a model: nodes, operators, initializers, bytes."""

from __future__ import annotations

import collections
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnxspan.recording.call import Call

MAX_FILE = 512 * 2**20
"""The largest file that is parsed, in bytes; of a larger one only the size is noted."""
MAX_OPERATORS = 32
_CARRIERS = {"OnnxModel", "PassResult"}
"""Classes of onnxruntime's optimiser and of onnx_ir whose `model` is what they made."""
_ENDINGS = (".onnx", ".ort")


@dataclasses.dataclass(frozen=True)
class Size:
    """The size of one model; `nodes` is -1 where it was not parsed."""

    nodes: int
    operators: collections.Counter[str]
    initializers: int
    bytes: int


def before(call: Call) -> None:
    """Measure the model that the function is handed."""
    # What is handed is one model, or the file to read and the file to write.
    call.scratch = next((size for size in map(_size, given(call)) if size is not None), None)


def given(call: Call) -> list[Any]:
    """The models, and the paths of models, that a call is handed: the one to read is the first."""
    return _models((*call.args, *call.kwargs.values()))


def made(call: Call, result: Any) -> list[Any]:
    """The models, and the paths of models, that a call may have made, the likeliest first."""
    # The last of the files that were named is the one that was written.
    handed = list(reversed(given(call)))
    if is_opaque(result):
        handed = [one for one in handed if not is_path(one)]
    return [*_returned(result), *handed]


def is_opaque(result: Any) -> bool:
    """Whether a call returned an object that is no ONNX model, as OpenVINO's conversion does.

    Then a file that it was handed is not what it made; a model in memory may be changed in place.
    """
    is_plain = result is None or isinstance(result, bool | int | float | str | os.PathLike)
    return not is_plain and not _returned(result)


def _returned(result: Any) -> list[Any]:
    values = result if isinstance(result, tuple) else (result,)
    return _models(map(_unwrapped, values))


def _unwrapped(value: Any) -> Any:
    """The model that onnxruntime's optimiser or a pass of onnx_ir returns in an object of its own."""
    is_carrier = any(base.__name__ in _CARRIERS for base in type(value).__mro__)
    return getattr(value, "model", value) if is_carrier else value


def after(call: Call, result: Any) -> None:
    """Measure the model that it returned, wrote, or changed in place, and say what changed."""
    note(call, made(call, result) or given(call))


def note(call: Call, models: list[Any]) -> None:
    """Write on the span the size of the first of these that is there, and what changed."""
    found = next((size for size in map(_size, models) if size is not None), None)
    if found is None:
        return
    was: Size | None = call.scratch
    call.attributes[c.GRAPH_KIND] = "onnx"
    call.attributes[c.PACK_BYTES] = found.bytes
    if found.nodes >= 0:
        call.attributes[c.NODES] = found.nodes
        call.attributes[c.PARAMETERS] = found.initializers
    if was is None or found.nodes < 0 or was.nodes < 0:
        return
    call.attributes[c.NODES_CHANGE] = found.nodes - was.nodes
    call.attributes[c.PACK_BYTES_CHANGE] = found.bytes - was.bytes
    change = {
        name: found.operators[name] - was.operators[name]
        for name in {*found.operators, *was.operators}
        if found.operators[name] != was.operators[name]
    }
    if change:
        ordered = sorted(change, key=lambda name: (-abs(change[name]), name))
        call.attributes[c.PACK_OPERATORS] = [
            f"{name}={change[name]:+d}" for name in ordered[:MAX_OPERATORS]
        ]


def _models(values: Iterable[Any]) -> list[Any]:
    """The models, and the paths of models, among values."""
    return [value for value in values if is_proto(value) or _is_ir(value) or is_path(value)]


def is_proto(value: Any) -> bool:
    """Whether a value is an `onnx.ModelProto`."""
    return type(value).__name__ == "ModelProto" and hasattr(value, "ByteSize")


def _is_ir(value: Any) -> bool:
    return type(value).__module__.startswith("onnx_ir") and type(value).__name__ == "Model"


def is_path(value: Any) -> bool:
    """Whether a value is the path of a model, which need not be there."""
    return isinstance(value, str | os.PathLike) and str(value).endswith(_ENDINGS)


def _size(model: Any) -> Size | None:
    if is_path(model):
        return _size_of_file(os.fspath(model))
    if _is_ir(model):
        kinds = collections.Counter(node.op_type for node in model.graph.all_nodes())
        constants = [value.const_value for value in model.graph.initializers.values()]
        size = sum(tensor.nbytes for tensor in constants if tensor is not None)
        return Size(kinds.total(), kinds, len(constants), size)
    return _size_of_proto(model, model.ByteSize())


def _size_of_file(path: str) -> Size | None:
    try:
        size = os.path.getsize(path)
    except OSError:  # it is still to be written
        return None
    # A script that runs a session alone does without onnx, which takes long to import.
    model = read(path) if "onnx" in sys.modules else None
    if model is None:
        return Size(-1, collections.Counter(), 0, size)
    external = 0
    for tensor in model.graph.initializer:
        told = {entry.key: entry.value for entry in tensor.external_data}
        length = told.get("length", "")
        external += int(length) if length.isdigit() else 0
    return _size_of_proto(model, size + external)


def read(path: str | os.PathLike[str]) -> Any:
    """The `onnx.ModelProto` of a file, external data left where it is.

    None where there is no such file, where it is larger than `MAX_FILE`, or without onnx.
    """
    name = os.fspath(path)
    if not name.endswith(".onnx") or not os.path.isfile(name) or os.path.getsize(name) > MAX_FILE:
        return None
    try:
        import onnx  # only who asked for a graph, or imported it, gets here
    except ImportError:
        return None
    model = onnx.ModelProto()  # `onnx.load` is a step of the script
    model.ParseFromString(Path(name).read_bytes())
    return model


def _size_of_proto(model: Any, size: int) -> Size:
    kinds: collections.Counter[str] = collections.Counter()
    graphs = [model.graph.node, *(function.node for function in model.functions)]
    while graphs:
        for node in graphs.pop():
            kinds[node.op_type] += 1
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    graphs.append(attribute.g.node)
                graphs += [graph.node for graph in attribute.graphs]
    return Size(kinds.total(), kinds, len(model.graph.initializer), size)
