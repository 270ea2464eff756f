"""Runs the graphs of the TorchScript exporter: in torch's interpreter, or as an ONNX model."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

from onnxspan.recording.verify.onnx_runs import OnnxModel

if TYPE_CHECKING:
    from collections.abc import Sequence


def copy_of(graph: Any) -> tuple[Any, dict[int, str]]:
    """A copy, and by the number of each value of the graph's outermost block its name in the copy.

    A value keeps its number (`unique()`) while it lives; torch may name it anew, and a copy
    numbers its values anew.
    """
    copy = graph.copy()
    names = {
        old.unique(): new.debugName()
        for old, new in zip(graph.inputs(), copy.inputs(), strict=True)
    }
    for old, new in zip(graph.nodes(), copy.nodes(), strict=True):
        # `node.outputs()`, an iterator, takes five times as long.
        for at in range(old.outputsSize()):
            names[old.outputsAt(at).unique()] = new.outputsAt(at).debugName()
    return copy, names


def unfuse_lists(graph: Any) -> dict[str, str]:
    """Give operators that `_jit_pass_onnx_preprocess` has fused with `prim::ListUnpack` their list.

    Such an operator has an attribute `_outputs` and as many outputs, and torch's interpreter does
    not know it.

    Returns:
        By the name of each value of such an operator, the name of the value in its place.
    """
    renamed: dict[str, str] = {}
    for node in list(graph.nodes()):
        if "_outputs" not in node.attributeNames():
            continue
        values = [node.outputsAt(at) for at in range(node.outputsSize())]
        inputs = [node.inputsAt(at) for at in range(node.inputsSize())]
        listed = graph.create(node.kind(), inputs, 1)
        listed.output().setType(torch._C.ListType(torch._C.TensorType.get()))
        unpacked = graph.create("prim::ListUnpack", [listed.output()], len(values))
        for made in (listed, unpacked):
            made.insertBefore(node)
        for at, value in enumerate(values):
            unpacked.outputsAt(at).setType(value.type())
            value.replaceAllUsesWith(unpacked.outputsAt(at))
            renamed[value.debugName()] = unpacked.outputsAt(at).debugName()
        node.destroy()
    return renamed


def run(graph: Any, arguments: Sequence[torch.Tensor], wanted: Sequence[Any] = ()) -> list[Any]:
    """The outputs of a TorchScript graph that holds no ONNX operator.

    Args:
        graph: a copy of the exporter's graph, which is changed here.
        arguments: the flattened inputs, then the parameters.
        wanted: values of the graph to return in place of its outputs.

    Raises:
        Exception: what the interpreter raises.
    """
    values = list(wanted) or list(graph.outputs())
    for _ in list(graph.outputs()):
        graph.eraseOutput(0)
    together = graph.create("prim::TupleConstruct", values, 1)
    together.output().setType(torch._C.TupleType([value.type() for value in values]))
    graph.appendNode(together)
    graph.registerOutput(together.output())
    function = torch._C._create_function_from_graph("forward", graph)
    with torch.no_grad():
        return list(function(*arguments))


def flat(values: Sequence[Any]) -> list[torch.Tensor]:
    """The tensors in what a graph returned, as the exporter flattens them."""
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, dict):
            found += flat(list(value.values()))
        elif isinstance(value, list | tuple):
            found += flat(list(value))
        elif isinstance(value, bool | int | float):
            found.append(torch.as_tensor(value))
    return found


def onnx_model(
    graph: Any, parameters: dict[str, torch.Tensor], opset: int, *, repair_types: bool
) -> tuple[OnnxModel, dict[int, str]]:
    """A converted graph as an ONNX model whose weights are inputs; names in it as `copy_of` has.

    What the conversion leaves for later passes to clean up is cleaned up in the copy.

    Args:
        graph: the exporter's graph; it is not changed.
        parameters: by the name of the graph's input.
        opset: the opset of the export.
        repair_types: also do what `_jit_pass_onnx_scalar_type_analysis` does next: a number
            beside a tensor of another type is no valid ONNX.

    Raises:
        Exception: what torch's serializer raises.
    """
    import onnx

    copy, names = copy_of(graph)
    if repair_types:
        torch._C._jit_pass_onnx_scalar_type_analysis(copy, True, opset)
    torch._C._jit_pass_onnx_peephole(copy, opset, False)
    torch._C._jit_pass_dce_allow_deleting_nodes_with_side_effects(copy)
    weights = {
        new.debugName(): parameters[old.debugName()]
        for old, new in zip(graph.inputs(), copy.inputs(), strict=True)
        if old.debugName() in parameters
    }
    written = copy._export_onnx(
        {}, opset, {}, False, torch._C._onnx.OperatorExportTypes.ONNX, True, True, {}, True, "", {}
    )
    proto = onnx.load_from_string(written[0])
    return OnnxModel(proto, weights=weights), names


def argument(function: Any, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """One argument of a call of a Python function, by name; None when it is not there."""
    try:
        return inspect.signature(function).bind_partial(*args, **kwargs).arguments.get(name)
    except (TypeError, ValueError):
        return None
