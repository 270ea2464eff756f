"""A step's time at each size of the model, and by which clock.

The exporting thread's processor time is taken, without that of Python's garbage collector: on
a busy machine the clock on the wall says as much about the other processes, and the collector
runs where allocations reach its threshold, at a size in a step that is not to blame. Where a
trace does not have it, and for a step that mostly waits, it is the time on the wall.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onnxspan.reading.compare.samples import Sample
    from onnxspan.reading.compare.steps import Path, Step

WAITING = 0.1
"""A step that computes for less than this share of its time waits: for a disk, a lock, a sleep."""
_PRIOR = 2
"""How many of a step's own gaps the usual one weighs as much as."""


@dataclasses.dataclass(frozen=True)
class Series:
    """One quantity of one step.

    Attributes:
        sizes: nodes of the exported model, where the step ran; ascending.
        values: seconds of every repetition at each of those sizes, ascending.
        on_cpu: whether they are processor time; on the wall otherwise.
    """

    sizes: list[int]
    values: list[list[float]]
    on_cpu: bool

    @property
    def fastest(self) -> list[float]:
        """The fastest repetition at each size: whatever else runs only ever adds time."""
        return [values[0] for values in self.values]

    @property
    def gaps(self) -> list[float]:
        """By how much the second fastest repetition is slower, as a share, at each size."""
        return [
            values[1] / values[0] - 1
            for values in self.values
            if len(values) > 1 and values[0] > 0
        ]

    def noise(self, usual: float, assumed: float) -> float:
        """The scatter: its own repetitions', and since those are few, what is usual as well."""
        gaps = self.gaps
        if not gaps or not usual:
            return max(usual, assumed)
        return (sum(gaps) + _PRIOR * usual) / (len(gaps) + _PRIOR)


def total(groups: Mapping[int, Sequence[Sample]], path: Path) -> Series:
    """A step's time with what is inside."""
    return _series(groups, path, lambda step: step.duration, lambda step: step.cpu)


def self_time(groups: Mapping[int, Sequence[Sample]], path: Path) -> Series:
    """A step's time without."""
    return _series(groups, path, lambda step: step.self_time, lambda step: step.self_cpu)


def _series(
    groups: Mapping[int, Sequence[Sample]],
    path: Path,
    wall: Callable[[Step], float],
    processor: Callable[[Step], float | None],
) -> Series:
    steps = {
        size: [sample.steps[path] for sample in group if path in sample.steps]
        for size, group in groups.items()
    }
    steps = {size: found for size, found in steps.items() if found}
    spent = {size: [processor(step) for step in found] for size, found in steps.items()}
    walls = {size: sorted(map(wall, found)) for size, found in steps.items()}
    known = {
        size: sorted(value for value in values if value is not None)
        for size, values in spent.items()
    }
    largest = max(steps)
    if any(None in values for values in spent.values()) or (
        known[largest][0] < WAITING * walls[largest][0]
    ):
        return Series(list(steps), list(walls.values()), on_cpu=False)
    return Series(list(steps), list(known.values()), on_cpu=True)
