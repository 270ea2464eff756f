"""The map from the exported file back to the model, for one export of a trace."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading.origins import pipeline
from onnxspan.reading.origins.life import Life, Lives, Step
from onnxspan.reading.source import snapshots
from onnxspan.reading.source.snapshots import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.graph_record import Graph, Node
    from onnxspan.reading.source.trace import Span, Trace


@dataclasses.dataclass(frozen=True)
class Origin:
    """One operator of the model.

    Attributes:
        operator: as the captured graph names it: `aten::gelu`, `aten.gelu.default`.
        module: path of the module that called it; empty for the model itself, None if unknown.
        module_class: the module's class.
        file: the line of the model; `line` its number, 0 where unknown.
    """

    operator: str
    module: str | None
    module_class: str
    file: str
    line: int


@dataclasses.dataclass(frozen=True)
class NodeOrigin:
    """One node of the file.

    Attributes:
        node: its name in the file; `op_type` its operator.
        origins: the operators that it stems from; several when they were fused into it.
        passes: each pass that did something to it: name, and `made`, `changed` or `fused`.
        added_by: the pass that added it by itself; empty when it stems from the model.
        serves: the operators whose nodes read what an added node computes.
    """

    node: str
    op_type: str
    origins: tuple[Origin, ...]
    passes: tuple[tuple[str, str], ...]
    added_by: str = ""
    serves: tuple[Origin, ...] = ()


@dataclasses.dataclass(frozen=True)
class InitializerOrigin:
    """One constant of the file.

    Attributes:
        name: in the file.
        bytes: its size.
        parameter: the parameter or buffer that it is, or those that it was computed from;
            empty when it stems from none.
        origins: the operators that it was folded from, or that read it.
        passes: the passes that computed it.
    """

    name: str
    bytes: int
    parameter: str
    origins: tuple[Origin, ...]
    passes: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Removed:
    """An operator of the model that left no node, and the pass after which none was left."""

    origin: Origin
    pass_name: str


@dataclasses.dataclass(frozen=True)
class Origins:
    """The whole map.

    Attributes:
        nodes: in the order of the file; nodes of inner graphs follow their node.
        initializers: in the order of the file.
        removed: operators that left no node.
        notes: what is missing from the trace, so that the map may be less than whole.
        steps: after the export, the steps that made the file.
    """

    nodes: tuple[NodeOrigin, ...]
    initializers: tuple[InitializerOrigin, ...]
    removed: tuple[Removed, ...]
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def known(self) -> int:
        """How many nodes have an origin, or say which pass added them."""
        return sum(bool(node.origins or node.added_by) for node in self.nodes)

    def as_json(self) -> dict[str, Any]:
        """The map as plain data; the keys are stable."""
        return {
            "nodes": [
                {
                    "node": one.node,
                    "op_type": one.op_type,
                    "origins": [dataclasses.asdict(origin) for origin in one.origins],
                    "passes": _passes(one.passes),
                    "added_by": one.added_by,
                    "serves": [dataclasses.asdict(origin) for origin in one.serves],
                }
                for one in self.nodes
            ],
            "initializers": [
                {
                    "name": one.name,
                    "bytes": one.bytes,
                    "parameter": one.parameter,
                    "origins": [dataclasses.asdict(origin) for origin in one.origins],
                    "passes": _passes(one.passes),
                }
                for one in self.initializers
            ],
            "removed": [
                {**dataclasses.asdict(one.origin), "pass": one.pass_name} for one in self.removed
            ],
            "notes": list(self.notes),
        }


def _passes(passes: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "did": did} for name, did in passes]


def of_export(trace: Trace, export: Span) -> Origins:
    """The map of one export.

    Raises:
        SnapshotError: when the export was recorded without snapshots, or none can be read.
    """
    file = _file(trace, export)
    lives, last, notes = _lives(trace, export)
    return _Map(lives, last, file, notes).made()


def of_step(trace: Trace, step: Span) -> Origins:
    """The map of the model that a step of a pack made of an exported one, as slimming does.

    Raises:
        SnapshotError: when it is not known which export's model the step was given.
    """
    export, steps = pipeline.chain(trace, step)
    file = _file(trace, export)
    lives, last, notes = _lives(trace, export)
    _Map(lives, last, file, notes).take_names()
    made = pipeline.graphs(trace, steps, last, file)
    pipeline.follow(lives, made)
    found = _Map(lives, made[-1][1], made[-1][1], notes).made()
    return dataclasses.replace(found, steps=tuple(one.name for one in steps))


def _file(trace: Trace, export: Span) -> Graph:
    root = export.holder(c.SNAPSHOT_GRAPH_FILE) or export
    file = snapshots.record(trace, root, c.SNAPSHOT_GRAPH_FILE)
    if file is None:
        raise SnapshotError(
            f"{trace.source}: this export has no graphs as data. Record it again with "
            "`onnxspan run --snapshots changed -o FILE.jsonl`, or trace(snapshots='changed'), "
            "to a file that the export finishes"
        )
    return file


def graphs(trace: Trace, export: Span, notes: list[str]) -> Iterator[tuple[str, Graph]]:
    """Each graph that was recorded in an export, in order of time, with the step that made it.

    What changed between two passes was done by the pass around both.

    Args:
        trace: where the export is from.
        export: its root.
        notes: gets a line for each graph that cannot be read.
    """
    last: Graph | None = None
    for span, key in _moments(export):
        try:
            graph = snapshots.record(trace, span, key)
        except SnapshotError as error:
            notes.append(str(error))
            continue
        if graph is None:
            continue
        is_before, was_fx = key == c.SNAPSHOT_GRAPH_BEFORE, last is not None and last.kind == "fx"
        if is_before and was_fx and graph.kind == "fx":
            continue  # a decomposition begins with the program that the one around it began with
        name = _around(span) if is_before else span.name
        yield c.FX_TRANSLATION if was_fx and graph.kind != "fx" else name, graph
        last = graph
    if export.get(c.SNAPSHOT_OMISSIONS):
        notes.append(f"{export.get(c.SNAPSHOT_OMISSIONS)} graphs were not kept because of a limit")


def graphs_after(
    trace: Trace, export: Span, inside: list[tuple[str, Graph]]
) -> list[tuple[str, Graph]]:
    """The exported file and the graphs that steps of packs made of it; none where none is known.

    Args:
        trace: where the export is from.
        export: its root.
        inside: the graphs of the export, as `graphs` gives them.
    """
    steps = pipeline.last(trace, export) if inside else []
    return pipeline.graphs(trace, steps, inside[-1][1], _file(trace, export)) if steps else []


def _lives(trace: Trace, export: Span) -> tuple[Lives, Graph | None, list[str]]:
    lives = Lives()
    notes: list[str] = []
    last: Graph | None = None
    for name, graph in graphs(trace, export, notes):
        if last is None:
            lives.begin(graph)
        elif graph.kind == "fx":
            lives.decompose(last, graph)
        else:
            lives.follow(Step(name, last, graph))
        last = graph
    return lives, last, notes


def _moments(export: Span) -> list[tuple[Span, str]]:
    """Each moment at which a graph was recorded, in order of time."""
    moments = []
    for order, span in enumerate(export.walk()):
        if c.SNAPSHOT_GRAPH_AFTER in span.attributes:
            moments.append((span.start, order, span, c.SNAPSHOT_GRAPH_BEFORE))
            moments.append((span.end, -order, span, c.SNAPSHOT_GRAPH_AFTER))
    return [(span, key) for _, _, span, key in sorted(moments, key=lambda one: one[:2])]


def _around(span: Span) -> str:
    return span.parent.name if span.parent is not None else span.name


class _Map:
    def __init__(self, lives: Lives, last: Graph | None, file: Graph, notes: list[str]) -> None:
        self._lives = lives
        self._file = file
        self._notes = notes
        self._makers: dict[str, Node] = {}
        if last is not None:
            self._makers = {name: node for node in last.walk() for name in node.outputs}
        self._reading: dict[str, list[Node]] = {}
        for node in file.walk():
            for name in dict.fromkeys(node.inputs):
                self._reading.setdefault(name, []).append(node)
        # The file may name a constant otherwise than the last graph did.
        self._last_names = {
            now: was
            for node in file.walk()
            if (maker := self._maker(node)) is not None and len(maker.inputs) == len(node.inputs)
            for was, now in zip(maker.inputs, node.inputs, strict=True)
        }

    def take_names(self) -> None:
        """Know the constants that passes computed by the names in the file, too."""
        values = self._lives.values
        for now, was in self._last_names.items():
            if was in values:
                values.setdefault(now, values[was])

    def made(self) -> Origins:
        nodes = tuple(self._node(node) for node in self._file.walk())
        initializers = tuple(
            self._initializer(one.name, one.bytes, one.parameter)
            for one in self._file.initializers
        )
        removed = tuple(
            Removed(_origin(self._lives.operators[key]), name)
            for key, name in self._lives.gone.items()
            if not self._lives.operators[key].op.startswith("prim::")
            and not is_value(self._lives.operators[key])
        )
        return Origins(nodes, initializers, removed, tuple(self._notes))

    def _maker(self, node: Node) -> Node | None:
        """The node of the last graph that makes the same value."""
        return next((self._makers[name] for name in node.outputs if name in self._makers), None)

    def _life(self, node: Node) -> Life | None:
        maker = self._maker(node)
        return self._lives.nodes.get(maker.id) if maker is not None else None

    def _node(self, node: Node) -> NodeOrigin:
        life = self._life(node)
        if life is None:
            return NodeOrigin(node.name, node.op, (), ())
        origins = self._of(life)
        added = ""
        serves: tuple[Origin, ...] = ()
        if not origins:
            added = life.passes[0][0] if life.passes else ""
            serves = self._readers(node)
        return NodeOrigin(node.name, node.op, origins, tuple(life.passes), added, serves)

    def _of(self, life: Life) -> tuple[Origin, ...]:
        nodes = [self._lives.operators[key] for key in life.origins]
        # Constants and lists are arguments of the operators, unless there is nothing else.
        nodes = [node for node in nodes if not node.op.startswith("prim::")] or nodes
        return tuple(dict.fromkeys(map(_origin, nodes)))

    def _readers(self, node: Node) -> tuple[Origin, ...]:
        """The operators whose nodes read, directly or through other added nodes, what one makes."""
        found: dict[Origin, None] = {}
        wanted, seen = list(node.outputs), set()
        while wanted:
            name = wanted.pop()
            if name in seen:
                continue
            seen.add(name)
            for reader in self._reading.get(name, ()):
                life = self._life(reader)
                if life is not None and life.origins:
                    found.update(dict.fromkeys(self._of(life)))
                else:
                    wanted += reader.outputs
        return tuple(found)

    def _initializer(self, name: str, size: int, parameter: str) -> InitializerOrigin:
        life = self._lives.values.get(self._last_names.get(name, name))
        if life is not None and life.origins:
            inputs = {self._last_names.get(one, one) for one in self._file.inputs}
            made_of = tuple(one for one in life.parameters if one not in inputs)
            return InitializerOrigin(
                name, size, parameter or ", ".join(made_of), self._of(life), tuple(life.passes)
            )
        readers: dict[Origin, None] = {}
        for node in self._reading.get(name, ()):
            reader = self._life(node)
            readers.update(dict.fromkeys(self._of(reader)) if reader is not None else {})
        passes = tuple(life.passes) if life is not None else ()
        return InitializerOrigin(name, size, parameter, tuple(readers), passes)


def _origin(node: Node) -> Origin:
    return Origin(node.op, node.module, node.module_class, node.file, node.line)


def is_value(node: Node) -> bool:
    """Whether an fx node only picks one of several results."""
    return node.op.endswith("getitem>") or "getitem" in node.op.rpartition(".")[2]
