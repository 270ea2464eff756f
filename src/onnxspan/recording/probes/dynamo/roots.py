"""What a root span says of the dynamo exporter, and the calls that follow an export.

`torch.onnx.export(model, args)` without a file gives an ONNXProgram; saving, optimizing or
verifying it later is work of the exporter too, and then opens a trace of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.call import guarded
from onnxspan.recording.graphs import constants, dynamo, torchscript
from onnxspan.recording.probe import Exporter, Probe
from onnxspan.recording.probes import inputs
from onnxspan.recording.probes.dynamo import stages
from onnxspan.recording.probes.dynamo.shapes import named_dimensions
from onnxspan.recording.probes.versions import note_versions

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

_OPTIONS = {
    "external_data": True, "report": False, "optimize": True, "verify": False, "profile": False,
    "dump_exported_program": False, "export_params": True, "keep_initializers_as_inputs": False,
}  # fmt: skip
"""The options that change what an export does, with their defaults."""

_MAX_LISTED = 64
_EXPORTER = "torch.onnx._internal.exporter."


def describe(call: Call) -> None:
    """What was asked of the exporter."""
    options = [
        f"{name}={value}"
        for name, default in _OPTIONS.items()
        if (value := call.argument(name, default)) != default
    ]
    call.note(c.OPTIONS, options or None)
    asked = call.argument("dynamic_shapes")
    if asked is not None:
        call.attributes[c.DYNAMIC_SHAPES] = named_dimensions(asked)[:_MAX_LISTED]
    table = call.argument("custom_translation_table")
    if table:
        call.attributes[c.CUSTOM_TRANSLATIONS] = [dynamo.target_name(op) for op in table]
    inputs = getattr(call.argument("model"), "example_inputs", None)
    if inputs is not None and hasattr(call.argument("model"), "graph_signature"):
        shapes = torchscript.input_shapes(inputs)
        call.attributes[c.MODEL_INPUTS], call.attributes[c.MODEL_INPUT_SHAPES] = shapes


def describe_result(call: Call, program: Any) -> None:
    """The exported model, as it was saved or given back."""
    model: Any = getattr(program, "model", None)
    if not hasattr(model, "graph"):
        return
    call.attributes[c.RESULT_NODES] = dynamo.ir_nodes(model)
    call.attributes[c.RESULT_INITIALIZERS] = len(model.graph.initializers)
    call.attributes[c.RESULT_OPERATORS] = dynamo.ir_operators(model)
    inputs.note_inputs(call.attributes, [value.name for value in model.graph.inputs])
    call.note(c.RESULT_OPSET, model.opset_imports.get(""))
    guarded(call, "constants", _note_constants, call, model)


def _note_constants(call: Call, model: Any) -> None:
    values = {
        name: value.const_value
        for name, value in model.graph.initializers.items()
        if value.const_value is not None
    }
    in_nodes = {
        node.outputs[0].name: node.attributes["value"].value
        for node in model.graph
        if node.op_type == "Constant" and "value" in node.attributes
    }
    values |= constants.large(in_nodes)
    constants.note_constants(
        call.attributes, values, call.argument("model"), lambda one: one.numpy()
    )


def _before_program(call: Call) -> None:
    if call.parent is None:
        note_versions(call)
    stages.before_model(call)


def _after_program(call: Call, result: Any) -> None:
    if call.probe.name == "ONNXProgram.save":
        stages.after_save(call, result)
    elif call.probe.name == "ONNXProgram.optimize":
        stages.after_model(call, result)
    else:
        stages.after_verify(call, result)
    if call.parent is None and call.args:
        describe_result(call, call.args[0])


def _entry_point(name: str, where: str, module: str = "") -> Probe:
    return Probe(
        name,
        (f"{module or _EXPORTER + where}:{name}",),
        opens=lambda _call: Exporter.DYNAMO,
        before=_before_program,
        after=_after_program,
        when_loaded=_EXPORTER + where,
    )


DYNAMO_ENTRY_POINTS = (
    _entry_point("ONNXProgram.save", "_onnx_program"),
    _entry_point("ONNXProgram.optimize", "_onnx_program"),
    # The exporter calls the first, its user the second: a copy of the name, which must not be made
    # while the first is wrapped. So both are wrapped together.
    _entry_point("verify_onnx_program", "_verification"),
    _entry_point("verify_onnx_program", "_verification", "torch.onnx.verification"),
)
