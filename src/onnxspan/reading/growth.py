"""The same export at several sizes: which steps grow faster than the model."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from onnxspan.errors import OnnxspanError
from onnxspan.reading.fit import ASSUMED_NOISE, LEAST_SIZES, NOTICEABLE, Fit, fit
from onnxspan.reading.samples import check_alike

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxspan.reading.samples import Sample
    from onnxspan.reading.steps import Path, Step

_PRIOR = 2
"""How many of a step's own gaps the usual one weighs as much as."""


@dataclasses.dataclass
class GrowthRow:
    """One step at every size.

    Attributes:
        sizes: nodes of the exported model, where the step ran.
        duration: seconds at each of those sizes, the fastest repetition, with what is inside.
        own: without.
        total_fit: the fit of `duration`; None when the step ran at fewer than three sizes.
        own_fit: the fit of `own`.
    """

    path: Path
    level: str
    sizes: list[int]
    duration: list[float]
    own: list[float]
    total_fit: Fit | None
    own_fit: Fit | None

    @property
    def name(self) -> str:
        """The step's name."""
        return self.path[-1] if self.path else "(whole export)"

    @property
    def flagged(self) -> bool:
        """Whether its own time is superlinear and long enough at the largest size."""
        found = self.own_fit is not None and self.own_fit.superlinear
        return found and self.own[-1] >= NOTICEABLE

    @property
    def inherits(self) -> bool:
        """Whether it is superlinear only through what is inside it."""
        found = self.total_fit is not None and self.total_fit.superlinear
        return found and not self.flagged and self.duration[-1] >= NOTICEABLE


@dataclasses.dataclass
class Growth:
    """What `measure` found.

    Attributes:
        sizes: nodes of the exported models, ascending.
        repeats: exports of each size.
        rows: every step, in the order of the calls; the first is the whole export.
        noise: the usual scatter as a share; assumed when nothing was repeated.
        skipped: sources of exports that failed, and so have no size.
    """

    sizes: list[int]
    repeats: list[int]
    rows: list[GrowthRow]
    noise: float
    skipped: list[str]

    @property
    def repeated(self) -> bool:
        """Whether every size was exported more than once, so that the noise is known."""
        return min(self.repeats) > 1

    @property
    def superlinear(self) -> list[GrowthRow]:
        """The steps whose own time is superlinear, the longest at the largest size first."""
        return sorted((row for row in self.rows if row.flagged), key=lambda row: -row.own[-1])

    def __str__(self) -> str:
        """As `onnxspan growth` prints it, without colours."""
        from rich.console import Console  # only for text

        from onnxspan.reading.growth_text import render  # it imports this

        console = Console(width=80, color_system=None, highlight=False)
        with console.capture() as capture:
            console.print(render(self))
        return capture.get()


def measure(samples: Sequence[Sample]) -> Growth:
    """Fit every step's time against the nodes of the exported model.

    Exports with the same number of nodes are repetitions; the fastest of them counts, since
    whatever else runs on a machine only ever adds time.

    Raises:
        OnnxspanError: for fewer than three sizes, or without numpy.
        TraceFileError: when the exports are of different models or exporters.
    """
    if samples:
        check_alike(samples)
    by_size: dict[int, list[Sample]] = {}
    skipped = []
    for sample in samples:
        if sample.failed or not sample.nodes:
            skipped.append(sample.source)
        else:
            by_size.setdefault(sample.nodes, []).append(sample)
    sizes = sorted(by_size)
    if len(sizes) < LEAST_SIZES:
        raise OnnxspanError(
            f"growth needs finished exports of at least three sizes, and these have "
            f"{len(sizes)} ({', '.join(map(str, sizes)) or 'none'} nodes). Export the same model "
            "at more sizes, best each twice the one before"
        )
    groups = {size: by_size[size] for size in sizes}
    repeats = [len(group) for group in groups.values()]
    paths: dict[Path, Step] = {}
    for sample in (s for size in reversed(sizes) for s in groups[size]):
        for path, step in sample.steps.items():
            paths.setdefault(path, step)
    usual = _usual_noise(groups, paths)
    rows = [_row(path, step.level, groups, usual) for path, step in paths.items()]
    return Growth(sizes, repeats, rows, usual or ASSUMED_NOISE, skipped)


def _row(path: Path, level: str, groups: dict[int, list[Sample]], usual: float) -> GrowthRow:
    sizes = [size for size, group in groups.items() if any(path in s.steps for s in group)]
    duration = [_fastest(groups[size], path, _duration) for size in sizes]
    own = [_fastest(groups[size], path, _own) for size in sizes]
    total_fit = own_fit = None
    if len(sizes) >= LEAST_SIZES:
        total_fit = fit(sizes, duration, _noise(groups, path, _duration, usual))
        own_fit = fit(sizes, own, _noise(groups, path, _own, usual))
    return GrowthRow(path, level, sizes, duration, own, total_fit, own_fit)


def _duration(step: Step) -> float:
    return step.duration


def _own(step: Step) -> float:
    return step.own


def _values(group: Sequence[Sample], path: Path, value: Callable[[Step], float]) -> list[float]:
    return sorted(value(sample.steps[path]) for sample in group if path in sample.steps)


def _fastest(group: Sequence[Sample], path: Path, value: Callable[[Step], float]) -> float:
    return _values(group, path, value)[0]


def _gaps(
    groups: dict[int, list[Sample]], path: Path, value: Callable[[Step], float]
) -> list[float]:
    """By how much the second fastest repetition is slower, as a share, at each size."""
    gaps = []
    for group in groups.values():
        values = _values(group, path, value)
        if len(values) > 1 and values[0] > 0:
            gaps.append(values[1] / values[0] - 1)
    return gaps


def _usual_noise(groups: dict[int, list[Sample]], paths: dict[Path, Step]) -> float:
    """The usual gap among the steps that take long enough to be timed; 0.0 if unknown."""
    gaps = [
        gap
        for path, step in paths.items()
        if step.duration >= NOTICEABLE
        for gap in _gaps(groups, path, _duration)
    ]
    return statistics.median(gaps) if gaps else 0.0


def _noise(
    groups: dict[int, list[Sample]], path: Path, value: Callable[[Step], float], usual: float
) -> float:
    """A step's scatter: its own repetitions', and since those are few, what is usual as well."""
    gaps = _gaps(groups, path, value)
    if not gaps or not usual:
        return max(usual, ASSUMED_NOISE)
    return (sum(gaps) + _PRIOR * usual) / (len(gaps) + _PRIOR)
