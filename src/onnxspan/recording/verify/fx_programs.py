"""Runs the programs and models of the dynamo exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from onnxspan.recording.verify.onnx_runs import OnnxModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def run(program: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an ExportedProgram returns for arguments; its state is not changed.

    Raises:
        Exception: what a node raises, or a guard on the shapes.
    """
    values = _graph_inputs(program, args, kwargs)
    with torch.no_grad():
        outputs = torch.fx.Interpreter(program.graph_module).run(*values)
    count = len(program.graph_signature.buffers_to_mutate) + len(
        getattr(program.graph_signature, "user_inputs_to_mutate", ())
    )
    return list(outputs)[count:]


def values_of(
    program: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, torch.Tensor]:
    """Each node's tensor by the node's name, from one run of an ExportedProgram.

    A node with several results has none: its results are those of the nodes that pick them. What
    no node picks, a translation may fill with anything.
    """
    found: dict[str, torch.Tensor] = {}

    class Keeping(torch.fx.Interpreter):  # type: ignore[misc]  # torch.fx has no types here
        def run_node(self, n: Any) -> Any:
            result = super().run_node(n)
            if isinstance(result, torch.Tensor):
                found[n.name] = result
            return result

    with torch.no_grad():
        Keeping(program.graph_module).run(*_graph_inputs(program, args, kwargs))
    return found


def _graph_inputs(program: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Parameters, buffers, constants and user inputs, in the order of the placeholders."""
    from torch.utils import _pytree as pytree

    users = iter(pytree.tree_leaves((args, kwargs)))
    values = []
    for spec in program.graph_signature.input_specs:
        kind = spec.kind.name
        if kind in {"PARAMETER", "BUFFER"}:
            value = program.state_dict.get(spec.target)
            if value is None:  # a buffer that is not saved with the model
                value = program.constants[spec.target]
            values.append(value.detach().clone() if kind == "BUFFER" else value.detach())
        elif kind in {"CONSTANT_TENSOR", "CUSTOM_OBJ"}:
            values.append(program.constants[spec.target])
        elif kind == "USER_INPUT":
            values.append(next(users))
        else:
            raise ValueError(f"the program has an input of kind {kind}")
    return values


def ir_model(model: Any) -> OnnxModel:
    """An onnx_ir model as one that onnxruntime runs.

    Raises:
        Exception: what onnx_ir's serializer raises.
    """
    import onnx_ir

    return OnnxModel(onnx_ir.serde.serialize_model(model))


def symbolic_shapes(program: Any) -> list[tuple[Any, ...]]:
    """The shape of each tensor among the user's inputs: whole numbers and torch's symbols."""
    placeholders = [node for node in program.graph.nodes if node.op == "placeholder"]
    shapes = []
    for spec, node in zip(program.graph_signature.input_specs, placeholders, strict=True):
        value = node.meta.get("val")
        if spec.kind.name == "USER_INPUT" and isinstance(value, torch.Tensor):
            shapes.append(tuple(value.shape))
    return shapes


def other_shapes(program: Any, change: Callable[[int], int]) -> list[tuple[int, ...]] | None:
    """The shapes with each symbol's size changed; None when no size is dynamic.

    A size that is computed from symbols (`2*s0`) follows them.
    """
    import sympy

    shapes = symbolic_shapes(program)
    values: dict[Any, int] = {}
    for shape in shapes:
        for size in shape:
            if isinstance(size, torch.SymInt):
                for symbol in size.node.expr.free_symbols:
                    hint = size.node.shape_env.var_to_val.get(symbol)
                    if hint is not None:
                        values[symbol] = change(int(hint))
    if not values:
        return None
    return [
        tuple(
            int(sympy.sympify(size.node.expr).subs(values))
            if isinstance(size, torch.SymInt)
            else int(size)
            for size in shape
        )
        for shape in shapes
    ]


def leaves_of(values: Sequence[Any]) -> list[torch.Tensor]:
    """The tensors of what a program returned."""
    return [
        torch.as_tensor(value)
        for value in values
        if isinstance(value, torch.Tensor | bool | int | float)
    ]
