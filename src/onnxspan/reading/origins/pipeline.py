"""Follows an exported model through the steps of packs after the export: slimmed, quantized, optimised.

A step is given a file, so nothing but its graph tells which model that is: it is the model of the
export, or of the earlier step, that made the very same graph.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading.origins.life import Life, Step
from onnxspan.reading.source import snapshots
from onnxspan.reading.source.snapshots import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.graph_record import Graph, Node
    from onnxspan.reading.origins.life import Lives
    from onnxspan.reading.source.trace import Span, Trace

FILE = "the exported file"


def named(trace: Trace, name: str) -> Span:
    """The last step of a name that has graphs.

    Raises:
        SnapshotError: when there is none; the message lists the steps.
    """
    steps = list(_steps(trace))
    found = [step for step in steps if step.name == name]
    if found:
        return found[-1]
    listed = ", ".join(dict.fromkeys(step.name for step in steps))
    more = f"There are graphs of {listed}" if listed else "Record with --snapshots changed"
    raise SnapshotError(f"{trace.source}: no step {name} of a pack has changed a graph. {more}")


def last(trace: Trace, export: Span) -> list[Span]:
    """The steps from an export to the last one that worked on its model; empty when there is none."""
    for step in sorted(_steps(trace), key=lambda one: -one.end):
        try:
            found, steps = chain(trace, step)
        except SnapshotError:
            continue
        if found is export:
            return steps
    return []


def chain(trace: Trace, step: Span) -> tuple[Span, list[Span]]:
    """The export whose model a step worked on, and the steps from there to it, itself included.

    Raises:
        SnapshotError: when no recorded export or step made the model that a step was given.
    """
    steps = [step]
    while True:
        source = _source(trace, steps[0])
        if source is None or any(
            source is one for one in steps
        ):  # a damaged trace may name a step as its own source
            raise SnapshotError(
                f"{trace.source}: no export and no step of this trace made the model that "
                f"{steps[0].name} was given, so it is not known where its nodes come from"
            )
        if c.SNAPSHOT_GRAPH_FILE in source.attributes:
            return source, steps
        steps.insert(0, source)


def _steps(trace: Trace) -> Iterator[Span]:
    """The steps of packs that changed a graph, without those inside an export."""
    stack = list(reversed(trace.roots))
    while stack:
        span = stack.pop()
        if c.EXPORTER in span.attributes:
            continue
        if c.SNAPSHOT_GRAPH_AFTER in span.attributes and c.PACK_BYTES in span.attributes:
            yield span
        stack += reversed(span.children)


def _source(trace: Trace, step: Span) -> Span | None:
    """The latest export or step before a step that made the graph it was given."""
    wanted = _form(snapshots.record(trace, step, c.SNAPSHOT_GRAPH_BEFORE))
    made = [(one, c.SNAPSHOT_GRAPH_FILE) for one in trace.exports]
    made += [(one, c.SNAPSHOT_GRAPH_AFTER) for one in _steps(trace)]
    for span, key in sorted(made, key=lambda one: -one[0].end):
        is_made = 0 < span.end <= step.start and key in span.attributes
        if is_made and _form(snapshots.record(trace, span, key)) == wanted:
            return span
    return None


def _form(graph: Graph | None) -> Any:
    """What makes one model another: operators, values and constants, in their order."""
    if graph is None:
        return None
    nodes = [(node.op, tuple(node.inputs), tuple(node.outputs)) for node in graph.walk()]
    return nodes, [(one.name, tuple(one.shape), one.dtype) for one in graph.initializers]


def graphs(
    trace: Trace, steps: list[Span], captured: Graph | None, file: Graph
) -> list[tuple[str, Graph]]:
    """The exported file, then the graph that each step made; a node keeps its number throughout.

    Args:
        trace: where the steps are from.
        steps: as `chain` gives them.
        captured: the last graph of the export, whose numbers go on.
        file: the record of the exported file.

    Raises:
        SnapshotError: when a graph cannot be read.
    """
    numbers = itertools.count(_after(captured, file))
    parameters = {one.name: one.parameter for one in file.initializers}
    nodes = captured.walk() if captured is not None else []
    by_value = {name: node.id for node in nodes for name in node.outputs}
    found: list[tuple[str, Graph]] = []
    for step in steps:
        before = snapshots.record(trace, step, c.SNAPSHOT_GRAPH_BEFORE)
        after = snapshots.record(trace, step, c.SNAPSHOT_GRAPH_AFTER)
        if before is None or after is None:
            raise SnapshotError(f"{trace.source}: the graphs of {step.name} are not there")
        known: dict[int, int] = {}
        for node in before.walk():
            number = by_value.pop(node.outputs[0], None) if node.outputs else None
            known[node.id] = next(numbers) if number is None else number
        for node in after.walk():
            if node.id not in known:
                known[node.id] = next(numbers)
        for graph in (before, after):
            graph.nodes = [_numbered(node, known) for node in graph.nodes]
            for one in graph.initializers:
                one.parameter = parameters.get(one.name, "")
        if not found:
            found.append((FILE, before))
        found.append((step.name, after))
        by_value = {name: node.id for node in after.walk() for name in node.outputs}
    return found


def _after(*graphs: Graph | None) -> int:
    return 1 + max((node.id for graph in graphs if graph for node in graph.walk()), default=0)


def _numbered(node: Node, known: dict[int, int]) -> Node:
    blocks = [[_numbered(inner, known) for inner in block] for block in node.blocks]
    return dataclasses.replace(node, id=known[node.id], blocks=blocks)


def follow(lives: Lives, made: list[tuple[str, Graph]]) -> None:
    """Take what the steps did, the exported file being the first graph."""
    for (_, before), (name, after) in itertools.pairwise(made):
        for node in before.walk():
            lives.nodes.setdefault(node.id, Life())  # a node that no graph of the export has
        lives.follow(Step(name, before, after))
