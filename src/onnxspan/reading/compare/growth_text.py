"""A growth for the terminal: what is superlinear, the stages, and a plot; 80 columns wide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from onnxspan.conventions import Level
from onnxspan.reading import figures
from onnxspan.reading.compare.figure_text import WIDTH
from onnxspan.reading.compare.growth import LINEAR
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from onnxspan.reading.compare.fit import Fit
    from onnxspan.reading.compare.growth import Growth, GrowthRow
    from onnxspan.reading.compare.series import Series

_WIDTH, _HEIGHT = 62, 14
_MARKS = "oxv+#"


def render(found: Growth, *, everything: bool = False) -> RenderableType:
    """The growth; with every step instead of the stages and the superlinear ones."""
    flagged = found.superlinear
    parts: list[RenderableType] = [Text(heading(found)), Text()]
    if flagged:
        parts += [Text("Superlinear by their own time, longest first", "bold red")]
        parts += [_table(found, flagged, self_time=True)]
    elif found.state == LINEAR:
        parts += [Text("Nothing is superlinear beyond the noise", "bold green")]
    else:
        parts += [Text("Cannot tell yet whether something is superlinear", "bold yellow")]
        parts += [Text(why_unsure(found))]
    stages = Level.STAGES.name.lower()
    rows = [row for row in found.rows if everything or row.level == stages]
    title = "All steps" if everything else "Stages, with what is inside (--all for every step)"
    parts += [Text(f"\n{title}", "bold"), _table(found, rows, self_time=False)]
    parts += [Text("\nTime against nodes, both logarithmic", "bold"), plot(found)]
    return Group(*parts, Text(), Text(closing(found), "dim"))


_SUSPECT = 1.5
"""A step whose best exponent is above is named, though its interval allows linear growth."""


def why_unsure(found: Growth, most: int = 3) -> str:
    """Of which steps nothing is known, which of them most likely grow, and what to do."""
    rows = found.unsure
    names = ", ".join(one_line(row.name) for row in rows[:most])
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    suspects = [
        f"{one_line(row.name)} ({exponent(row.self_fit)})"
        for row in rows
        if row is not found.rows[0] and row.self_fit and (row.self_fit.exponent or 0) > _SUSPECT
    ]
    likely = f"Suspects, not proven: {', '.join(suspects[:most])}. " if suspects else ""
    todo = "Repeat the exports more often" if found.repeated else "Repeat the exports"
    return (
        f"The points allow quadratic growth of {names}{more}. {likely}{todo} (onnxspan run --repeat 5), on "
        "a quiet machine, or add a larger size."
    )


def heading(found: Growth) -> str:
    """The sizes and repetitions."""
    sizes = ", ".join(map(figures.count, found.sizes))
    return f"{len(found.sizes)} sizes: {sizes} nodes; {each(found)}"


def each(found: Growth) -> str:
    """How often each size was exported."""
    least, most = min(found.repeats), max(found.repeats)
    return f"{least} of each size" if least == most else f"{least} to {most} of each size"


def closing(found: Growth) -> str:
    """What the figures mean, and how sure they are."""
    text = (
        "time = fixed + factor x nodes^exponent, fastest repetition; the interval is 99.9 %. "
        f"Superlinear: all of it above 1.1, and {1 if found.repeated else 5} % of the export at "
        "least. "
    )
    if found.on_cpu:
        text += "Times are processor time, without Python's garbage collector. "
    else:
        text += "Times are those on the wall: these traces have no processor time. "
    if found.repeated:
        text += f"Noise: {figures.share(found.noise)}."
    else:
        text += (
            f"Some size has one trace: a noise of {figures.share(found.noise)} is assumed, which "
            "hides all but steep growth. Repeat the exports: onnxspan run --repeat 3"
        )
    if found.skipped:
        text += f" Left out, without a size: {one_line(', '.join(found.skipped))}."
    return text


def exponent(fit: Fit | None) -> str:
    """As `2.03 (1.88-2.19)`, or why there is none."""
    if fit is None:
        return "too few sizes"
    if fit.exponent is None:
        return "not sure" if fit.rises else "does not grow"
    return f"{fit.exponent:.2f} ({fit.low:.2f}-{fit.high:.2f})"


def _table(found: Growth, rows: list[GrowthRow], *, self_time: bool) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True)
    table.add_column("", ratio=1, no_wrap=True, overflow="ellipsis")
    for size in (found.sizes[0], found.sizes[-1]):
        table.add_column(f"at {figures.count(size)}", justify="right", no_wrap=True)
    table.add_column("exponent", justify="right", no_wrap=True, min_width=16)
    for row in rows:
        series = row.self_time if self_time else row.total
        seconds = dict(zip(series.sizes, series.fastest, strict=True))
        fit = row.self_fit if self_time else row.total_fit
        ends = [seconds.get(found.sizes[0]), seconds.get(found.sizes[-1])]
        cells = [Text(figures.duration(value) if value is not None else "-") for value in ends]
        indent = "  " * (1 if self_time else len(row.path))
        name = Text(indent + one_line(row.name), "red" if row.flagged else "")
        if row.inherits and not self_time:
            name.append(" (by what is inside)", "yellow")
        table.add_row(name, *cells, Text(exponent(fit)))
    return Constrain(table, WIDTH)


def plotted(found: Growth, most: int) -> list[tuple[str, Series]]:
    """What a plot shows: the whole export, and the longest superlinear steps by their own time."""
    flagged = [(row.name, row.self_time) for row in found.superlinear[: most - 1]]
    return [("whole export", found.rows[0].total), *flagged]


def plot(found: Growth) -> RenderableType:
    """The whole export and the longest superlinear steps, one mark each."""
    shown = plotted(found, len(_MARKS))
    points = [
        (math.log(size), math.log(seconds), _MARKS[index])
        for index, (_, series) in enumerate(shown)
        for size, seconds in zip(series.sizes, series.fastest, strict=True)
        if seconds > 0
    ]
    left, right = min(p[0] for p in points), max(p[0] for p in points)
    low, high = min(p[1] for p in points), max(p[1] for p in points)
    grid = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    for x, y, mark in points:
        column = round((x - left) / ((right - left) or 1) * (_WIDTH - 1))
        line = round((high - y) / ((high - low) or 1) * (_HEIGHT - 1))
        grid[line][column] = mark
    lines = [f"{'':>10} |{''.join(line)}" for line in grid]
    lines[0] = f"{figures.duration(math.exp(high)):>10} |{''.join(grid[0])}"
    lines[-1] = f"{figures.duration(math.exp(low)):>10} |{''.join(grid[-1])}"
    first, last = figures.count(found.sizes[0]), f"{figures.count(found.sizes[-1])} nodes"
    lines.append(f"{'':>10} +{'-' * _WIDTH}")
    lines.append(f"{'':>12}{first}{last:>{_WIDTH - len(first)}}")
    lines += [f"{'':>12}{_MARKS[i]} {one_line(name)}" for i, (name, _) in enumerate(shown)]
    return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
