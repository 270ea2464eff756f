"""The calls that can begin an export, and what a root span says of it."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.faults import goes_on
from onnxspan.recording.graphs import torchscript
from onnxspan.recording.graphs.origin import full_name
from onnxspan.recording.graphs.packed import packed
from onnxspan.recording.probe import Exporter, Probe
from onnxspan.recording.probes import inputs
from onnxspan.recording.probes.dynamo import roots
from onnxspan.recording.probes.dynamo.roots import DYNAMO_ENTRY_POINTS
from onnxspan.recording.probes.versions import note_versions

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

TORCHSCRIPT_UTILS = ("torch.onnx._internal.torchscript_exporter.utils", "torch.onnx.utils")
"""Where the TorchScript exporter lives: from torch 2.9, and before."""


def in_utils(name: str) -> tuple[str, ...]:
    """The candidate places of a function of the TorchScript exporter's `utils`."""
    return tuple(f"{module}:{name}" for module in TORCHSCRIPT_UTILS)


def _exporter(call: Call) -> Exporter:
    """Which exporter `torch.onnx.export` takes for these arguments."""
    if call.argument("dynamo", False) is True:
        return Exporter.DYNAMO
    # torch tests for these classes too, whatever `dynamo` says.
    dynamo_models = {"ExportedProgram", "ExportableModule"}
    if any(base.__name__ in dynamo_models for base in type(call.argument("model")).__mro__):
        return Exporter.DYNAMO
    return Exporter.TORCHSCRIPT


def _before_export(call: Call) -> None:
    note_versions(call)
    opset = call.argument("opset_version")
    call.note(c.OPSET, opset if isinstance(opset, int) else None)  # the exporter refuses others
    call.note(c.DYNAMIC_AXES, _dynamic_axes(call.argument("dynamic_axes")))
    if call.export.exporters[:1] == [Exporter.TORCHSCRIPT]:
        call.note(
            c.OPERATOR_EXPORT_TYPE, _enum_name(call.argument("operator_export_type"), "ONNX")
        )
        call.note(c.TRAINING, _enum_name(call.argument("training"), "EVAL"))
    _describe_model(call, call.argument("model"))
    arguments = (call.argument("args", ()), call.argument("kwargs"))
    call.attributes[c.MODEL_INPUTS], call.attributes[c.MODEL_INPUT_SHAPES] = (
        torchscript.input_shapes(arguments)
    )
    if call.export.exporters[:1] == [Exporter.DYNAMO]:
        roots.describe(call)


def _after_export(call: Call, result: Any) -> None:
    if result is not None:
        roots.describe_result(call, result)
    if call is call.export.outermost:
        inputs.note_missing(call)
    file = call.argument("f")
    if isinstance(file, str | os.PathLike):
        path = os.fspath(file)
        call.note(c.RESULT_FILE, os.path.basename(path))
        if os.path.isfile(path):
            call.note(c.RESULT_BYTES, os.path.getsize(path))
            _note_external(call, path)
    elif isinstance(file, io.BytesIO) and not file.closed:
        call.note(c.RESULT_BYTES, file.getbuffer().nbytes)


def _note_external(call: Call, path: str) -> None:
    """Bytes of external data of a file that is far smaller than the model's weights."""
    size, weights = call.attributes[c.RESULT_BYTES], call.attributes.get(c.MODEL_BYTES, 0)
    outermost = call.export.outermost.attributes
    if c.RESULT_EXTERNAL_BYTES in outermost or size > weights:
        return
    import onnx  # the export has imported it

    external = 0
    for tensor in onnx.load(path, load_external_data=False).graph.initializer:
        told = {entry.key: entry.value for entry in tensor.external_data}
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            place = os.path.join(os.path.dirname(path), told.get("location", ""))
            length = told.get("length")
            external += int(length) if length else os.path.getsize(place)
    if external:
        call.attributes[c.RESULT_EXTERNAL_BYTES] = external


def _describe_model(call: Call, model: Any) -> None:
    call.note(c.MODEL_CLASS, full_name(type(model)))
    parameters = getattr(model, "parameters", None)
    if callable(parameters):
        # One of a lazy module that has not run yet has no size.
        listed = [one for one in parameters() if not hasattr(one, "materialize")]
        try:
            listed += packed(model)
        except Exception as error:  # how many there are is not known, and 0 would be wrong
            if goes_on(error):
                raise
            return
        call.note(c.MODEL_PARAMETERS, sum(parameter.numel() for parameter in listed))
        size = torchscript.tensors_size(listed)[1]
        call.note(c.MODEL_BYTES, size)
        buffers = getattr(model, "buffers", None)
        held = [*buffers()] if callable(buffers) else []
        held = [one for one in held if not hasattr(one, "materialize")]
        if torchscript.tensors_size(held)[1] > size:
            call.note(c.MODEL_BUFFERS, sum(one.numel() for one in held))
            call.note(c.MODEL_BUFFER_BYTES, torchscript.tensors_size(held)[1])


def _dynamic_axes(axes: Any, most: int = 64) -> list[str] | None:
    if not isinstance(axes, Mapping):
        return None
    listed = []
    for name, dimensions in axes.items():
        named = dimensions if isinstance(dimensions, Mapping) else dict.fromkeys(dimensions, "")
        listed += [
            f"{name}:{axis}={label}" if label else f"{name}:{axis}"
            for axis, label in named.items()
        ]
    return listed[:most]


def _enum_name(value: Any, default: str) -> str:
    return default if value is None else getattr(value, "name", str(value))


ENTRY_POINTS = (
    Probe(
        c.EXPORT,
        ("torch.onnx:export",),
        opens=_exporter,
        before=_before_export,
        after=_after_export,
    ),
    # torch's own verification calls this one directly.
    Probe(
        c.TORCHSCRIPT_EXPORT,
        in_utils("_export"),
        opens=lambda _call: Exporter.TORCHSCRIPT,
        before=lambda call: _before_export(call) if call.parent is None else None,
        after=lambda call, result: _after_export(call, result) if call.parent is None else None,
    ),
    *DYNAMO_ENTRY_POINTS,
)
