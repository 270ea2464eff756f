"""What the spans of the TorchScript exporter's stages say."""

from __future__ import annotations

import inspect
import os
from collections import Counter
from typing import Any

from onnxspan import conventions as c
from onnxspan.recording.call import Call, guarded
from onnxspan.recording.graphs import constants, dynamic, torchscript
from onnxspan.recording.graphs.origin import full_name
from onnxspan.recording.probes import inputs
from onnxspan.recording.probes.torchscript.counting import kinds, note_parameters, note_size


def before_decide_input_format(call: Call) -> None:
    """Keep what was given: torch adds to a list in place."""
    given = call.argument("args")
    call.scratch = list(given) if isinstance(given, list | tuple) else [given]


def after_decide_input_format(call: Call, result: Any) -> None:
    """Say what became of positional, dictionary and keyword inputs."""
    given = call.scratch
    keywords = given.pop() if given and isinstance(given[-1], dict) else {}
    # Torch hands the arguments back as they were when it cannot make sense of them.
    skipped = isinstance(result, tuple) and result is call.argument("args")
    rest = {} if skipped else dict(_parameters_of_forward(call.argument("model"))[len(given) :])
    placed = [name for name in rest if name in keywords]
    call.attributes[c.FORMAT_POSITIONAL] = len(given)
    call.attributes[c.FORMAT_RESULT] = len(result) if isinstance(result, list | tuple) else 1
    call.attributes[c.FORMAT_KEYWORDS] = [str(key) for key in keywords]
    call.attributes[c.FORMAT_PLACED] = placed
    call.attributes[c.FORMAT_DROPPED] = [
        str(key) for key in keywords if key not in placed and not skipped
    ]
    call.attributes[c.FORMAT_DEFAULTS] = [
        name
        for name, parameter in rest.items()
        if name not in keywords and parameter.default is not parameter.empty
    ]


def _parameters_of_forward(model: Any) -> list[tuple[str, inspect.Parameter]]:
    try:
        parameters = inspect.signature(getattr(model, "forward", model)).parameters
    except ValueError:  # a ScriptFunction shows none; torch then leaves the arguments as they are
        return []
    return [(name, parameter) for name, parameter in parameters.items() if name != "self"]


def before_model_to_graph(call: Call) -> None:
    """Tell the root which opset and operator export type were decided."""
    state = getattr(call.target.holder, "GLOBALS", None)
    root = call.export.outermost
    if state is not None:
        root.note(c.OPSET, getattr(state, "export_onnx_opset_version", None))
        decided = getattr(state, "operator_export_type", None)
        root.note(c.OPERATOR_EXPORT_TYPE, getattr(decided, "name", None))


def after_model_to_graph(call: Call, result: Any) -> None:
    """Size of the ONNX graph and of its parameters."""
    graph, parameters = result[0], result[1]
    note_size(call, graph)
    note_parameters(call, parameters)
    call.attributes[c.CONSTANT_BYTES] = torchscript.constants_size(graph)


def after_create_jit_graph(call: Call, result: Any) -> None:
    """Which branch it took, what came out, and whether the inputs add up."""
    import torch  # only who records needs torch

    graph, parameters, torch_out, module = result
    model = call.argument("model")
    note_size(call, graph)
    if isinstance(model, torch.jit.ScriptFunction):
        branch = "ScriptFunction"
    elif isinstance(model, torch.jit.ScriptModule):
        branch = "ScriptModule"
    else:
        branch = "traced module"
    flat = len(torch.jit._flatten(tuple(call.argument("args")))[0])  # noqa: SLF001  # torch's own count
    inputs = call.attributes[c.INPUTS]
    call.attributes.update(
        {
            c.JIT_BRANCH: branch,
            c.JIT_PARAMETERS: len(parameters),
            c.JIT_FLAT_INPUTS: flat,
            c.JIT_GRAPH_INPUTS: inputs,
            c.JIT_INVARIANT: len(parameters) + flat == inputs,
            c.JIT_TORCH_OUT: torch_out is not None,
            c.JIT_MODULE: "None" if module is None else full_name(type(module)),
        }
    )


def before_export_onnx(call: Call) -> None:
    """Count the finished graph, by operator, for the root."""
    graph, parameters = call.args[0], call.args[1]
    root = call.export.outermost.attributes
    # A constant that is None is written as an empty name, and is no node of the file.
    counts = Counter(
        {kind: n for kind, n in kinds(call, graph).items() if kind != "prim::Constant"}
    )
    ends = dynamic.lost_in_script(graph)
    if ends:
        root[c.DYNAMIC_ENDS] = ends
    root[c.RESULT_NODES], root[c.RESULT_OPERATORS] = counts.total(), torchscript.operators(counts)
    root[c.RESULT_INITIALIZERS] = len(parameters)
    guarded(call, "constants", _note_constants, call, graph, parameters)
    names = [value.debugName() for value in graph.inputs()]
    inputs.note_inputs(root, [name for name in names if name not in parameters])
    note_size(call, graph)
    note_parameters(call, parameters)


def _note_constants(call: Call, graph: Any, parameters: dict[str, Any]) -> None:
    root = call.export.outermost
    in_nodes = {
        node.outputsAt(0).debugName(): node.t("value")
        for node in graph.findAllNodes("onnx::Constant")
        if node.hasAttribute("value") and node.kindOf("value") == "t"
    }
    values = {**parameters, **constants.large(in_nodes)}
    constants.note_constants(root.attributes, values, root.argument("model"), lambda one: one)


def after_export_onnx(call: Call, result: Any) -> None:
    """Bytes of the serialized model."""
    if isinstance(result, tuple) and isinstance(result[0], bytes):
        call.attributes[c.RESULT_BYTES] = len(result[0])


def before_export_file(call: Call) -> None:
    """Name and bytes of the file, for this span and for the root."""
    data, file = call.args[0], call.args[1]
    size = len(data)
    for attributes in (call.attributes, call.export.outermost.attributes):
        attributes[c.RESULT_BYTES] = size
        if isinstance(file, str | os.PathLike):
            attributes[c.RESULT_FILE] = os.path.basename(os.fspath(file))
