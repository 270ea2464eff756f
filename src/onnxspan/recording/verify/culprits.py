"""What each exporter's path keeps for the blame: its source graph, and what became of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.graphs.origin import ModulePaths
from onnxspan.recording.graphs.torchscript import is_graph
from onnxspan.recording.verify import blame, fx_programs, script_graphs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from onnxspan.recording.call import Call
    from onnxspan.recording.verify.compare import Tolerance
    from onnxspan.recording.verify.onnx_runs import OnnxModel
    from onnxspan.recording.verify.reference import Reference

_NODE = 2


class ScriptSide:
    """The TorchScript exporter's side.

    Args:
        model: the user's model, whose modules have the paths.
        outermost: the exporter's own call, which knows the opset.

    Attributes:
        parameters: by the name of the graph's input, as the passes made them.
        has_begun: the graph was made, and its parameters are known.
        is_erased: numbers are tensors now: neither torch nor onnxruntime can run the graph.
        is_converted: the graph has ONNX operators.
        last_model: the ONNX model at the last step that was run.
    """

    def __init__(self, model: Any, outermost: Call) -> None:
        self._user_model = model
        self._modules = ModulePaths(model)
        self._outermost = outermost
        self._values: list[torch.Tensor] = []
        self.parameters: dict[str, torch.Tensor] = {}
        self.has_begun = self.is_erased = self.is_converted = False
        self.last_model: OnnxModel | None = None
        self._source: tuple[Any, dict[int, str]] | None = None
        self._old_graph: Any = None
        self._conversions: list[tuple[Any, list[int], list[int]]] = []
        self._names: dict[int, str] = {}

    def begin(self, graph: Any, parameters: Sequence[torch.Tensor]) -> None:
        """Take the parameters of the graph that was made: they are its last inputs."""
        self.has_begun = True
        self._values = [value.detach() for value in parameters]
        names = [value.debugName() for value in graph.inputs()]
        self.parameters = dict(
            zip(names[len(names) - len(self._values) :], self._values, strict=True)
        )

    def before(self, name: str, call: Call) -> None:
        """Keep the graph before numbers are erased, and while it is converted."""
        graph = call.args[0] if call.args and is_graph(call.args[0]) else None
        if name == c.ERASURE and graph is not None:
            self._source = script_graphs.copy_of(graph)
            self.is_erased = True
        elif name == c.JIT_CONVERSION:
            self._old_graph = graph  # its nodes die with it
            self._conversions.clear()

    def note(self, args: tuple[Any, ...], result: Any) -> None:
        """Keep which values one node was converted to."""
        if len(args) <= _NODE or not hasattr(args[_NODE], "outputsAt"):
            return
        made = result if isinstance(result, list | tuple) else [result]
        node = args[_NODE]
        self._conversions.append(
            (
                node,
                [node.outputsAt(at).unique() for at in range(node.outputsSize())],
                [value.unique() if hasattr(value, "unique") else -1 for value in made],
            )
        )

    def graph_after(self, call: Call) -> Any:
        """The exporter's graph after a call, and its parameters taken; None without a graph."""
        if call.probe.name == c.JIT_CAPTURE:
            self.begin(call.result[0], call.result[1])
        if not self.has_begun:
            return None
        if call.probe.name == c.JIT_GRAPH:
            self.parameters = call.result[1]
        elif isinstance(call.result, dict):
            self.parameters = call.result
        result = call.result[0] if isinstance(call.result, tuple) and call.result else call.result
        graph = result if is_graph(result) else call.args[0] if call.args else None
        if not is_graph(graph) or call.probe.name == c.WHILE_TRACING:
            return None
        if call.probe.name == c.JIT_CONVERSION:
            self.is_converted = True
        # Passes that run while a node is converted see half a graph.
        around = call.parent
        while around is not None:
            if around.probe.name == c.JIT_CONVERSION:
                return None
            around = around.parent
        return graph

    def input_count(self, graph: Any) -> int:
        """How many inputs of a graph are the user's own."""
        return len(list(graph.inputs())) - len(self._values)

    def run_source(self, graph: Any, leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The outputs of a graph before the conversion."""
        copy = graph.copy()
        return script_graphs.flat(script_graphs.run(copy, self._arguments(copy, leaves)))

    def _arguments(self, graph: Any, leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The inputs of a graph: copies of what the graph may write into, weights as they are."""
        count = self.input_count(graph)
        buffers = getattr(self._user_model, "buffers", None)
        places = {one.data_ptr() for one in buffers()} if callable(buffers) else set()
        parameters = [
            value.clone() if value.data_ptr() in places else value for value in self._values
        ]
        return [*(leaf.detach().clone() for leaf in leaves[:count]), *parameters]

    def model(self, graph: Any, *, repair_types: bool = False) -> OnnxModel:
        """A graph after the conversion as a model."""
        opset = self._outermost.attributes.get(c.OPSET) or _opset()
        model, self._names = script_graphs.onnx_model(
            graph, self.parameters, int(opset), repair_types=repair_types
        )
        return model

    def culprit(
        self,
        name: str,
        model: OnnxModel,
        found: Any,
        tolerance: Tolerance,
        reference: Reference | None = None,  # noqa: ARG002  # as DynamoSide
    ) -> dict[str, Any] | None:
        """Attributes of the operator to blame for a step that differs."""
        leaves = found.one.leaves
        if name == c.JIT_CONVERSION and self._source is not None:
            operators = self._operators(leaves)
            return _attributes(blame.first_converted(operators, model, leaves, tolerance))
        if self.last_model is None or model.proto is None or self.last_model.proto is None:
            return None
        changed = blame.first_changed(self.last_model, model, leaves, tolerance)
        return None if changed is None else {c.MISMATCH_OPERATOR: f"onnx::{changed[1]}"}

    def _operators(self, leaves: Sequence[torch.Tensor]) -> list[blame.Operator]:
        assert self._source is not None
        copy, names = self._source
        renamed = script_graphs.unfuse_lists(copy)
        names = {number: renamed.get(name, name) for number, name in names.items()}
        by_name = {
            value.debugName(): value
            for node in copy.nodes()
            for value in node.outputs()
            if value.type().kind() == "TensorType"
        }
        noted = [
            (
                node,
                [
                    (names.get(one, ""), self._names.get(new, ""))
                    for one, new in zip(old, made, strict=False)
                ],
            )
            for node, old, made in self._conversions
        ]
        wanted = list(
            dict.fromkeys(
                one for _, pairs in noted for one, new in pairs if one in by_name and new
            )
        )
        arguments = self._arguments(copy, leaves)
        tensors = script_graphs.run(copy, arguments, [by_name[name] for name in wanted])
        found = dict(zip(wanted, tensors, strict=True))
        operators = []
        for node, pairs in noted:
            values = {new: found[one] for one, new in pairs if one in found and new}
            if values:
                operators.append(self._described(node, values))
        return operators

    def _described(self, node: Any, values: dict[str, torch.Tensor]) -> blame.Operator:
        from onnxspan.recording.probes.torchscript.nodes import source_of

        scope = node.scopeName()
        place = source_of(node.sourceRange())
        innermost = scope.rpartition("/")[2]
        kind, _, path = innermost.rpartition("::")
        return blame.Operator(
            node.kind(),
            values,
            self._modules.of_scope(scope) or path,
            kind,
            *(place or ("", 0)),
        )


class DynamoSide:
    """The dynamo exporter's side.

    Args:
        only_file: run nothing before the file: the model is too large to be copied.

    Attributes:
        program: the program as it was captured or decomposed last.
        last_model: the ONNX model at the last step that was run.
    """

    def __init__(self, only_file: bool) -> None:
        self.only_file = only_file
        self.program: Any = None
        self.last_model: OnnxModel | None = None

    def culprit(
        self,
        name: str,  # noqa: ARG002  # as ScriptSide
        model: OnnxModel,
        found: Any,
        tolerance: Tolerance,
        reference: Reference | None,
    ) -> dict[str, Any] | None:
        """Attributes of the operator to blame for a step that differs."""
        if model.proto is None or reference is None:
            return None
        leaves = found.one.leaves
        if self.last_model is not None:
            changed = blame.first_changed(self.last_model, model, leaves, tolerance)
            if changed is None:
                return None
            return {c.MISMATCH_OPERATOR: f"onnx::{changed[1]}", **self._place(changed[0])}
        if self.program is None:
            return None
        args, kwargs = reference.arguments.filled(leaves)
        values = fx_programs.values_of(self.program, args, kwargs)
        made = {one for node in model.proto.graph.node for one in node.output}
        operators = [
            self._described(node, {node.name: values[node.name]})
            for node in self.program.graph.nodes
            if node.op == "call_function" and node.name in values and node.name in made
        ]
        return _attributes(blame.first_converted(operators, model, leaves, tolerance))

    def _described(self, node: Any, values: dict[str, torch.Tensor]) -> blame.Operator:
        from onnxspan.recording.probes.dynamo.nodes import node_attributes

        if getattr(node.target, "__name__", "") == "getitem" and node.all_input_nodes:
            node = node.all_input_nodes[0]  # it only picks one of the results of an operator
        known = node_attributes(node)
        stack = node.meta.get("nn_module_stack")
        kind = list(stack.values())[-1][1] if stack else ""
        return blame.Operator(
            str(known.get(c.NODE_OPERATOR, node.target)),
            values,
            str(known.get(c.NODE_SCOPE, "")),
            kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}",
            str(known.get(c.FILE, "")),
            int(known.get(c.LINE, 0)),
        )

    def _place(self, value: str) -> dict[str, Any]:
        """Module and line of the fx node that an ONNX value is named after."""
        if self.program is None:
            return {}
        for node in self.program.graph.nodes:
            if node.name == value and node.op == "call_function":
                return _where(self._described(node, {}))
        return {}


def _attributes(culprit: blame.Culprit | None) -> dict[str, Any] | None:
    if culprit is None:
        return None
    operator = culprit.operator
    became = ", ".join(culprit.became)
    found: dict[str, Any] = {
        c.MISMATCH_OPERATOR: f"{operator.kind} → {became}" if became else operator.kind,
        c.MISMATCH_ALSO: culprit.also,
        **_where(operator),
    }
    return found


def _where(operator: blame.Operator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if operator.module or operator.module_class:
        found[c.MISMATCH_MODULE] = operator.module
        found[c.MISMATCH_MODULE_CLASS] = operator.module_class
    if operator.file:
        found[c.MISMATCH_FILE], found[c.MISMATCH_LINE] = operator.file, operator.line
    return found


@functools.cache
def _opset() -> int:
    import importlib

    return int(importlib.import_module("torch.onnx._constants").ONNX_DEFAULT_OPSET)
