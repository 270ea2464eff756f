"""Two exports, or two sets of repetitions, compared stage by stage and pass by pass."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading.compare.align import align
from onnxspan.reading.compare.noise import (
    Measured,
    durations_differ,
    exceeds,
    measured,
    usual_share,
    usual_shift,
)
from onnxspan.reading.compare.samples import check_alike
from onnxspan.reading.compare.series import WAITING
from onnxspan.reading.compare.settings import operators, settings
from onnxspan.reading.compare.steps import OPERATOR, Path, Step, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxspan.reading.compare.samples import Sample
    from onnxspan.reading.source.trace import Span

MOSTLY = 0.5
"""An export that computed for more than this share of its time had the machine to itself."""
FAR, FAR_SECONDS = 4.0, 0.005
"""Of single traces, how many times the processor time must be, and how much more: with others on
the caches of a core, steps take three times as long (benchmarks/equal_exports.py)."""


@dataclasses.dataclass
class Figure:
    """One quantity on both sides; a side without it is None.

    Attributes:
        differs: whether it changed by more than its noise.
        failed: the step failed on one side, so that its time there says nothing.
    """

    before: Measured | None
    after: Measured | None
    differs: bool = False
    failed: bool = False

    @property
    def change(self) -> float:
        """The medians' difference; what is missing counts as 0."""
        return _median(self.after) - _median(self.before)

    @property
    def ratio(self) -> float | None:
        """After by before; None when one is missing or before is 0."""
        if self.before is None or self.after is None or not self.before.median:
            return None
        return self.after.median / self.before.median


@dataclasses.dataclass
class Row:
    """One step on both sides.

    Attributes:
        path: the step's path after, or before when it is only there.
        moved_from: its path before, when it has moved.
        start: seconds from the export's beginning to the first call.
        duration: seconds with what is inside; `self_time` without.
        cpu: processor seconds, the same way; without sides where a trace does not say them.
        nodes: nodes of the graph after it; `change` is what it added or removed.
    """

    path: Path
    level: str
    moved_from: Path | None
    start: Figure
    duration: Figure
    self_time: Figure
    cpu: Figure
    self_cpu: Figure
    calls: Figure
    nodes: Figure
    change: Figure
    failures_before: list[str]
    failures_after: list[str]

    @property
    def name(self) -> str:
        """The step's name; the whole export is called so."""
        return self.path[-1] if self.path else "(whole export)"

    @property
    def fails_on_one_side(self) -> bool:
        """Whether the step failed on one side alone."""
        return bool(self.failures_before) != bool(self.failures_after)

    @property
    def only(self) -> str | None:
        """`before` or `after` for a step of one side alone."""
        if self.duration.before is None:
            return "after"
        return "before" if self.duration.after is None else None


@dataclasses.dataclass
class Comparison:
    """What `compare` found.

    Attributes:
        rows: every step of either side, in the order of the calls; the first is the export.
        totals: `nodes`, `initializers`, `bytes` of the exported model, `memory` (bytes that
            the process grew by), `processor` (seconds that the exporting thread computed).
        settings: what was asked for differently: name, before, after.
        operators: operators whose count changed: name, before, after; the largest change first.
        usual: the usual width of a duration's range, as the logarithm of high by low.
        repeated: whether both sides have several samples, so that the noise is known.
    """

    before: Sequence[Sample]
    after: Sequence[Sample]
    rows: list[Row]
    totals: dict[str, Figure]
    settings: list[tuple[str, str, str]]
    operators: list[tuple[str, int, int]]
    usual: float
    repeated: bool

    @property
    def whole(self) -> Row:
        """The row of the whole export."""
        return self.rows[0]

    def slower_or_faster(self) -> list[Row]:
        """Steps of both sides whose own time changed beyond noise, the largest change first.

        A stage that changed only by what is inside it is left out: that is in the list.
        """
        differing = (row for row in self.rows[1:] if row.only is None and row.self_time.differs)
        return sorted(differing, key=lambda row: -abs(row.self_time.change))

    def only(self, side: str) -> list[Row]:
        """The topmost steps of one side alone, the longest first."""
        alone = {row.path for row in self.rows if row.only == side}
        found = [row for row in self.rows if row.only == side and row.path[:-1] not in alone]
        return sorted(found, key=lambda row: -abs(row.duration.change))

    def reshaped(self) -> list[Row]:
        """Steps that now add or remove another number of nodes, the largest change first."""
        found = [row for row in self.rows if row.only is None and row.change.differs]
        return sorted(found, key=lambda row: -abs(row.change.change))

    def failing(self) -> list[Row]:
        """Steps that failed on one side and not on the other, innermost first."""
        return sorted((r for r in self.rows if r.fails_on_one_side), key=lambda r: -len(r.path))

    def failures(self) -> list[Row]:
        """Of those the steps where a failure began: the stages around it failed through it."""
        found = self.failing()
        return [
            row
            for row in found
            if not any(
                len(other.path) > len(row.path)
                and other.path[: len(row.path)] == row.path
                and bool(other.failures_after) == bool(row.failures_after)
                for other in found
            )
        ]


def compare(before: Sequence[Sample], after: Sequence[Sample]) -> Comparison:
    """Compare two sides, each one export or several repetitions of it.

    Raises:
        TraceFileError: when the samples of one side are not repetitions of one export.
    """
    check_alike(before)
    check_alike(after)
    rows = _rows(before, after)
    usual = usual_share([(row.duration.before, row.duration.after) for row in rows])
    repeated = len(before) > 1 and len(after) > 1
    totals = _totals(before, after)
    same = _same_work(rows, totals["nodes"])
    shift = usual_shift([(row.self_cpu.before, row.self_cpu.after) for row in same])
    for row in rows:
        for figure, cpu in ((row.duration, row.cpu), (row.self_time, row.self_cpu)):
            figure.differs = _differs(figure, usual) and _confirmed(
                figure, cpu, usual, shift, may_wait=_is_free(rows[0], row)
            )
    _doubt_operators(rows)
    for row in rows:
        if row.fails_on_one_side:
            for figure in (row.duration, row.self_time, row.cpu, row.self_cpu):
                figure.failed, figure.differs = True, False
    spent = totals["processor"]
    spent.differs = _differs(spent, usual, shift) and _is_far(spent)
    if any(one.failed for one in before) != any(one.failed for one in after):
        for figure in totals.values():
            figure.failed, figure.differs = True, False
    asked, counted = settings(before[0], after[0]), operators(before[0], after[0])
    return Comparison(before, after, rows, totals, asked, counted, usual, repeated)


def _same_work(rows: list[Row], nodes: Figure) -> list[Row]:
    """The steps that had as much to do on both sides, so that a shift is the machine's.

    Of a model that grew most steps become slower, for a reason: only those whose graph has the
    same nodes say anything of the machine.
    """
    grew = nodes.before is not None and nodes.after is not None and bool(nodes.change)
    return [
        row
        for row in rows
        if (row.nodes.before is not None or not grew)
        and _median(row.nodes.before) == _median(row.nodes.after)
    ]


def _differs(figure: Figure, usual: float, shift: float = 0.0) -> bool:
    if figure.before is None or figure.after is None:
        return False
    return durations_differ(figure.before, figure.after, usual, shift)


def _confirmed(
    duration: Figure, cpu: Figure, usual: float, shift: float, *, may_wait: bool
) -> bool:
    """Whether the processor time agrees that a step became slower or faster.

    A machine with other work takes the processor away from whatever step runs: of the time on the
    wall alone nobody can tell that from a slower step, however often it is repeated, since the
    sides may be recorded under different load. A step that waits, for a disk or a lock, may have
    become slower though it computes nothing; `may_wait` says that the machine was not busy.
    """
    if cpu.before is None or cpu.after is None:
        return True
    if _differs(cpu, usual, shift):
        return _is_far(cpu)
    return may_wait and _waits(duration.before, cpu.before) and _waits(duration.after, cpu.after)


def _is_far(cpu: Figure) -> bool:
    """Whether a single trace on a side is far enough from the other side to tell anything."""
    if cpu.before is None or cpu.after is None or (cpu.before.repeated and cpu.after.repeated):
        return True
    low, high = sorted((cpu.before.median, cpu.after.median))
    return high > FAR * low and high - low > FAR_SECONDS


def _waits(duration: Measured | None, cpu: Measured) -> bool:
    return duration is not None and cpu.median < WAITING * duration.median


def _is_free(whole: Row, row: Row) -> bool:
    """Whether nothing says that other work was in the export's way, on either side.

    The rest of the export computed for most of its time; then a step that did not compute waited.
    """
    for side in ("before", "after"):
        figures = whole.duration, whole.cpu, row.self_time, row.self_cpu
        sides: list[Measured | None] = [getattr(figure, side) for figure in figures]
        lasted, computed, alone, self_cpu = (one.median if one else 0.0 for one in sides)
        if computed and computed - self_cpu <= MOSTLY * (lasted - alone):
            return False
    return True


def _doubt_operators(rows: list[Row]) -> None:
    """An operator's sum knows the time on the wall alone: the pass around it must agree."""
    by_path = {row.path: row for row in rows}
    for row in rows:
        around = by_path.get(row.path[:-1])
        if row.level == OPERATOR and around is not None and around.self_cpu.before is not None:
            row.duration.differs &= around.self_time.differs
            row.self_time.differs &= around.self_time.differs


def _median(side: Measured | None) -> float:
    return side.median if side is not None else 0.0


def _paths(side: Sequence[Sample]) -> dict[Path, Step]:
    """Every path of the side and the step of the first sample that has it."""
    paths: dict[Path, Step] = {}
    for sample in side:
        for path, step in sample.steps.items():
            paths.setdefault(path, step)
    return paths


def _rows(before: Sequence[Sample], after: Sequence[Sample]) -> list[Row]:
    here, there = _paths(before), _paths(after)
    # Two exporters share a few names (`_export`) that are not the same step.
    apart = before[0].exporter != after[0].exporter
    fixed = frozenset(
        path for path, step in {**here, **there}.items() if apart or step.level == OPERATOR
    )
    rows = []
    for pair in align(list(here), list(there), fixed):
        old = _steps(before, pair.before)
        new = _steps(after, pair.after)
        path = pair.after if pair.after is not None else pair.before or ()
        rows.append(
            Row(
                path=path,
                level=(new or old)[0].level,
                moved_from=pair.before if pair.after and pair.before != pair.after else None,
                start=Figure(*_both(old, new, lambda step: step.start)),
                duration=Figure(*_both(old, new, lambda step: step.duration)),
                self_time=Figure(*_both(old, new, lambda step: step.self_time)),
                cpu=Figure(*_both(old, new, lambda step: step.cpu)),
                self_cpu=Figure(*_both(old, new, lambda step: step.self_cpu)),
                calls=_counted(*_both(old, new, lambda step: step.calls)),
                nodes=_counted(*_both(old, new, lambda step: step.nodes)),
                change=_counted(*_both(old, new, lambda step: step.change)),
                failures_before=[text for step in old for text in step.failures],
                failures_after=[text for step in new for text in step.failures],
            )
        )
    return rows


def _steps(side: Sequence[Sample], path: Path | None) -> list[Step]:
    return [s.steps[path] for s in side if path in s.steps] if path is not None else []


def _both(
    old: Sequence[Step], new: Sequence[Step], value: Callable[[Step], float | None]
) -> tuple[Measured | None, Measured | None]:
    return measured(map(value, old)), measured(map(value, new))


def _counted(before: Measured | None, after: Measured | None) -> Figure:
    """A count, or bytes: it differs as soon as the ranges do not overlap."""
    differs = before is not None and after is not None and exceeds(before, after)
    return Figure(before, after, differs)


def _totals(before: Sequence[Sample], after: Sequence[Sample]) -> dict[str, Figure]:
    keys = {
        "nodes": c.RESULT_NODES,
        "initializers": c.RESULT_INITIALIZERS,
        "memory": c.MEMORY_GROWTH,
    }

    def figure(value: Callable[[Sample], float | None]) -> Figure:
        return _counted(measured(map(value, before)), measured(map(value, after)))

    found = {
        name: figure(lambda sample, key=key: whole(sample.root.get(key)))  # type: ignore[misc]
        for name, key in keys.items()
    }
    found |= {
        name: figure(lambda sample, key=key: _difference(sample.root, key))  # type: ignore[misc]
        for name, key in (("max_abs_diff", c.VERIFY_MAX_ABS), ("max_rel_diff", c.VERIFY_MAX_REL))
    }
    spent = [measured(sample.steps[()].cpu for sample in side) for side in (before, after)]
    return {
        "processor": Figure(spent[0], spent[1]),
        **found,
        "bytes": figure(lambda sample: sample.size),
    }


def _difference(root: Span, key: str) -> float | None:
    """How far a verified export is from the eager model; infinite where shapes differ."""
    value = root.get(key)
    if isinstance(value, float | int):
        return float(value)
    return math.inf if c.MISMATCH_INPUTS in root.attributes else None
