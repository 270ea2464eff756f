"""Time against size: the exponent that the points allow, and how sure that is.

The model is `t = a + b · n^p`. The constant `a` is what a stage costs at any size; without it
a fixed cost hides a quadratic pass, and with it a linear pass stays linear. For each exponent
the best `a` and `b` follow from weighted least squares; the exponents whose misfit is within
99.9 % of the best one's are the interval: an export has sixty steps, and none of them should be
called superlinear by chance. Few or noisy points give a wide interval, and a wide interval never
calls anything superlinear.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan.errors import OnnxspanError

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SIZES = 3
"""A constant, a factor and an exponent need three points."""
ASSUMED_NOISE = 0.15
"""What a duration scatters by, as a share, when nothing was repeated."""
MIN_NOISE = 0.03
MIN_SECONDS = 50e-6
"""No duration is taken to be surer than this."""
CACHES = 2e-6
"""Seconds a node by which linear work may be off: a graph that outgrows the processor's caches
costs some twenty reads from memory more a node, however often it is exported."""
SUPERLINEAR = 1.1
"""The least exponent of the interval must be above: caches alone make some linear work 1.1."""
NOTICEABLE = 0.0005
"""Seconds at the largest size below which growth is not worth a line."""
NOTICEABLE_SHARE = 0.01
"""Likewise, of the whole export. What takes less cannot be told from a graph that has outgrown
the processor's caches: a pass of a millisecond then takes five times as long a node."""
NOTICEABLE_SHARE_ONCE = 0.05
"""Likewise where some size has one trace alone: one collection of Python's garbage collector, or
one moment of another process, then makes a short pass look as if it grew."""
QUADRATIC = 2.0
"""An interval that does not end below it does not exclude quadratic growth: nothing is known."""
NOTICEABLE_UNSURE = 0.05
"""Of the whole export: a step below it whose growth is not known leaves the answer as it is."""
_RISES = 1.25
_HIGHEST = 4.0
_MISFIT = 10.83  # chi-squared with one degree of freedom at 99.9 %
_BELOW_ZERO = 0.5  # a may be negative: a graph of n nodes may be measured on n + k


@dataclasses.dataclass(frozen=True)
class Fit:
    """What was found for one step.

    Attributes:
        exponent: the best one; None for a step that does not grow beyond its noise.
        rises: whether such a step took notably longer at the largest size all the same, so that
            it is not sure that it does not grow.
        low: the least exponent that the points allow, at 99.9 %.
        high: the greatest, at most 4.
        fixed: seconds that do not depend on the size (`a`).
        factor: `b`, for sizes divided by the largest.
    """

    exponent: float | None
    low: float
    high: float
    fixed: float
    factor: float
    rises: bool = False

    @property
    def superlinear(self) -> bool:
        """Whether even the least allowed exponent is above 1.1."""
        return self.exponent is not None and self.low > SUPERLINEAR

    @property
    def unsure(self) -> bool:
        """Whether the points allow quadratic growth, and do not show that it is there."""
        if self.exponent is None:
            return self.rises
        return not self.superlinear and self.high >= QUADRATIC


def numpy() -> Any:
    """The numpy module.

    Raises:
        OnnxspanError: when it is not installed.
    """
    try:
        import numpy as np  # only growth needs it
    except ImportError as error:
        raise OnnxspanError(
            "growth needs numpy, which is not installed. Install it: pip install numpy"
        ) from error
    return np


def fit(sizes: Sequence[float], seconds: Sequence[float], noise: float) -> Fit:
    """Fit `a + b · n^p`.

    Args:
        sizes: at least three different ones.
        seconds: one duration a size.
        noise: the durations' standard deviation, as a share of them.

    Raises:
        OnnxspanError: when numpy is not installed.
    """
    np = numpy()
    n = np.asarray(sizes, dtype=float)
    t = np.asarray(seconds, dtype=float)
    weights = 1.0 / (
        np.square(np.maximum(noise, MIN_NOISE) * t) + MIN_SECONDS**2 + np.square(CACHES * n)
    )
    exponents = np.linspace(0.05, _HIGHEST, 396)
    misfits, constants, factors = _lines(np, np.power(n / n.max(), exponents[:, None]), t, weights)
    best = int(misfits.argmin())
    # Points that no curve fits are noisier than was thought: the interval widens with them.
    spare = len(n) - MIN_SIZES
    scale = max(1.0, float(misfits[best]) / max(spare, 1))
    level = float(np.sum(weights * t) / np.sum(weights))
    flat = float(np.sum(weights * np.square(t - level)))
    fixed, factor = float(constants[best]), float(factors[best])
    if factor <= 0 or flat - misfits[best] <= _MISFIT * scale:
        rises = bool(t[n.argmax()] > _RISES * t[n.argmin()])
        return Fit(None, 0.0, _HIGHEST, level, 0.0, rises)
    allowed = exponents[misfits <= misfits[best] + _MISFIT * scale]
    return Fit(float(exponents[best]), float(allowed.min()), float(allowed.max()), fixed, factor)


def _lines(np: Any, x: Any, t: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Misfit, `a` and `b` of `t = a + b · x` for each row of x, b >= 0, a not far below 0."""
    total = weights.sum()
    mean_x, mean_t = (weights * x).sum(axis=1) / total, (weights * t).sum() / total
    off = x - mean_x[:, None]
    b = (weights * off * (t - mean_t)).sum(axis=1) / (weights * np.square(off)).sum(axis=1)
    a = mean_t - b * mean_x
    least = -_BELOW_ZERO * t.min()
    low = a < least
    through = (weights * x * (t - least)).sum(axis=1) / (weights * np.square(x)).sum(axis=1)
    a, b = np.where(low, least, a), np.where(low, through, b)
    a, b = np.where(b < 0, mean_t, a), np.maximum(b, 0.0)
    misfits = (weights * np.square(t - a[:, None] - b[:, None] * x)).sum(axis=1)
    return misfits, a, b
