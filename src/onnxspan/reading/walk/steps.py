"""The walk: an export as a list of steps, as one goes through it with a debugger.

One step for each stage, and for each pass that changed something or whose C++ said what it did,
in the order of the calls. The terminal and the HTML report show the same list.
"""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan import explanations
from onnxspan.reading.walk import facts
from onnxspan.reading.walk import source as torch_source
from onnxspan.reading.walk.model_lines import model_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onnxspan.reading.source.trace import Span, Trace


@dataclasses.dataclass(frozen=True)
class Step:
    """One stop of the walk; all fields are plain data.

    Attributes:
        number: counted from 1 over the whole trace.
        depth: how many steps it is inside of.
        kind: `export`, `stage`, `pass` or `node`.
        duration: seconds.
        what, why, changes, wrong: from its explanation, Markdown; empty when there is none.
        place: torch's Python file and line, or the name of the C++ function.
        source: the file in torch's repository that has the code; `code` some lines of torch's
            Python source, where the installed torch is the one that was recorded.
        went_in, came_out: what it was given and what it made of it, a line each.
        more: the attributes that neither of these says; `telemetry` those about the recording
            and the process.
        log: what was said inside it: the pass's own log, warnings, torch's log records.
        diff: the change of the graph's text, when there is a snapshot.
        model: lines of the model whose nodes the step made or removed, when there is a snapshot.
        error: the failure, when there was one.
        unchanged: what ran after it, before the next step, and changed neither the number of
            nodes nor the inputs.
    """

    number: int
    depth: int
    kind: str
    name: str
    span_id: str
    one_line: str
    duration: float
    what: str
    why: str
    changes: str
    wrong: str
    place: str
    source: str
    code: tuple[str, ...]
    went_in: tuple[str, ...]
    came_out: tuple[str, ...]
    more: tuple[tuple[str, str], ...]
    telemetry: tuple[tuple[str, str], ...]
    log: tuple[str, ...]
    diff: str
    model: tuple[str, ...]
    error: str
    unchanged: tuple[str, ...]


def steps(trace: Trace, diff: Callable[[Span], str] | None = None) -> list[Step]:
    """The steps of every export of a trace.

    Args:
        trace: where the spans are from.
        diff: gives a span's unified diff of the graph, empty when it has none.
    """
    visited = [visit for root in trace.roots for visit in visits(root)]
    stops = _stops(visited, diff)
    found: list[Step] = []
    skipped: list[list[str]] = []
    inside: dict[int, int] = {}  # of each span: how many steps hold it
    for visit in visited:
        span = visit.span
        parent = span.parent
        depth = 0 if parent is None else inside[id(parent)] + (id(parent) in stops)
        inside[id(span)] = depth
        if id(span) in stops:
            found.append(_step(trace, visit, len(found) + 1, depth, diff))
            skipped.append([])
        elif skipped and not span.is_node:
            skipped[-1].append(span.name)
    return [
        dataclasses.replace(step, unchanged=tuple(_counted(names)))
        for step, names in zip(found, skipped, strict=True)
    ]


@dataclasses.dataclass(frozen=True)
class Visit:
    """A span, and the last graph size and shape that were known when it began."""

    span: Span
    before: facts.Size | None


def visits(root: Span) -> Iterator[Visit]:
    """Every span below a root, in the order of the calls."""
    # An explicit stack: a broken file may nest deeper than Python's recursion goes.
    last: facts.Size | None = None
    stack: list[tuple[Span, bool]] = [(root, True)]
    while stack:
        span, entering = stack.pop()
        if not entering:
            last = facts.Size.of(span) or last
            continue
        yield Visit(span, last)
        stack.append((span, False))
        stack.extend((child, True) for child in reversed(span.children))


def _stops(visited: list[Visit], diff: Callable[[Span], str] | None) -> set[int]:
    """Which spans are steps; a span that holds one is a step itself."""
    stops: set[int] = set()
    for visit in visited:
        span = visit.span
        if span.scope and span.scope != c.SCOPE:
            continue  # the user's own spans around the export
        if _acted(visit) or (diff is not None and diff(span)):
            stops.add(id(span))
            for above in [*span.outward()][1:]:
                if id(above) in stops:
                    break  # and so is all above it
                if above.scope in ("", c.SCOPE):
                    stops.add(id(above))
    return stops


def _acted(visit: Visit) -> bool:
    span = visit.span
    if span.error or not span.end:
        return True
    if span.is_node:
        return False
    if span.get(c.LEVEL) != _PASS or span.get(c.NODES_CHANGE) or span.get(c.PASS_MODIFIED) is True:
        return True
    if any(event.name == c.NATIVE_LOG_EVENT for event in span.events):
        return True  # a C++ pass that says what it did
    after = facts.Size.of(span)
    return visit.before is not None and after is not None and after.has_other_inputs(visit.before)


_EXPORT = "export"
_WITHOUT_GRAPHS = (
    "graphs of the passes: not recorded. What a pass changed in types, attributes or order is not "
    "known: `onnxspan run --snapshots changed` records it"
)
_PASS = c.Level.PASSES.name.lower()


def _step(
    trace: Trace, visit: Visit, number: int, depth: int, diff: Callable[[Span], str] | None
) -> Step:
    span = visit.span
    function = str(span.get(c.FUNCTION, ""))
    explained = explanations.for_span(span.name, function)
    sections = explained.sections if explained is not None else {}
    went_in, came_out = facts.in_and_out(span, visit.before)
    if _kind(span) == _EXPORT and not any(
        c.SNAPSHOT_CHANGED in one.attributes for one in span.walk()
    ):
        came_out = [*came_out, _WITHOUT_GRAPHS]
    rows = list(facts.more(span))
    return Step(
        number=number,
        depth=depth,
        kind=_kind(span),
        name=span.name,
        span_id=span.span_id,
        one_line=explanations.one_line(span.name, function),
        duration=span.duration,
        what=sections.get("What it does", ""),
        why=sections.get("Why it is there", ""),
        changes=sections.get("What it changes", ""),
        wrong=sections.get("What goes wrong", ""),
        place=facts.place(span),
        source=explained.source if explained is not None else "",
        code=tuple(torch_source.lines(span)),
        went_in=tuple(went_in),
        came_out=tuple(came_out),
        more=tuple(row for row in rows if not facts.is_telemetry(row[0])),
        telemetry=tuple(row for row in rows if facts.is_telemetry(row[0])),
        log=tuple(facts.log(span)),
        diff=diff(span) if diff is not None else "",
        model=tuple(model_lines(trace, span)),
        error=facts.error(span),
        unchanged=(),
    )


def _kind(span: Span) -> str:
    if c.EXPORTER in span.attributes:
        return _EXPORT
    if span.is_node:
        return "node"
    return "pass" if span.get(c.LEVEL) == _PASS else "stage"


def _counted(names: list[str]) -> list[str]:
    """Names in the order first met, those that came several times as `4 x name`."""
    return [
        name if times == 1 else f"{times} x {name}"
        for name, times in collections.Counter(names).items()
    ]


class Walker:
    """A position in the steps, and the ways to go on from it."""

    def __init__(self, found: list[Step]) -> None:
        self.steps = found
        self.index = 0
        self.query = ""

    @property
    def step(self) -> Step:
        """Where the walk is."""
        return self.steps[self.index]

    def trail(self) -> list[str]:
        """The names of the steps that hold this one, outermost first."""
        names: list[str] = []
        depth = self.step.depth
        for step in reversed(self.steps[: self.index]):
            if step.depth < depth:
                names.insert(0, step.name)
                depth = step.depth
        return names

    def on(self) -> bool:
        """To the next step, whether it is inside this one or after it; False at the end."""
        return self._go(self.index + 1)

    def back(self) -> bool:
        """To the step before; False at the beginning."""
        return self._go(self.index - 1)

    def over(self) -> bool:
        """To the next step that is not inside this one; False when there is none."""
        return self._go(self._after(self.step.depth))

    def into(self) -> bool:
        """To the first step inside this one; False when there is none."""
        inside = self.index + 1
        deeper = inside < len(self.steps) and self.steps[inside].depth > self.step.depth
        return self._go(inside) if deeper else False

    def out(self) -> bool:
        """To the first step after the one that holds this one; False when there is none."""
        return self._go(self._after(self.step.depth - 1))

    def search(self, query: str) -> bool:
        """To the next step that has the text in its name or its line; False when none has.

        It goes on from the start at the end. An empty query repeats the last one.
        """
        self.query = query.strip().lower() or self.query
        if not self.query:
            return False
        for offset in range(1, len(self.steps) + 1):
            index = (self.index + offset) % len(self.steps)
            step = self.steps[index]
            if self.query in f"{step.name}\n{step.one_line}".lower():
                return self._go(index)
        return False

    def _after(self, depth: int) -> int:
        for index in range(self.index + 1, len(self.steps)):
            if self.steps[index].depth <= depth:
                return index
        return -1

    def _go(self, index: int) -> bool:
        if not 0 <= index < len(self.steps):
            return False
        self.index = index
        return True
