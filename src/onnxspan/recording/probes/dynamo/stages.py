"""What the spans of translating, converting, saving and verifying say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.graphs import dynamo
from onnxspan.recording.patching import source
from onnxspan.recording.probes.dynamo.sizes import (
    count_nodes,
    note_change,
    note_dynamic_change,
    note_model,
)

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

_EXTERNAL = "dynamo.external_data"
_sources: dict[type, dict[str, Any]] = {}


def after_translate_graph(call: Call, _result: Any) -> None:
    """Nodes of the one graph (main graph or branch) that was translated."""
    graph = call.kwargs.get("graph_like")
    if graph is not None:
        call.attributes[c.GRAPH_KIND] = "onnx"
        call.attributes[c.NODES] = len(graph)


def after_translate(call: Call, result: Any) -> None:
    """Size and operators of the translated model."""
    note_model(call, result.model)
    operators = dynamo.ir_operators(result.model)
    call.export.outermost.attributes[c.TRANSLATED_OPERATORS] = operators


def before_model(call: Call) -> None:
    """Count the nodes of the model that a stage is given."""
    model = _model(call)
    if model is not None:
        call.scratch = count_nodes(call, model)


def after_model(call: Call, result: Any) -> None:
    """Size of the model that a stage returned or changed."""
    model = getattr(result, "model", result)
    model = model if hasattr(model, "graph") else _model(call)
    if model is not None:
        note_model(call, model)
        if isinstance(call.scratch, int):
            call.attributes[c.NODES_CHANGE] = call.attributes[c.NODES] - call.scratch


def before_convert_version(call: Call) -> None:
    """The opset before, and the one asked for."""
    before_model(call)
    model = _model(call)
    if model is not None:
        call.note(c.VERSION_FROM, _opset(model))
    call.note(c.VERSION_ASKED, call.argument("target_version"))


def after_convert_version(call: Call, result: Any) -> None:
    """Size and opset of the model, which keeps its opset when the conversion fails."""
    after_model(call, result)
    model = result if hasattr(result, "graph") else _model(call)
    call.note(c.VERSION_RESULT, _opset(model))


def pass_name(call: Call) -> str:
    """A pass's span bears its class's name, and its source lines."""
    kind = type(call.args[0])
    known = _sources.get(kind)
    if known is None:
        known = {c.FUNCTION: f"{kind.__module__}.{kind.__qualname__}.call"} | source(kind.call)
        _sources[kind] = known
    call.attributes.update(known)
    return kind.__name__


def before_pass(call: Call) -> None:
    """Count nodes and initializers before a pass; it costs nothing."""
    model = getattr(call.args[1], "model", call.args[1])
    if call.parent is not None:  # what the pass around this one did before it began
        note_dynamic_change(call.parent, model)
    call.scratch = count_nodes(call, model), len(model.graph.initializers)


def after_pass(call: Call, result: Any) -> None:
    """What the pass says it did, and what is seen of it in the model."""
    note_change(call, result.model, call.scratch)
    call.attributes[c.PASS_MODIFIED] = bool(result.modified)


def after_rewrite(call: Call, result: Any) -> None:
    """How many rules were applied, for this span and the `RewritePass` around it.

    At level `nodes` which ones, and how often: `nodes.note_rule` has counted them.
    """
    call.attributes[c.PASS_CHANGES] = result
    if call.scratch:
        call.attributes[c.PASS_RULES] = [f"{name}={n}" for name, n in call.scratch.items()]
    if call.parent is not None and call.parent.name == "RewritePass":
        call.parent.attributes[c.PASS_CHANGES] = result


def after_fuse(call: Call, result: Any) -> None:
    """How often each fusion was applied."""
    after_model(call, None)
    if isinstance(result, dict):
        call.attributes[c.PASS_CHANGES] = sum(result.values())
        call.attributes[c.PASS_RULES] = [f"{name}={n}" for name, n in result.items() if n]


def before_external(call: Call) -> None:
    """The weights go to a file of their own beside the model."""
    destination = call.args[1]
    if isinstance(destination, str | os.PathLike):  # up to 2.8 torch refuses others in here
        call.export.notes[_EXTERNAL] = f"{os.fspath(destination)}.data"


def after_save(call: Call, _result: Any) -> None:
    """Bytes on disk: the model's file and the file of its weights."""
    destination = call.argument("destination")
    if not isinstance(destination, str | os.PathLike):
        return
    path = Path(destination)
    external = call.export.notes.pop(_EXTERNAL, None)
    for attributes in (call.attributes, call.export.outermost.attributes):
        attributes[c.RESULT_FILE] = path.name
        attributes[c.RESULT_BYTES] = path.stat().st_size
        if external is not None and Path(external).exists():
            attributes[c.RESULT_EXTERNAL_BYTES] = Path(external).stat().st_size


def after_serialize(call: Call, result: Any) -> None:
    """Nodes of the model that became a protocol buffer."""
    if hasattr(result, "graph"):
        call.attributes[c.GRAPH_KIND] = "onnx"
        call.attributes[c.NODES] = len(result.graph.node)
        call.attributes[c.FUNCTIONS] = len(result.functions)


def after_verify(call: Call, result: Any) -> None:
    """The largest differences of each output."""
    for attributes in (call.attributes, call.export.outermost.attributes):
        attributes[c.VERIFY_OUTPUTS] = [str(info.name) for info in result]
        attributes[c.VERIFY_ABSOLUTE] = [float(info.max_abs_diff) for info in result]
        attributes[c.VERIFY_RELATIVE] = [float(info.max_rel_diff) for info in result]


def after_report(call: Call, _result: Any) -> None:
    """Name and bytes of the report."""
    path = Path(call.argument("filename"))
    call.attributes[c.REPORT_FILE] = path.name
    call.attributes[c.REPORT_BYTES] = path.stat().st_size


def _model(call: Call) -> Any:
    """The onnx_ir model among the arguments: the first, or that of the ONNXProgram."""
    first = call.args[0] if call.args else None
    first = getattr(first, "model", first)
    return first if hasattr(first, "graph") else None


def _opset(model: Any) -> int | None:
    version = model.opset_imports.get("")
    return version if isinstance(version, int) else None
