"""The text of whatever graph a pass is given or returns; never changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level
from onnxspan.recording.graphs import ir_text
from onnxspan.recording.graphs.torchscript import is_graph

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

_CARRIERS = {"PassResult", "ONNXProgram"}
"""Classes of onnx_ir and torch whose `model` is the graph."""


def mutable_graph(call: Call) -> Any:
    """The graph that a pass may change in place: TorchScript's, or an onnx_ir model.

    None for a stage, and for a call that is given no such graph.
    """
    if call.probe.level is Level.STAGES:
        return None
    for argument in call.args[:3]:
        if is_graph(argument) or _is_ir_model(argument):
            return argument
    return None


def returned_graph(call: Call) -> Any:
    """The graph that a pass returned in place of the one it was given; None when none."""
    return None if _is_program(call.result) else graph_of(call.result)


def graph_of(value: Any) -> Any:
    """The graph, model or program that a value is, or a model that it carries; else None."""
    if is_graph(value) or _is_ir_model(value) or _is_program(value):
        return value
    # A user's value may do anything when its attributes are read: only these two are asked.
    if not _CARRIERS.isdisjoint(base.__name__ for base in type(value).__mro__):
        model = getattr(value, "model", None)
        return model if _is_ir_model(model) else None
    return None


def programs(call: Call) -> tuple[Any, Any] | None:
    """The ExportedPrograms before and after a decomposition: it returns a new one."""
    if not _is_program(call.result):
        return None
    for argument in (*call.args[:2], *call.kwargs.values()):
        if _is_program(argument) and argument is not call.result:
            return argument, call.result
    return None


def given_program(call: Call) -> Any:
    """The ExportedProgram that a call was given; None when it was given none."""
    values = (*call.args[:2], *call.kwargs.values())
    return next((value for value in values if _is_program(value)), None)


def text(graph: Any) -> str:
    """A graph as text: TorchScript IR, fx, or onnx_ir without the values of weights."""
    if _is_program(graph):
        return str(graph.graph_module.graph) + "\n"
    written = ir_text.text(graph) if _is_ir_model(graph) else str(graph)
    return written if written.endswith("\n") else written + "\n"


def _is_ir_model(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "Model" and kind.__module__.startswith("onnx_ir")


def _is_program(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "ExportedProgram" and kind.__module__.startswith("torch.export")
