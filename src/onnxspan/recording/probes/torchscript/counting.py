"""The size of a TorchScript graph after a stage or pass, counted as seldom as is honest.

The "before" of a pass is the "after" of the last count. Which passes need a count after them is
told by torchscript_facts.py.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.call import Call, Export
from onnxspan.recording.graphs import torchscript
from onnxspan.recording.probes.torchscript import facts

if TYPE_CHECKING:
    from collections import Counter

"""Is handed the graph that is being traced: its size then is that of no finished graph."""


class LastCount:
    """What the last count of the export's graph has seen besides its size.

    Attributes:
        flat: the graph is known to have no node with blocks.
        kinds: how many nodes of each kind the graph has; None when the count did not look.
        swept: how far the last dead code elimination went after which nothing was changed
            (facts.py).
    """

    def __init__(self) -> None:
        self.flat = False
        self.kinds: Counter[str] | None = None
        self.swept = 0


def before_pass(call: Call) -> None:
    """Count the graph if it was never counted, and see whether the pass can change it."""
    graph = _graph(call)
    if graph is None:
        return
    export = call.export
    if not is_counted(export, graph):
        count(call, graph)
    name = call.probe.name
    if name in facts.KEEPS_NODES or _finds_nothing(call, graph):
        call.scratch = False
    else:
        call.scratch = _witnesses(name, graph)


def after_pass(call: Call, result: Any) -> None:
    """Note the graph's size after a pass, and the parameters when the pass returns them."""
    graph = result if torchscript.is_graph(result) else _graph(call)
    if graph is not None:
        _note_after(call, graph, result)
    if isinstance(result, dict):
        note_parameters(call, result)


def _note_after(call: Call, graph: Any, result: Any) -> None:
    export, name, before = call.export, call.probe.name, call.scratch
    last = export.state(LastCount)
    keeps = before is False or (result is False and name in facts.SAYS_SO)
    if not keeps and before is not None:
        after = _witnesses(name, graph)
        keeps = after == before
        if not keeps and after is not None and name in facts.ADDS_ONLY and export.size is not None:
            added = after[0] - before[0]
            call.attributes[c.NODES_CHANGE] = added
            if last.kinds is not None and added:
                last.kinds[facts.WITNESSES[name][0]] += added
            export.size = torchscript.graph_size(graph, export.size.nodes + added)
            last.swept = 0
            _write_size(call, export.size)
            return
        if keeps and name in facts.LEAVES_DEAD and after and after[0]:
            last.swept = 0
    if not keeps:
        last.swept = 0
        last.flat = last.flat and is_counted(export, graph) and name in facts.BRINGS_NO_BLOCKS
    note_size(call, graph, recount=not keeps)
    # What a pass that changed something leaves swept; one that kept all nodes leaves it so.
    if not keeps and last.flat and not last.swept:
        last.swept = facts.SWEEPS.get(name, 0)


def _finds_nothing(call: Call, graph: Any) -> bool:
    """Whether the pass has nothing to act on, nor to sweep."""
    last = call.export.state(LastCount)
    acts_if = facts.ACTS_IF.get(call.probe.name)
    if acts_if is not None:
        known, swept = last.kinds, last.swept >= facts.EVERYTHING
        return known is not None and swept and not any(map(acts_if, known))
    kinds = facts.ACTS_ON.get(call.probe.name)
    if kinds is None:
        return False
    sweeps = facts.SWEEPS.get(call.probe.name, 0)
    if sweeps and (last.swept < sweeps or not last.flat):
        return False
    if any(graph.findNode(kind, True) is not None for kind in kinds):
        return False
    # A tuple that is returned is flattened, whatever made it.
    return call.probe.name != "_jit_pass_lower_all_tuples" or all(
        value.type().kind() != "TupleType" for value in graph.outputs()
    )


def after_result(call: Call, result: Any) -> None:
    """Note the size of the graph that a stage returned."""
    if torchscript.is_graph(result):
        note_size(call, result)


def after_tracing(call: Call, result: Any) -> None:
    """Note the size of the graph that the tracer returned as the first of several things."""
    after_result(call, result[0])
    # Tracing ends with a dead code elimination (createGraphByTracing in python_tracer.cpp).
    last = call.export.state(LastCount)
    last.swept = 2 if last.flat else 0


def note_size(call: Call, graph: Any, *, recount: bool = False) -> None:
    """Write size and change; the change is against the last count before the call began."""
    export = call.export
    size = export.size
    # At `stages` no pass is watched, so nobody knows what changed the graph since the last count.
    if size is None or recount or export.level is c.Level.STAGES:
        before = size
        size = count(call, graph)
        if before is not None and recount:
            call.attributes[c.NODES_CHANGE] = size.nodes - before.nodes
    elif not is_counted(export, graph):
        if call.probe.name == "_jit_pass_canonicalize":
            export.counted = weakref.ref(graph)  # a copy of the same nodes
            call.attributes[c.NODES_CHANGE] = 0
        else:
            size = count(call, graph)
    elif call.probe.level is not c.Level.STAGES:
        call.attributes[c.NODES_CHANGE] = 0
    if call.probe.name in facts.CHANGES_INPUTS:
        size = export.size = torchscript.graph_size(graph, size.nodes)
    _write_size(call, size)


def _write_size(call: Call, size: torchscript.GraphSize) -> None:
    call.attributes[c.NODES] = size.nodes
    call.attributes[c.INPUTS] = size.inputs
    call.attributes[c.OUTPUTS] = size.outputs


def count(call: Call, graph: Any) -> torchscript.GraphSize:
    """Count a graph and remember the count as the export's last."""
    export = call.export
    last = export.state(LastCount)
    if not is_counted(export, graph):
        last.flat, last.swept = False, 0
    export.counted, last.kinds = weakref.ref(graph), None
    if last.flat and call.probe.name in facts.LOOKED_AT:
        last.kinds, used = torchscript.survey(graph.nodes())
        nodes = last.kinds.total()
        # Each is used by another, and so on up to what the graph returns: nothing is dead.
        last.swept = facts.EVERYTHING if used else 0
    elif last.flat and call.probe.name in facts.BEFORE_A_SWEEP:
        nodes, used = torchscript.length_and_use(graph.nodes())
        last.swept = facts.EVERYTHING if used else 0
    elif last.flat:
        nodes = torchscript.length(graph.nodes())
    else:
        nodes, owners = torchscript.count_nodes(graph)
        last.flat = owners == 0
    export.size = torchscript.graph_size(graph, nodes)
    return export.size


def is_counted(export: Export, graph: Any) -> bool:
    """Whether the last count was of this very graph.

    The reference is weak: a graph dies where it dies untraced, and its end is not our own time.
    """
    return export.counted is not None and export.counted() is graph


def kinds(call: Call, graph: Any) -> Counter[str]:
    """How many nodes of each kind a graph has; counted here unless the last count saw it."""
    last = call.export.state(LastCount)
    if last.kinds is not None and is_counted(call.export, graph):
        return last.kinds
    return torchscript.kinds(graph)


def note_parameters(call: Call, parameters: dict[str, Any]) -> None:
    """Write how many tensors a dictionary of parameters has, and their bytes."""
    call.attributes[c.PARAMETERS], call.attributes[c.PARAMETER_BYTES] = torchscript.tensors_size(
        parameters.values()
    )


def _witnesses(name: str, graph: Any) -> list[int] | None:
    """How many there are of each witness of this pass; looking for an absent kind costs 10 us."""
    kinds = facts.WITNESSES.get(name)
    return None if kinds is None else [len(graph.findAllNodes(kind, True)) for kind in kinds]


def _graph(call: Call) -> Any:
    if call.probe.name == c.WHILE_TRACING:
        return None
    first = call.args[0] if call.args else None
    return first if torchscript.is_graph(first) else None
