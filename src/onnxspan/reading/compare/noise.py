"""When are two measurements different? Only when they differ by more than they scatter.

Durations of an export scatter: other processes, caches, the garbage collector. Repeated
traces show by how much, and only what stands clear of that is called a difference:

- the two ranges do not overlap, and
- the medians are further apart than the noise: the wider of the two ranges, and the usual
  range of all steps, times a factor for how few traces there are (few values seldom show
  their whole range), and
- they are further apart than 5 % and 0.2 ms.

Where both sides have the processor time, it decides: the sides may be recorded under different load.
Of a step it must change by more than steps do usually between these sides, too.

With a single trace on a side nothing is known of the scatter. Then 25 % and 1 ms are asked
for, and four times the processor time; every view says that this is an assumption. The factors come from simulated exports
of 60 steps without any difference (tests/reading/test_noise.py): with three traces a side
fewer than one in ten such diffs names a step at all.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MIN_SHARE = 0.05
MIN_SECONDS = 0.0002
ASSUMED_SHARE = 0.25
"""What a duration of a single trace is taken to scatter by."""
ASSUMED_SECONDS = 0.001
SHIFTS = 2.0
"""How many times the usual shift between the sides a step must have moved beyond its scatter."""
MIN_STEPS = 8
"""Of fewer steps the middle one may be the one that became slower."""
_TICK = 1e-6

FACTORS = {1: 3.0, 2: 5.0, 3: 2.0, 4: 1.5}
"""By the traces on the side that has fewer: what a range is taken to be too narrow by."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """One quantity in every sample of one side; seconds, bytes or counts."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The least value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The greatest value."""
        return max(self.values)

    @property
    def spread(self) -> float:
        """The width of the range; 0 for a single value."""
        return self.high - self.low

    @property
    def repeated(self) -> bool:
        """Whether there is more than one value, so that the spread says something."""
        return len(self.values) > 1


def measured(values: Iterable[float | None]) -> Measured | None:
    """The values that are there; None when there is none."""
    present = tuple(value for value in values if value is not None)
    return Measured(present) if present else None


def usual_share(pairs: Sequence[tuple[Measured | None, Measured | None]]) -> float:
    """The usual width of a range among all steps, as a logarithm; 0.0 if unknown."""
    shares = [
        _ratio(side.low, side.high)
        for pair in pairs
        for side in pair
        if side is not None and side.repeated and side.median > MIN_SECONDS
    ]
    return statistics.median(shares) if shares else 0.0


def usual_shift(pairs: Sequence[tuple[Measured | None, Measured | None]]) -> float:
    """By how much a step usually lies on the other side of itself, as a logarithm; 0.0 if unknown.

    Processes that share a core's caches, or its clock, make every step slower, some more than
    others. Where half of the steps have moved by so much, one that moved as far tells nothing.
    """
    moved = [
        abs(_ratio(before.median, after.median))
        for before, after in pairs
        if before is not None and after is not None
        if min(before.median, after.median) > MIN_SECONDS
    ]
    return statistics.median(moved) if len(moved) >= MIN_STEPS else 0.0


def durations_differ(before: Measured, after: Measured, usual: float, shift: float = 0.0) -> bool:
    """Whether two durations differ by more than their noise; see the module.

    Args:
        before: one side.
        after: the other.
        usual: the usual width of a range, as `usual_share` gives it.
        shift: how far steps usually lie apart, as `usual_shift` gives it.
    """
    if not exceeds(before, after):
        return False
    if before.repeated and after.repeated:
        share, seconds = MIN_SHARE, MIN_SECONDS
    else:
        share, seconds = ASSUMED_SHARE, ASSUMED_SECONDS
    larger, smaller = max(before.median, after.median), min(before.median, after.median)
    if larger - smaller <= max(share * larger, seconds):
        return False
    # As ratios: a scatter by half must not hide that something became twenty times slower.
    factor = FACTORS.get(min(len(before.values), len(after.values)), 1.0)
    scatter = factor * max(_ratio(before.low, before.high), _ratio(after.low, after.high), usual)
    return _ratio(smaller, larger) > scatter + SHIFTS * shift


def _ratio(low: float, high: float) -> float:
    """The logarithm of high by low, both taken as a clock's tick at least."""
    return math.log(max(high, _TICK) / max(low, _TICK))


def exceeds(before: Measured, after: Measured) -> bool:
    """Whether the two ranges do not overlap; all there is to ask of counts and bytes."""
    return before.high < after.low or after.high < before.low
