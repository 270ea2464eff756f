"""Finds the first operator whose converted form computes other values than its source."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan.recording.faults import goes_on
from onnxspan.recording.verify.compare import Difference, Tolerance, compare
from onnxspan.recording.verify.onnx_runs import _TYPES, OnnxModel, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

MAX_CHECKS = 200
"""Operators that are run by themselves, at most: each is a session of onnxruntime."""


@dataclasses.dataclass
class Operator:
    """One operator of the source and the values that the conversion made of it.

    Attributes:
        kind: the source's operator, as `aten::gelu`.
        values: the source's tensors by the names of the converted values.
        module: path of the module; `module_class` its class; empty where unknown.
        file: the line of the model that called it; `line` 0 where unknown.
    """

    kind: str
    values: dict[str, torch.Tensor]
    module: str = ""
    module_class: str = ""
    file: str = ""
    line: int = 0


@dataclasses.dataclass
class Culprit:
    """What is blamed.

    Attributes:
        operator: the source's operator and what it became.
        difference: of its first output that differs, on the source's own inputs.
        also: how many other operators differ on the source's own inputs.
    """

    operator: Operator
    became: tuple[str, ...]
    difference: Difference
    also: int = 0


def first_converted(
    operators: Sequence[Operator],
    model: OnnxModel,
    leaves: Sequence[torch.Tensor],
    tolerance: Tolerance,
) -> Culprit | None:
    """The first operator whose output differs from the source's though its inputs are the same.

    Args:
        operators: in the order of execution.
        model: the converted model.
        leaves: its inputs.
        tolerance: what may differ.

    Raises:
        Exception: what onnxruntime raises for the model.
    """
    made = {name for node in model.proto.graph.node for name in node.output}
    boundary = {
        name: value
        for operator in operators
        for name, value in operator.values.items()
        if name in made
    }
    names = list(boundary)
    found = dict(zip(names, run(_with_outputs(model, names), leaves), strict=True))
    culprit: Culprit | None = None
    checks = 0
    for operator in operators:
        differing = [
            name
            for name, value in operator.values.items()
            if name in found and not compare(name, value, found[name], tolerance).agrees
        ]
        if not differing:
            continue
        checks += 1
        if checks > MAX_CHECKS:
            break
        part, nodes = between(model, differing[:1], boundary, leaves)
        try:
            (actual,) = run(part, {**boundary, **_named(model, leaves)})
        except Exception as error:  # the part cannot stand alone: the next one may
            if goes_on(error):
                raise
            continue
        difference = compare(differing[0], boundary[differing[0]], actual, tolerance)
        if difference.agrees:
            continue
        if culprit is None:
            culprit = Culprit(operator, nodes, difference)
        else:
            culprit.also += 1
    return culprit


def first_changed(
    before: OnnxModel,
    after: OnnxModel,
    leaves: Sequence[torch.Tensor],
    tolerance: Tolerance,
) -> tuple[str, str, Difference] | None:
    """The first value, by name and operator, that a pass over ONNX nodes has changed.

    Raises:
        Exception: what onnxruntime raises for one of the models.
    """
    old = {name for node in before.proto.graph.node for name in node.output if name}
    shared = [
        (name, node.op_type)
        for node in after.proto.graph.node
        for name in node.output
        if name in old
    ]
    if not shared:
        return None
    names = [name for name, _ in shared]
    values = zip(
        shared,
        run(_with_outputs(before, names), leaves),
        run(_with_outputs(after, names), leaves),
        strict=True,
    )
    for (name, kind), expected, actual in values:
        difference = compare(name, expected, actual, tolerance)
        if not difference.agrees:
            return name, kind, difference
    return None


def _named(model: OnnxModel, leaves: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(zip(model.inputs(), leaves, strict=False))


def _with_outputs(model: OnnxModel, names: Sequence[str]) -> OnnxModel:
    """The same model with other outputs; their types are found by onnxruntime."""
    import onnx

    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return OnnxModel(proto, weights=model.weights)


def between(
    model: OnnxModel,
    outputs: Sequence[str],
    boundary: Mapping[str, torch.Tensor],
    leaves: Sequence[torch.Tensor],
) -> tuple[OnnxModel, tuple[str, ...]]:
    """The nodes that compute these outputs from values of the boundary, as a model.

    Returns:
        The model, whose inputs are values of the boundary, and its operators in order.
    """
    import onnx

    graph = model.proto.graph
    producers = {name: node for node in graph.node for name in node.output if name}
    known = {**boundary, **_named(model, leaves), **model.weights}
    initializers = {one.name for one in graph.initializer}
    needed: set[int] = set()
    entering: dict[str, torch.Tensor] = {}
    kept_initializers: set[str] = set()
    stack = [(name, True) for name in outputs]
    while stack:
        name, is_output = stack.pop()
        if name in initializers:
            kept_initializers.add(name)
        elif name in known and not is_output:
            entering[name] = known[name]
        elif name in producers and id(producers[name]) not in needed:
            needed.add(id(producers[name]))
            stack += [(one, False) for one in _reads(producers[name])]
    part = onnx.ModelProto()
    part.CopyFrom(model.proto)
    for field in (part.graph.node, part.graph.input, part.graph.output, part.graph.value_info):
        del field[:]
    del part.graph.initializer[:]
    nodes = [node for node in graph.node if id(node) in needed]
    part.graph.node.extend(nodes)
    part.graph.initializer.extend(
        one for one in graph.initializer if one.name in kept_initializers
    )
    part.graph.input.extend(
        onnx.helper.make_tensor_value_info(name, _TYPES[value.dtype], list(value.shape))
        for name, value in entering.items()
    )
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    kinds = tuple(dict.fromkeys(_kind(node) for node in nodes if node.op_type != "Constant"))
    weights = {name: value for name, value in model.weights.items() if name in entering}
    return OnnxModel(part, weights=weights), kinds


def _kind(node: Any) -> str:
    return f"{node.domain or 'onnx'}::{node.op_type}"


def _reads(node: Any) -> list[str]:
    """The values that a node reads, those of outer graphs inside its subgraphs too."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
        for graph in graphs:
            inner = {one.name for one in (*graph.input, *graph.initializer)}
            inner |= {name for below in graph.node for name in below.output}
            names += [name for below in graph.node for name in _reads(below) if name not in inner]
            names += [one.name for one in graph.output if one.name not in inner]
    return names
