"""The same export at several sizes: which steps grow faster than the model."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from onnxspan.errors import OnnxspanError
from onnxspan.reading.compare import series
from onnxspan.reading.compare.fit import (
    ASSUMED_NOISE,
    MIN_SIZES,
    NOTICEABLE,
    NOTICEABLE_SHARE,
    NOTICEABLE_SHARE_ONCE,
    NOTICEABLE_UNSURE,
    Fit,
    fit,
)
from onnxspan.reading.compare.samples import check_alike
from onnxspan.reading.compare.steps import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxspan.reading.compare.samples import Sample
    from onnxspan.reading.compare.series import Series
    from onnxspan.reading.compare.steps import Path, Step

SUPERLINEAR, LINEAR, UNSURE = "superlinear", "linear", "unsure"


@dataclasses.dataclass
class GrowthRow:
    """One step at every size.

    Attributes:
        total: its time with what is inside.
        self_time: without.
        total_fit: the fit of `total`; None when the step ran at fewer than three sizes.
        self_fit: the fit of `self_time`.
        around: for an operator's summed work the pass that does it.
        noticeable: seconds at the largest size from which on growth is worth a line.
    """

    path: Path
    level: str
    total: Series
    self_time: Series
    total_fit: Fit | None
    self_fit: Fit | None
    around: GrowthRow | None = None
    noticeable: float = NOTICEABLE

    @property
    def name(self) -> str:
        """The step's name."""
        return self.path[-1] if self.path else "(whole export)"

    @property
    def flagged(self) -> bool:
        """Whether its own time is superlinear and long enough at the largest size.

        Of an operator's work only the time on the wall is known, so it takes the pass around
        it, whose own time it is a part of, to agree.
        """
        if self.around is not None and self.around.self_time.on_cpu and not self.around.flagged:
            return False
        found = self.self_fit is not None and self.self_fit.superlinear
        return found and self.self_time.fastest[-1] >= self.noticeable

    @property
    def inherits(self) -> bool:
        """Whether it is superlinear only through what is inside it."""
        found = self.total_fit is not None and self.total_fit.superlinear
        return found and not self.flagged and self.total.fastest[-1] >= self.noticeable


@dataclasses.dataclass
class Growth:
    """What `measure` found.

    Attributes:
        sizes: nodes of the exported models, ascending.
        repeats: exports of each size.
        rows: every step, in the order of the calls; the first is the whole export.
        noise: the usual scatter as a share; assumed when nothing was repeated.
        skipped: sources of exports that failed, and so have no size.
        model: the model's class, and `exporter` what exported it.
    """

    sizes: list[int]
    repeats: list[int]
    rows: list[GrowthRow]
    noise: float
    skipped: list[str]
    model: str
    exporter: str

    @property
    def repeated(self) -> bool:
        """Whether every size was exported more than once, so that the noise is known."""
        return min(self.repeats) > 1

    @property
    def on_cpu(self) -> bool:
        """Whether the traces have the processor time, which an earlier onnxspan did not record."""
        return self.rows[0].total.on_cpu

    @property
    def superlinear(self) -> list[GrowthRow]:
        """The steps whose own time is superlinear, the longest at the largest size first."""
        flagged = [row for row in self.rows if row.flagged]
        return sorted(flagged, key=lambda row: -row.self_time.fastest[-1])

    @property
    def unsure(self) -> list[GrowthRow]:
        """The steps of which nothing is known, the longest at the largest size first.

        The whole export by its total, each step by its own time where that is 5 % of the export.
        """
        whole = self.rows[0]
        least = NOTICEABLE_UNSURE * whole.total.fastest[-1]
        found = [whole] if whole.total_fit is None or whole.total_fit.unsure else []
        steps = [
            row
            for row in self.rows[1:]
            if row.self_time.fastest[-1] >= least
            and row.self_fit is not None
            and row.self_fit.unsure
        ]
        return found + sorted(steps, key=lambda row: -row.self_time.fastest[-1])

    @property
    def state(self) -> str:
        """The answer: `superlinear`, `linear` or `unsure`.

        `linear`: of every step that takes 5 % of the export, the points exclude quadratic growth.
        """
        if self.superlinear:
            return SUPERLINEAR
        return UNSURE if self.unsure else LINEAR

    def __str__(self) -> str:
        """As `onnxspan growth` prints it, without colours."""
        from rich.console import Console  # only for text

        from onnxspan.reading.compare.growth_text import render  # it imports this

        console = Console(width=80, color_system=None, highlight=False, force_jupyter=False)
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
    if len(sizes) < MIN_SIZES:
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
    both = {path: (series.total(groups, path), series.self_time(groups, path)) for path in paths}
    usual = _usual_noise([total for total, _ in both.values()])
    rows = {path: _row(paths[path], *both[path], usual) for path in paths}
    whole = rows[()].total.fastest[-1]
    is_repeated = min(map(len, groups.values())) > 1
    share = NOTICEABLE_SHARE if is_repeated else NOTICEABLE_SHARE_ONCE
    for path, row in rows.items():
        row.noticeable = max(NOTICEABLE, share * whole)
        if row.level == OPERATOR:
            row.around = rows.get(path[:-1])
    first = groups[sizes[0]][0]
    return Growth(
        sizes, repeats, list(rows.values()), usual or ASSUMED_NOISE, skipped,
        first.model.rpartition(".")[2] or "export", first.exporter,
    )  # fmt: skip


def _row(step: Step, total: Series, alone: Series, usual: float) -> GrowthRow:
    return GrowthRow(step.path, step.level, total, alone, _fit(total, usual), _fit(alone, usual))


def _fit(series: Series, usual: float) -> Fit | None:
    if len(series.sizes) < MIN_SIZES:
        return None
    return fit(series.sizes, series.fastest, series.noise(usual, ASSUMED_NOISE))


def _usual_noise(all_series: Sequence[Series]) -> float:
    """The usual gap among the steps that take long enough to be timed; 0.0 if unknown."""
    gaps = [gap for one in all_series if one.fastest[-1] >= NOTICEABLE for gap in one.gaps]
    return statistics.median(gaps) if gaps else 0.0
