"""A growth as an HTML page: the superlinear steps, a log-log plot, every step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onnxspan.reading import figures, growth_text, plain_page
from onnxspan.reading.plain_page import Cell, heading, note, safe, table

if TYPE_CHECKING:
    from onnxspan.reading.growth import Growth, GrowthRow

_COLOURS = ("#4f7cac", "#d1495b", "#8a5fbf", "#c77700", "#2a9d6f")
_LEFT, _TOP, _WIDTH, _HEIGHT = 80, 15, 500, 300


def page(found: Growth) -> str:
    """The page, whole."""
    flagged = found.superlinear
    parts = [note(growth_text.heading(found))]
    parts.append(heading("Superlinear by their own time"))
    if flagged:
        parts.append(_table(found, flagged, own=True))
    else:
        parts.append(note("Nothing, beyond the noise."))
    parts += [heading("Time against nodes, both logarithmic"), _plot(found)]
    parts += [heading("Every step, with what is inside"), _table(found, found.rows, own=False)]
    parts.append(note(growth_text.closing(found)))
    return plain_page.page("onnxspan growth", parts)


def _table(found: Growth, rows: list[GrowthRow], *, own: bool) -> str:
    header = ["", *(f"at {figures.count(size)}" for size in found.sizes), "exponent (99.9 %)"]
    body = []
    for row in rows:
        series = row.own if own else row.total
        seconds = dict(zip(series.sizes, series.fastest, strict=True))
        times = [
            figures.duration(seconds[size]) if size in seconds else "-" for size in found.sizes
        ]
        said = growth_text.exponent(row.own_fit if own else row.total_fit)
        if row.inherits and not own:
            said += " by what is inside"
        name = " / ".join(row.path) or row.name
        body.append([name, *times, Cell(said, "worse" if row.flagged else "")])
    return table(header, body)


def _plot(found: Growth) -> str:
    """An SVG: the whole export and the longest superlinear steps, with their names below."""
    kept = [
        (name, [(n, t) for n, t in zip(series.sizes, series.fastest, strict=True) if t > 0])
        for name, series in growth_text.plotted(found, len(_COLOURS))
    ]
    times = [t for _, points in kept for _, t in points]
    left, right = math.log(found.sizes[0]), math.log(found.sizes[-1])
    low, high = math.log(min(times)), math.log(max(times))

    def place(nodes: int, seconds: float) -> tuple[float, float]:
        x = _LEFT + (math.log(nodes) - left) / (right - left) * _WIDTH
        y = _TOP + (high - math.log(seconds)) / ((high - low) or 1) * _HEIGHT
        return round(x, 1), round(y, 1)

    shapes = []
    for index, (name, points) in enumerate(kept):
        colour = _COLOURS[index]
        places = [place(n, t) for n, t in points]
        line = " ".join(f"{x},{y}" for x, y in places)
        shapes.append(f'<polyline points="{line}" fill="none" stroke="{colour}"/>')
        shapes += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in places]
        below = _TOP + _HEIGHT + 50 + 18 * index
        shapes.append(f'<circle cx="{_LEFT}" cy="{below - 4}" r="4" fill="{colour}"/>')
        shapes.append(f'<text x="{_LEFT + 12}" y="{below}">{safe(name)}</text>')
    for size in found.sizes:
        x, _ = place(size, max(times))
        label = figures.count(size)
        shapes.append(
            f'<text x="{x}" y="{_TOP + _HEIGHT + 24}" text-anchor="middle">{label}</text>'
        )
    for seconds in (min(times), max(times)):
        _, y = place(found.sizes[0], seconds)
        label = figures.duration(seconds)
        shapes.append(f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{label}</text>')
    height = _TOP + _HEIGHT + 60 + 18 * len(kept)
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDTH + 60} {height}" width="{_LEFT + _WIDTH + 60}" '
        f'role="img" aria-label="time against nodes">{"".join(shapes)}</svg>'
    )
