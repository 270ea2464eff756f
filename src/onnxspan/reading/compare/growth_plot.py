"""A growth's drawings for the page: time against nodes, both logarithmic, and the intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onnxspan.reading import figures
from onnxspan.reading.compare import growth_text
from onnxspan.reading.compare.page_parts import Html, safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.compare.fit import Fit
    from onnxspan.reading.compare.growth import Growth
    from onnxspan.reading.compare.series import Series

SERIES = 5
"""Colours there are in `compare.css`: the whole export, and four superlinear steps."""
HIGHEST = 4.0
_LEFT, _TOP, _WIDTH, _HEIGHT, _RIGHT = 70, 14, 560, 280, 290
_INTERVAL = 150


class Scale:
    """Where nodes and seconds lie in the plot."""

    def __init__(self, sizes: list[int], seconds: list[float]) -> None:
        self._left, self._right = math.log(sizes[0]), math.log(sizes[-1])
        self.low, self.high = min(seconds) / 1.15, max(seconds) * 1.15

    def x(self, nodes: float) -> float:
        """Across, for so many nodes."""
        part = (math.log(nodes) - self._left) / (self._right - self._left)
        return round(_LEFT + part * _WIDTH, 1)

    def y(self, seconds: float) -> float:
        """Down, for so many seconds."""
        part = math.log(self.high / seconds) / math.log(self.high / self.low)
        return round(_TOP + part * _HEIGHT, 1)


def plot(found: Growth) -> Html:
    """Every repetition as a dot, the fastest joined, and how linear growth would go on."""
    shown = growth_text.plotted(found, SERIES)
    seconds = [t for _, series in shown for values in series.values for t in values if t > 0]
    scale = Scale(found.sizes, seconds)
    shapes = [*_grid(found, scale)]
    for index, (name, series) in enumerate(shown):
        shapes += _series(index, name, series, scale)
    names = safe(", ".join(name for name, _ in shown))
    size = f"{_LEFT + _WIDTH + _RIGHT} {_TOP + _HEIGHT + 30}"
    return Html(
        f'<div class="plot" tabindex="0"><svg viewBox="0 0 {size}" role="img" '
        f'aria-label="Time against nodes: {names}">{"".join(shapes)}</svg></div>'
    )


def _grid(found: Growth, scale: Scale) -> Iterator[str]:
    right, bottom = _LEFT + _WIDTH, _TOP + _HEIGHT
    for tick in _ticks(scale.low, scale.high):
        y = scale.y(tick)
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
        yield _label(_LEFT - 8, y + 4, figures.duration(tick), "end")
    for nodes in found.sizes:
        x = scale.x(nodes)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>'
        yield _label(x, bottom + 18, f"{figures.count(nodes)} nodes", "middle")


def _ticks(low: float, high: float) -> Iterator[float]:
    """1, 2 and 5 of each power of ten in between; over three decades the powers alone."""
    steps = (1, 2, 5) if high / low < 1000 else (1,)  # noqa: PLR2004  # three decades
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        yield from (s * 10.0**power for s in steps if low <= s * 10.0**power <= high)


def _series(index: int, name: str, series: Series, scale: Scale) -> Iterator[str]:
    pairs = zip(series.sizes, series.values, strict=True)
    points = [(nodes, values) for nodes, values in pairs if values[0] > 0]
    if not points:
        return
    (first, begun), (last, ended) = points[0], points[-1]
    linear = begun[0] * last / first
    if scale.low <= linear <= scale.high:
        yield (
            f'<line class="guide" x1="{scale.x(first)}" y1="{scale.y(begun[0])}" '
            f'x2="{scale.x(last)}" y2="{scale.y(linear)}"/>'
        )
    line = " ".join(f"{scale.x(nodes)},{scale.y(values[0])}" for nodes, values in points)
    yield f'<polyline class="s{index} series" points="{line}"/>'
    for nodes, values in points:
        for number, value in enumerate(values):
            kind, radius = (f"s{index} repeat", 2.5) if number else (f"s{index}", 4)
            yield f'<circle class="{kind}" cx="{scale.x(nodes)}" cy="{scale.y(value)}" r="{radius}"/>'
    yield _label(scale.x(last) + 10, scale.y(ended[0]) + 4, name, "start")


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{safe(text)}</text>'


def interval(fit: Fit | None, *, flagged: bool) -> Html:
    """The exponents that the points allow, from 0 to 4, with a mark at 1."""
    if fit is None or fit.exponent is None:
        return Html("")

    def x(exponent: float) -> float:
        return round(4 + exponent / HIGHEST * (_INTERVAL - 8), 1)

    kind = "interval flagged" if flagged else "interval"
    return Html(
        f'<svg class="{kind}" viewBox="0 0 {_INTERVAL} 16" aria-hidden="true">'
        f'<line class="axis" x1="{x(0)}" x2="{x(HIGHEST)}" y1="8" y2="8"/>'
        f'<line class="one" x1="{x(1)}" x2="{x(1)}" y1="0" y2="16"/>'
        f'<line class="range" x1="{x(fit.low)}" x2="{x(fit.high)}" y1="8" y2="8"/>'
        f'<circle class="best" cx="{x(fit.exponent)}" cy="8" r="3.5"/></svg>'
    )
