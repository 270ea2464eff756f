"""Both exports of a diff as waterfalls over one time axis: a line a step, a bar a side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.compare import figure_text
from onnxspan.reading.compare.page_parts import Html, panel, safe
from onnxspan.reading.compare.steps import OPERATOR

if TYPE_CHECKING:
    from onnxspan.reading.compare.diff import Comparison, Row
    from onnxspan.reading.compare.noise import Measured
    from onnxspan.reading.compare.steps import Path

SHORT = 0.01
"""A pass below this share of the longer export has no line."""
MAX_LINES = 60
_WIDTH = 1_000
_DEEPEST = 8
_NOTE = "each step from its first call on, with what is inside; all calls of a name together"
_LEGEND = Html(
    '<p class="legend"><span><i class="before"></i>before</span>'
    '<span><i class="after"></i>after</span></p>'
)


def waterfall(found: Comparison) -> list[Html]:
    """The panel; none where no export took any time."""
    sides = (found.whole.duration.before, found.whole.duration.after)
    longest = max((side.median for side in sides if side is not None), default=0.0)
    if longest <= 0:
        return []
    rows = _in_order([row for row in found.rows if _has_line(row, longest)])
    lines = "".join(_line(row, longest, len(row.path)) for row in rows[:MAX_LINES])
    head = (
        '<tr><th scope="col" class="words">step</th><th scope="col">before</th>'
        '<th scope="col">after</th><th scope="col" class="drawn">'
        f"one scale: 0 to {safe(figures.duration(longest))}</th></tr>"
    )
    left = len(rows) - MAX_LINES
    more = f'<p class="quiet">{left} more are under Every step.</p>' if left > 0 else ""
    table = (
        f'<div class="sheet" tabindex="0"><table class="both"><thead>{head}</thead>'
        f"<tbody>{lines}</tbody></table></div>{more}"
    )
    return [panel("Before and after on one scale", _LEGEND, Html(table), note=_NOTE)]


def _has_line(row: Row, longest: float) -> bool:
    """Stages, passes that are long on either side, and what failed; operators only have sums."""
    if row.level == OPERATOR:
        return False
    if row.level == c.Level.STAGES.name.lower() or row.failures_before or row.failures_after:
        return True
    sides = (row.duration.before, row.duration.after)
    return any(side is not None and side.median >= SHORT * longest for side in sides)


def _in_order(rows: list[Row]) -> list[Row]:
    """Each step below the one that it is inside, neighbours by the time of their first call."""
    below: dict[Path, list[Row]] = {}
    known = {row.path for row in rows}
    for row in rows:
        above = row.path[:-1]
        while above and above not in known:
            above = above[:-1]
        if row.path:
            below.setdefault(above, []).append(row)
    found: list[Row] = []
    stack = [row for row in rows if not row.path]
    while stack:
        row = stack.pop()
        found.append(row)
        stack += sorted(below.get(row.path, []), key=_first_call, reverse=True)
    return found


def _first_call(row: Row) -> float:
    side = row.start.after or row.start.before
    return side.median if side is not None else 0.0


def _line(row: Row, longest: float, depth: int) -> str:
    sides = (
        ("before", 2, row.start.before, row.duration.before, bool(row.failures_before)),
        ("after", 10, row.start.after, row.duration.after, bool(row.failures_after)),
    )
    cells = "".join(_cell(row, lasted, failed) for _, _, _, lasted, failed in sides)
    bars = "".join(_bar(*side, longest) for side in sides)
    return (
        f'<tr><td class="words in{min(depth, _DEEPEST)}"><code>{safe(row.name)}</code></td>{cells}'
        f'<td class="drawn"><svg class="bars" viewBox="0 0 {_WIDTH} 18" preserveAspectRatio="none" '
        f'aria-hidden="true">{bars}</svg></td></tr>'
    )


def _cell(row: Row, lasted: Measured | None, failed: bool) -> str:
    if lasted is None:
        return f'<td class="quiet">only {row.only}</td>'
    text = safe(figure_text.middle(lasted))
    return f'<td class="worse">✕ {text}</td>' if failed else f"<td>{text}</td>"


def _bar(
    name: str,
    y: int,
    start: Measured | None,
    lasted: Measured | None,
    failed: bool,
    longest: float,
) -> str:
    if lasted is None:
        return ""
    first = start.median if start is not None else 0.0
    x = min(first / longest, 1.0) * _WIDTH
    width = max(min(lasted.median / longest * _WIDTH, _WIDTH - x), 2.0)
    said = f"{name}: {figures.duration(lasted.median)}, from {figures.duration(first)} on"
    return (
        f'<rect class="{name}{" failed" if failed else ""}" x="{min(x, _WIDTH - 2):.1f}" y="{y}" '
        f'width="{width:.1f}" height="6"><title>{safe(said)}</title></rect>'
    )
