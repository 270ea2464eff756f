"""Follows nodes from record to record: made, changed, fused, folded, removed, and by which pass."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from onnxspan import conventions as c

if TYPE_CHECKING:
    from onnxspan.graph_record import Graph, Node

MADE, CHANGED, FUSED, FOLDED, REMOVED = "made", "changed", "fused", "folded", "removed"


@dataclasses.dataclass
class Life:
    """What is known of one node.

    Attributes:
        origins: keys of the model's operators that it stems from, in the order first met.
        passes: each pass that did something to it, and what.
        parameters: of a constant that a pass computed: the constants that it was computed from.
        added: a pass made the node by itself, from no operator of the model.
    """

    origins: dict[str, None] = dataclasses.field(default_factory=dict)
    passes: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    added: bool = False
    parameters: dict[str, None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Step:
    """One pass with the graph before and after it."""

    name: str
    before: Graph
    after: Graph


class Lives:
    """The lives of all nodes of one export.

    Attributes:
        operators: the model's operators by key: the nodes of the graph that the capture made.
        nodes: by node's number; `values` by name of an initializer that a pass made.
        gone: by key of an operator, the pass after which nothing of it was left.
    """

    def __init__(self) -> None:
        self.operators: dict[str, Node] = {}
        self.nodes: dict[int, Life] = {}
        self.values: dict[str, Life] = {}
        self.gone: dict[str, str] = {}
        self.by_fx_name: dict[str, Life] = {}

    def begin(self, graph: Graph) -> None:
        """Take the nodes of the captured graph as the model's operators.

        Where a decomposition changed nothing, no fx graph was kept, and the first graph is the
        translated one: its nodes name the fx nodes that they were made from.
        """
        if graph.kind == "onnx":
            self._begin_translated(graph)
            return
        for node in graph.walk():
            key = _key(graph, node)
            self.operators[key] = node
            self.nodes[node.id] = Life({key: None})
            if graph.kind == "fx":
                self.by_fx_name[node.name] = self.nodes[node.id]

    def _begin_translated(self, graph: Graph) -> None:
        for node in graph.walk():
            life = self.nodes[node.id] = Life(passes=[(c.FX_TRANSLATION, MADE)])
            target = node.attributes.get("fx_target")
            for source in node.source[:1] if target else ():
                key = f"fx:{source}"
                self.operators.setdefault(key, dataclasses.replace(node, op=str(target)))
                life.origins[key] = None
            life.added = not life.origins

    def decompose(self, captured: Graph, decomposed: Graph) -> None:
        """Take a decomposition: each new node stems from the captured one that it replaced."""
        names = {node.name: self.nodes.get(node.id) for node in captured.walk()}
        for node in decomposed.walk():
            life = self.nodes[node.id] = Life()
            sources = [one for name in node.source if (one := names.get(name)) is not None]
            for one in sources[:1]:
                life.origins.update(one.origins)
            if not life.origins:
                self.operators[f"fx:{node.name}"] = node
                life.origins[f"fx:{node.name}"] = None
            self.by_fx_name[node.name] = life

    def follow(self, step: Step) -> None:
        """Take what one pass did."""
        before, after = step.before, step.after
        old = {node.id: node for node in before.walk()}
        new = {node.id: node for node in after.walk()}
        for number, node in new.items():
            if number not in self.nodes:
                self._made(step, node)
        # A conversion says of each new node what it was made from; there is nothing to find out.
        is_conversion = any(isinstance(one, int) for node in new.values() for one in node.source)
        if before.kind == after.kind and not is_conversion:
            self._compare(step, old, new)
        survivors = {key for number in new for key in self.nodes[number].origins}
        survivors |= {key for life in self.values.values() for key in life.origins}
        for key in self.operators:
            if key not in survivors:
                self.gone.setdefault(key, step.name)
            else:
                self.gone.pop(key, None)

    def _made(self, step: Step, node: Node) -> None:
        life = self.nodes[node.id] = Life()
        life.passes.append((step.name, MADE))
        for source in node.source:
            if isinstance(source, int):
                known = self.nodes.get(source)
                life.origins.update(known.origins if known is not None else {})
            elif source in self.by_fx_name:
                life.origins.update(self.by_fx_name[source].origins)
        life.added = not life.origins

    def _compare(self, step: Step, old: dict[int, Node], new: dict[int, Node]) -> None:
        gone = {number: node for number, node in old.items() if number not in new}
        made = [node for number, node in new.items() if number not in old]
        matched = self._match(step, gone, made)
        producers = {name: node for node in new.values() for name in node.outputs}
        makers = {name: node for node in old.values() for name in node.outputs}
        taken = replacements(step, gone, new)
        for node in gone.values():
            takers = {value for output in node.outputs for value in taken.get(output, ())}
            for value in takers:
                taker = producers.get(value)
                group = self._group(node, gone, makers)
                if taker is None:
                    self._folded(step, value, group)
                elif taker.id not in old and taker in made:
                    life = self.nodes[taker.id]
                    did = FUSED if life.origins or len(group) > 1 else CHANGED
                    self._take(life, group)
                    if life.passes[-1:] == [(step.name, MADE)]:
                        life.passes[-1] = step.name, did
                    else:
                        _note(life, step.name, did)
                    life.added = False
                    group += [matched[taker.id]] if taker.id in matched else []
                    self._computed(step, taker, group)
                elif _differs(old[taker.id], taker) or self._has_new_weights(
                    step, old[taker.id], taker
                ):
                    life = self.nodes[taker.id]
                    self._take(life, group)
                    _note(life, step.name, FUSED)
                    self._computed(step, taker, [*group, old[taker.id]])
        for number, node in new.items():
            if number in old:
                self._rename(step, old[number], node)
                if _differs(old[number], node):
                    _note(self.nodes[number], step.name, CHANGED)

    def _rename(self, step: Step, was: Node, now: Node) -> None:
        """A constant that a pass has computed may get its final name from a later pass."""
        if len(was.inputs) != len(now.inputs):
            return
        for old, new in zip(was.inputs, now.inputs, strict=True):
            if old != new and old in self.values and old not in _constants(step.after):
                self.values[new] = self.values.pop(old)

    def _match(self, step: Step, gone: dict[int, Node], made: list[Node]) -> dict[int, Node]:
        """Nodes that a pass has put in the place of equal ones are those, one by one.

        They are taken out of `gone`. Only where as many were made as are gone is the order of
        the nodes a proof; else the values that are read tell.

        Returns:
            By number of a node that was made, the one that it stands for.
        """
        matched: dict[int, Node] = {}
        groups: dict[tuple[str, str | None], tuple[list[Node], list[Node]]] = {}
        for node in gone.values():
            groups.setdefault((node.op, node.module), ([], []))[0].append(node)
        for node in made:
            groups.setdefault((node.op, node.module), ([], []))[1].append(node)
        for before, after in groups.values():
            if len(before) != len(after):
                continue
            for was, now in zip(before, after, strict=True):
                known, life = self.nodes[was.id], self.nodes[now.id]
                if life.origins and not known.origins:
                    continue
                life.origins = {**known.origins, **life.origins}
                life.added = known.added
                life.passes = list(known.passes)
                if form(was) != form(now):
                    _note(life, step.name, CHANGED)
                del gone[was.id]
                matched[now.id] = was
        return matched

    @staticmethod
    def _has_new_weights(step: Step, was: Node, now: Node) -> bool:
        new = _constants(step.after) - _constants(step.before)
        return any(name in new and name not in was.inputs for name in now.inputs)

    def _take(self, life: Life, group: list[Node]) -> None:
        for node in group:
            life.origins.update(self.nodes[node.id].origins)

    def _folded(self, step: Step, value: str, group: list[Node]) -> None:
        if value not in _constants(step.after) - _constants(step.before):
            return
        life = self.values.setdefault(value, Life())
        self._take(life, group)
        _note(life, step.name, FOLDED)
        known = _constants(step.before)
        life.parameters.update(
            dict.fromkeys(name for node in group for name in node.inputs if name in known)
        )

    def _computed(self, step: Step, taker: Node, group: list[Node]) -> None:
        """Weights that a fused node reads and that are new were computed from the group's."""
        for name in taker.inputs:
            self._folded(step, name, group)

    def _group(self, node: Node, gone: dict[int, Node], makers: dict[str, Node]) -> list[Node]:
        """The node, and those before it that went with it because only they read each other."""
        found = {node.id: node}
        stack = [node]
        while stack:
            for name in stack.pop().inputs:
                maker = makers.get(name)
                if maker is not None and maker.id in gone and maker.id not in found:
                    found[maker.id] = maker
                    stack.append(maker)
        return list(found.values())


def replacements(step: Step, gone: dict[int, Node], new: dict[int, Node]) -> dict[str, set[str]]:
    """By value of a node that is gone: the values that are read in its place."""
    lost = {name for node in gone.values() for name in node.outputs}
    pairs = list(zip(step.before.outputs, step.after.outputs, strict=False))
    for node in step.before.walk():
        reader = new.get(node.id)
        if reader is not None and len(reader.inputs) == len(node.inputs):
            pairs += zip(node.inputs, reader.inputs, strict=True)
    # What makes a value of the same name has taken the place of the node that is gone.
    made = [name for node in new.values() for name in node.outputs]
    made += [one.name for one in step.after.initializers]
    pairs += [(name, name) for name in made]
    taken: dict[str, set[str]] = {}
    for was, now in pairs:
        if was in lost:
            taken.setdefault(was, set()).add(now)
    return taken


def _constants(graph: Graph) -> set[str]:
    return {one.name for one in graph.initializers} | set(graph.inputs)


def _differs(was: Node, now: Node) -> bool:
    return form(was) != form(now)


def form(node: Node) -> tuple[str, int, dict[str, object]]:
    """What makes a node another one; its name in the file does not."""
    attributes = {key: value for key, value in node.attributes.items() if key != "onnx_name"}
    return node.op, len(node.inputs), attributes


def _note(life: Life, name: str, did: str) -> None:
    if (name, did) not in life.passes:
        life.passes.append((name, did))


def _key(graph: Graph, node: Node) -> str:
    return f"fx:{node.name}" if graph.kind == "fx" else f"ts:{node.id}"
