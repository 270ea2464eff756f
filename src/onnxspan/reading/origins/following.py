"""Follows one value or node through every graph of an export."""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.errors import OnnxspanError
from onnxspan.reading.origins import origins, pipeline
from onnxspan.reading.origins.life import (
    CHANGED,
    FOLDED,
    FUSED,
    MADE,
    REMOVED,
    Step,
    form,
    replacements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onnxspan.graph_record import Graph, Node
    from onnxspan.reading.source.trace import Span, Trace

CAPTURED, CONVERTED, RENAMED, KEPT = "captured", "converted", "renamed", "kept"
ALSO = "also"
"""Not of the value's life: another value that has the same name in some graph."""
MAX_SUGGESTIONS = 5


class ValueNotFoundError(OnnxspanError):
    """No graph of the export has a value or node of that name."""


@dataclasses.dataclass(frozen=True)
class Event:
    """What one step did to the value.

    Attributes:
        step: the stage or pass.
        did: `captured`, `made`, `converted`, `renamed`, `changed`, `fused`, `folded`, `removed`,
            and at the end `kept`; `also` tells another value of the same name.
        text: the node or constant that it is now, or why it is gone.
    """

    step: str
    did: str
    text: str


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where the value is in one graph: an output of a node, or a constant or input by name."""

    name: str
    node: Node | None = None
    index: int = 0


def of_export(trace: Trace, export: Span, wanted: str) -> list[Event]:
    """The life of a value, from the graph that has its name first to the last graph.

    Args:
        trace: where the export is from; it needs snapshots.
        export: its root.
        wanted: a value's or a node's name, as some graph of the export has it; `%` may lead.

    Raises:
        SnapshotError: when the export was recorded without snapshots.
        ValueNotFoundError: when no graph has the name; the message has names that are like it.
    """
    notes: list[str] = []
    found = list(origins.graphs(trace, export, notes))
    if not found:
        origins.of_export(trace, export)  # it says what is missing
    found += origins.graphs_after(trace, export, found)
    return follow(found, wanted.strip().removeprefix("%").strip('"'))


def follow(graphs: Sequence[tuple[str, Graph]], wanted: str) -> list[Event]:
    """The life of a value through graphs, each with the step that made it.

    It begins before the name was given, where the value can be followed back without a doubt.
    Graphs use a name again for another value: the value of the last graph is meant, else the one
    that has the name first, and the others are told.

    Raises:
        ValueNotFoundError: when no graph has the name; the message has names that are like it.
    """
    places = {
        number: place
        for number, (_, graph) in enumerate(graphs)
        if (place := _find(graph, wanted)) is not None
    }
    if places:
        last = len(graphs) - 1
        number = last if last in places else min(places)
        first, begun = _back(graphs, number, places[number])
        events, passed = _forward(graphs, first, begun)
        if (number, places[number].name) not in passed:
            events, passed = _forward(graphs, number, places[number])
        for other, place in places.items():
            if (other, place.name) not in passed:
                return [
                    *events,
                    Event(graphs[other][0], ALSO, f"another value: {_described(place)}"),
                ]
        return events
    names = dict.fromkeys(name for _, graph in graphs for name in _names(graph))
    like = difflib.get_close_matches(wanted, names, MAX_SUGGESTIONS, 0.5)
    more = f"; names like it: {', '.join(like)}" if like else ""
    raise ValueNotFoundError(f"no graph of this export has a value or node {wanted!r}{more}")


def _forward(
    graphs: Sequence[tuple[str, Graph]], first: int, place: _Place
) -> tuple[list[Event], set[tuple[int, str]]]:
    """The events from a graph on, and the number of each graph with the value's name there."""
    events = [Event(graphs[first][0], MADE if first else CAPTURED, _described(place))]
    target = place.node.attributes.get("fx_target") if place.node is not None else None
    if not first and target and place.node is not None:
        # No program was kept: the nodes of the first graph name what they were translated from.
        name = str((place.node.source or [place.name])[0])
        node = dataclasses.replace(place.node, op=str(target), outputs=[name], inputs=["…"])
        events[0] = Event(graphs[0][0], CAPTURED, node_text(node))
        events.append(Event(c.FX_TRANSLATION, CONVERTED, _described(place)))
    passed = {(first, place.name)}
    for number in range(first + 1, len(graphs)):
        step, graph = graphs[number]
        event, found = _next(Step(step, graphs[number - 1][1], graph), place)
        if event is not None:
            events.append(event)
        if found is None:
            return events, passed
        place = found
        passed.add((number, place.name))
    return [*events, Event(graphs[-1][0], KEPT, f"to the end: {_described(place)}")], passed


def _back(graphs: Sequence[tuple[str, Graph]], number: int, place: _Place) -> tuple[int, _Place]:
    """The first graph that has the value, under whatever name, and where it is there."""
    while number and place.node is None:
        same = _find(graphs[number - 1][1], place.name, values_only=True)
        if same is None or same.node is not None:
            break
        number -= 1
    while number and (node := place.node) is not None:
        before = {one.id: one for one in graphs[number - 1][1].walk()}
        old = before.get(node.id)
        if old is not None and place.index < len(old.outputs):
            place = _Place(old.outputs[place.index], old, place.index)
        else:
            sources = [
                one for one in before.values() if one.id in node.source or one.name in node.source
            ]
            made = sources[-1:] if len({one.id for one in sources}) == 1 else []
            if not made or not made[0].outputs:
                break
            place = _Place(made[0].outputs[0], made[0])
        number -= 1
    return number, place


def _next(step: Step, place: _Place) -> tuple[Event | None, _Place | None]:
    """What one step did, and where the value is then; None where it is gone."""
    node = place.node
    if node is None:
        return _next_constant(step, place)
    new = {one.id: one for one in step.after.walk()}
    same = new.get(node.id)
    if same is not None and place.index < len(same.outputs):
        now = _Place(same.outputs[place.index], same, place.index)
        # The record of a file writes operators and tensors otherwise than that of a live graph.
        if step.name != pipeline.FILE and form(node) != form(same):
            return Event(step.name, CHANGED, _described(now)), now
        renamed = Event(step.name, RENAMED, f"{place.name} is now {_described(now)}")
        return renamed if now.name != place.name else None, now
    named = node.name or None
    made = [one for one in new.values() if node.id in one.source or named in one.source]
    if made:
        last, index = _result(step, place, made)
        now = _Place((last.outputs or [""])[index], last, index)
        return Event(step.name, CONVERTED, "\n".join(node_text(one) for one in made)), now
    return _next_of_gone(step, place, node, new)


def _result(step: Step, place: _Place, made: list[Node]) -> tuple[Node, int]:
    """Which of the nodes that an operator became makes the value, and as which output."""
    name = place.name if step.before.kind == "fx" else ""  # a conversion of TorchScript renumbers
    outputs = step.before.outputs
    if place.name in outputs and len(outputs) == len(step.after.outputs):
        name = step.after.outputs[outputs.index(place.name)]
    for one in made:
        if name in one.outputs:
            return one, one.outputs.index(name)
    return made[-1], 0


def _next_of_gone(
    step: Step, place: _Place, node: Node, new: dict[int, Node]
) -> tuple[Event | None, _Place | None]:
    """The same for a node that the step took away: what stands in its place, or in its readers'."""
    old = {one.id: one for one in step.before.walk()}
    gone = {number: one for number, one in old.items() if number not in new}
    taken = replacements(step, gone, new)
    names, seen = [place.name], {place.name}
    while names:
        name = names.pop(0)
        for found in sorted(taken.get(name, ())):
            now = _find(step.after, found, values_only=True)
            if now is None:
                continue
            if now.node is None:
                return Event(step.name, FOLDED, f"into the constant {found}"), now
            is_fused = now.node.id in old or now.node.op != node.op or name != place.name
            return Event(step.name, FUSED if is_fused else CHANGED, _described(now)), now
        readers = [one for one in gone.values() if name in one.inputs]
        converted = [one for one in readers if any(one.id in made.source for made in new.values())]
        if converted:  # an argument of an operator, which the conversion reads
            argument = f"{node.op} ({place.name}): an argument of {converted[0].op}, now converted"
            return Event(step.name, REMOVED, argument), None
        more = [output for one in readers for output in one.outputs if output not in seen]
        names += more
        seen.update(more)
    return Event(
        step.name, REMOVED, f"{node.op} ({place.name}): nothing is read in its place"
    ), None


def _next_constant(step: Step, place: _Place) -> tuple[Event | None, _Place | None]:
    now = _find(step.after, place.name, values_only=True)
    if now is not None:
        return None, now
    known = [one.parameter for one in step.before.initializers if one.name == place.name]
    for constant in step.after.initializers:
        if known and known[0] and known[0] in (constant.parameter, constant.name):
            now = _Place(constant.name)
            return Event(step.name, RENAMED, f"{place.name} is now {_described(now)}"), now
    before, after = step.before.inputs, step.after.inputs
    if place.name in before and len(before) == len(after):
        renamed = _Place(after[before.index(place.name)])
        return Event(step.name, RENAMED, f"{place.name} is now {_described(renamed)}"), renamed
    readers = {one.id: one for one in step.before.walk() if place.name in one.inputs}
    for one in step.after.walk():
        was = readers.get(one.id)
        if was is not None and len(was.inputs) == len(one.inputs):
            name = one.inputs[was.inputs.index(place.name)]
            if name != place.name:
                taken = _find(step.after, name, values_only=True)
                if taken is not None:
                    return Event(
                        step.name, RENAMED, f"{place.name} is now {_described(taken)}"
                    ), taken
    return Event(
        step.name, REMOVED, f"the input or constant {place.name} is in no graph after it"
    ), None


def _find(graph: Graph, wanted: str, *, values_only: bool = False) -> _Place | None:
    named: _Place | None = None
    for node in graph.walk():
        if wanted in node.outputs:
            return _Place(wanted, node, node.outputs.index(wanted))
        if node.name == wanted and node.outputs and not values_only:
            named = named or _Place(node.outputs[0], node)
    if wanted in graph.inputs or any(one.name == wanted for one in graph.initializers):
        return _Place(wanted)
    return named


def _names(graph: Graph) -> Iterable[str]:
    yield from graph.inputs
    for one in graph.initializers:
        yield one.name
    for node in graph.walk():
        yield from node.outputs
        if node.name:
            yield node.name


def _described(place: _Place) -> str:
    return (
        node_text(place.node) if place.node is not None else f"the input or constant {place.name}"
    )


def node_text(node: Node) -> str:
    """A node in one line: outputs, operator, inputs, and where in the model it is from."""
    text = f"{', '.join(node.outputs)} = {node.op}({', '.join(node.inputs)})"
    where = [node.module or ("the model itself" if node.module == "" else "")]
    where += [f"{node.file}:{node.line}"] if node.file else []
    told = ", ".join(filter(None, where))
    return f"{text}   # {told}" if told else text
