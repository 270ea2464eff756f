"""An export as a set of steps, so that two of them, or many, can be laid side by side.

A *step* is what stands at one path of names below the export's root: all calls of a pass in
one stage are one step (`_optimize_graph` runs `_jit_pass_lint` ten times). So an extra call
in a newer torch shows as a count that changed, and does not shift all that follows.
Per-operator work is a step too. Node spans are not: their time is in those sums, and an
export recorded at the level `nodes` compares with one recorded at `passes`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span

Path = tuple[str, ...]
"""Names from the export's root (left out) down to the step."""

OPERATOR = "operator"
"""The level of a step that is per-operator work."""


@dataclasses.dataclass
class Step:
    """Everything one export did at one path.

    Attributes:
        level: `stages`, `passes`, or `operator` for summed per-operator work.
        start: seconds from the export's beginning to the first call.
        calls: how often it ran.
        duration: seconds, all calls together, with what runs inside.
        self_time: seconds that are not in a step below it; operators' work counts as its own.
        cpu: the thread's processor time of `duration`, the garbage collector's left out; None
            where a call does not say it.
        self_cpu: the same of `self_time`.
        nodes: nodes of the graph after the last call; None without a graph.
        change: nodes gained less nodes lost over all calls; None without a graph.
        failures: the descriptions of the calls that failed.
    """

    path: Path
    level: str
    start: float = 0.0
    calls: int = 0
    duration: float = 0.0
    self_time: float = 0.0
    cpu: float | None = None
    self_cpu: float | None = None
    nodes: int | None = None
    change: int | None = None
    failures: list[str] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        """The last name of the path; empty for the whole export."""
        return self.path[-1] if self.path else ""


def steps_of(root: Span) -> dict[Path, Step]:
    """The steps of an export in the order they were first met; the whole export is `()`."""
    steps: dict[Path, Step] = {}
    stack: list[tuple[Span, Path]] = [(root, ())]
    while stack:
        span, path = stack.pop()
        if span.is_node:
            # What runs inside a node (a block's passes) belongs to the pass around it.
            if span.error and path in steps:
                steps[path].failures.append(f"{span.name}: {span.description}")
        else:
            _add(steps, span, path, (span.start - root.start) / 1e9)
        stack.extend(
            (child, path if child.is_node else (*path, child.name))
            for child in reversed(span.children)
        )
    return steps


def _add(steps: dict[Path, Step], span: Span, path: Path, start: float) -> None:
    step = steps.get(path)
    if step is None:
        step = steps[path] = Step(path, str(span.get(c.LEVEL, "")), start, cpu=0.0, self_cpu=0.0)
    step.calls += 1
    below = list(_steps_below(span))
    step.duration += span.duration
    step.self_time += max(span.duration - sum(child.duration for child in below), 0.0)
    _add_cpu(step, _cpu(span), [_cpu(child) for child in below])
    nodes, change = whole(span.get(c.NODES)), whole(span.get(c.NODES_CHANGE))
    if nodes is not None:
        step.nodes = nodes
    if change is not None:
        step.change = (step.change or 0) + change
    if span.error:
        step.failures.append(span.description or str(span.get(c.ERROR_TYPE, "failed")))
    for kind, operator, calls, seconds in _sums(span):
        place = (*path, f"{operator} ({kind})")
        summed = steps.setdefault(place, Step(place, OPERATOR, start))
        summed.calls += calls
        summed.duration += seconds
        summed.self_time += seconds


def _cpu(span: Span) -> float | None:
    spent, in_gc = span.get(c.CPU), span.get(c.GC_TIME, 0.0)
    if not isinstance(spent, int | float) or not isinstance(in_gc, int | float):
        return None
    return max(float(spent) - float(in_gc), 0.0)


def _add_cpu(step: Step, spent: float | None, below: list[float | None]) -> None:
    """Once a call does not say it, as in a trace of an earlier onnxspan, the sum is unknown."""
    known = [seconds for seconds in below if seconds is not None]
    if step.cpu is None or spent is None:
        step.cpu = step.self_cpu = None
        return
    step.cpu += spent
    if step.self_cpu is None or len(known) < len(below):
        step.self_cpu = None
    else:
        step.self_cpu += max(spent - sum(known), 0.0)


def _steps_below(span: Span) -> Iterator[Span]:
    """The nearest spans below that are steps: node spans are looked through."""
    for child in span.children:
        if child.is_node:
            yield from _steps_below(child)
        else:
            yield child


def _sums(span: Span) -> Iterator[tuple[str, str, int, float]]:
    """Kind of work, operator, calls and seconds of the per-operator work on a span."""
    for key, operators in span.attributes.items():
        prefix, _, last = key.rpartition(".")
        calls, seconds = span.get(f"{prefix}.calls"), span.get(f"{prefix}.durations")
        if last != "operators" or not all(
            isinstance(x, list) for x in (operators, calls, seconds)
        ):
            continue
        kind = prefix.rpartition(".")[2].replace("_", " ")
        for operator, number, total in zip(operators, calls, seconds, strict=False):
            if isinstance(number, int) and isinstance(total, (int, float)):
                yield kind, str(operator), number, float(total)


def whole(value: Any) -> int | None:
    """The value when it is a whole number; None for what a strange file holds instead."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
