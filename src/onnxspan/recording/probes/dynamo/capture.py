"""What the spans of capturing and decomposing a program say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording import spans
from onnxspan.recording.graphs import dynamo
from onnxspan.recording.patching import without_wrapper_frames
from onnxspan.recording.probes.dynamo.shapes import named_dimensions, required_sizes
from onnxspan.recording.probes.dynamo.sizes import ask_dynamic, note_fx, note_program

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

_FAILURES = "dynamo.capture.failures"


def before_core_export(call: Call) -> None:
    """The opset that torch decided on, and the program when one was given."""
    root = call.export.outermost
    opset = call.argument("opset_version")
    registry = call.argument("registry")
    root.note(c.OPSET, opset if opset is not None else getattr(registry, "opset_version", None))
    model = call.argument("model")
    if _is_program(model):
        note_program(call, model)
        _note_captured(call, "ExportedProgram", model)


def strategy_name(call: Call) -> str:
    """A strategy's span bears its class's name."""
    return type(call.args[0]).__name__


def before_strategy(call: Call) -> None:
    """The dimensions that the capture is asked to keep symbolic."""
    ask_dynamic(call, named_dimensions(call.argument("dynamic_shapes")))


def after_strategy(call: Call, result: Any) -> None:
    """A strategy swallows its exception: put it on its span, and its reason on the root."""
    program, error = result.exported_program, result.exception
    if program is not None:
        _note_captured(call, type(call.args[0]).__name__, program)
        if error is not None:
            call.note(c.CAPTURE_WARNING, spans.short(str(error)))
        return
    if error is None:
        return
    without_wrapper_frames(error)  # torch prints it into its report
    spans.record_failure(call, error, call.export.session.clock())
    failures = call.export.notes.setdefault(_FAILURES, [])
    reason = spans.short(f"{type(error).__name__}: {str(error).strip()}")
    failures.append(f"{type(call.args[0]).__name__}: {reason}")
    for holder in (call.parent, call.export.outermost):
        if holder is not None:
            holder.attributes[c.CAPTURE_FAILURES] = list(failures)


def before_constraints(call: Call) -> None:
    """What the model requires of dynamic dimensions, before torch compares it with the request."""
    fake_mode = call.argument("fake_mode")
    required = required_sizes(getattr(fake_mode, "shape_env", None))
    if required:
        call.attributes[c.DYNAMIC_REQUIRED] = required[:_MAX_REQUIRED]
        call.export.outermost.attributes[c.DYNAMIC_REQUIRED] = required[:_MAX_REQUIRED]


_MAX_REQUIRED = 16


def _note_captured(call: Call, strategy: str, program: Any) -> None:
    call.attributes[c.CAPTURE_STRATEGY] = strategy
    for holder in (call.parent, call.export.outermost):
        if holder is not None:
            holder.attributes[c.CAPTURE_STRATEGY] = strategy
    operators = dynamo.fx_operators(program.graph_module)
    call.export.outermost.attributes[c.CAPTURED_OPERATORS] = operators


def after_program(call: Call, result: Any) -> None:
    """The size of the program that a stage returned."""
    if _is_program(result):
        note_program(call, result)


def after_prepare(call: Call, result: Any) -> None:
    """The size and the operators of the program that will be translated."""
    after_program(call, result)
    operators = dynamo.fx_operators(result.graph_module)
    call.export.outermost.attributes[c.DECOMPOSED_OPERATORS] = operators


def after_artifact(call: Call, result: Any) -> None:
    """The size of the graph in an export artifact (`.aten` is one inside another)."""
    inner = getattr(result, "aten", result)
    graph_module = getattr(inner, "gm", None)
    if hasattr(graph_module, "graph"):
        note_fx(call, graph_module)


def after_graph_module(call: Call, result: Any) -> None:
    """The size of a GraphModule that a stage returned, alone or as the first of several."""
    first = result[0] if isinstance(result, tuple) and result else result
    if hasattr(first, "graph") and hasattr(first, "modules"):
        note_fx(call, first)


def after_changed_module(call: Call, _result: Any) -> None:
    """The size of the GraphModule that a stage changed in place."""
    if call.args and hasattr(call.args[0], "graph"):
        note_fx(call, call.args[0])


def after_from_torchlib(call: Call, result: Any) -> None:
    """How many operators have a translation."""
    call.attributes[c.REGISTRY_OPERATORS] = len(result.functions)


def after_decomposition_table(call: Call, result: Any) -> None:
    """How many operators have a decomposition."""
    call.attributes[c.DECOMPOSITIONS] = len(result)


def _is_program(value: Any) -> bool:
    return hasattr(value, "graph_signature") and hasattr(value, "graph_module")
