"""The first sentences on a comparison: what failed, the time, the graph, the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan.reading import figures
from onnxspan.reading.answer import MIN_GROWTH
from onnxspan.reading.compare.figure_text import middle
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from onnxspan.reading.compare.diff import Comparison, Figure, Row

MAX_STEPS = 3
FAR_APART = 1.25
"""Medians with more than this between them are not called the same, whatever the noise."""
MIN_SHARE = 0.1
"""A step with less than this share of the whole change is not named."""


def sentences(found: Comparison) -> list[str]:
    """The sentences, safe for a terminal; what is not known is left out or said to be unknown."""
    parts = (_failed(found), _time(found), _graph(found), _memory(found))
    return [one_line(part) for part in parts if part]


def _failed(found: Comparison) -> str:
    failures = found.failures()
    if not failures:
        return ""
    row = failures[0]
    side, other = ("after", "before") if row.failures_after else ("before", "after")
    return f"The export {side} fails in {row.name}; the export {other} does not."


def _time(found: Comparison) -> str:
    figure = found.whole.duration
    if figure.failed or figure.before is None or figure.after is None:
        return ""
    sides = _sides(figure, "duration")
    if not figure.differs:
        low, high = sorted((figure.before.median, figure.after.median))
        if high > FAR_APART * low:
            return f"The times scatter too much to tell whether one takes longer: {sides}."
        return f"The time is the same within the noise: {sides}."
    more = "longer" if figure.change > 0 else "shorter"
    by = figures.duration(abs(figure.change))
    steps = [
        row
        for row in found.slower_or_faster()
        if row.self_time.change * figure.change > 0
        and abs(row.self_time.change) >= MIN_SHARE * abs(figure.change)
    ]
    where = ", ".join(f"{_signed(row)} in {row.name}" for row in steps[:MAX_STEPS])
    # The noise of one export a side is assumed, not known.
    hedge = "" if found.repeated else " (one export on a side: repeat both to be sure)"
    of_it = f", of it {where}" if where else ""
    return f"The export takes {by} {more}: {sides}{of_it}{hedge}."


def _signed(row: Row) -> str:
    sign = "+" if row.self_time.change > 0 else "-"
    return f"{sign}{figures.duration(abs(row.self_time.change))}"


def _graph(found: Comparison) -> str:
    figure = found.totals["nodes"]
    if figure.failed or figure.before is None or figure.after is None:
        return ""
    sides = _sides(figure, "count")
    if not figure.differs and not found.operators:
        return f"The file has the same operators: {sides} nodes."
    changed = ", ".join(
        f"{name} {figures.change(new - old)}" for name, old, new in found.operators[:MAX_STEPS]
    )
    more = len(found.operators) - MAX_STEPS
    rest = f" and {more} more" if more > 0 else ""
    return f"The file has {sides} nodes{f': {changed}{rest}' if changed else ''}."


def _memory(found: Comparison) -> str:
    figure = found.totals["memory"]
    if figure.failed or not figure.differs or abs(figure.change) < MIN_GROWTH:
        return ""
    return f"The memory grew by {_sides(figure, 'size')}."


def _sides(figure: Figure, show: str) -> str:
    sides = [middle(side, show) for side in (figure.before, figure.after)]
    return " → ".join(dict.fromkeys(sides))
