"""A comparison as an HTML page of the report's family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan.reading import figures
from onnxspan.reading.compare import (
    diff_answer,
    diff_text,
    diff_waterfall,
    figure_text,
    page_parts,
)
from onnxspan.reading.compare.page_parts import (
    Cell,
    Fact,
    Html,
    answer,
    closing,
    failure,
    panel,
    step,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onnxspan.reading.compare.diff import Comparison, Figure, Row
    from onnxspan.reading.compare.noise import Measured

_SIDES = ("step", "before", "after", "change", "bars")
_WIDTH = 150
_LEGEND = Html(
    '<p class="legend"><span><i class="before"></i>before</span>'
    '<span><i class="after"></i>after</span><span>a mark is one export</span></p>'
)


def page(found: Comparison) -> str:
    """The page, whole."""
    parts = [answer(diff_answer.sentences(found))]
    parts += [
        failure(
            f"{row.name} failed only {'after' if row.failures_after else 'before'}"
            f"{diff_text.around(row)}",
            _said_once(row.failures_after or row.failures_before),
        )
        for row in found.failures()
    ]
    parts += diff_waterfall.waterfall(found)
    if found.settings:
        settings = [(Cell(name, "words"), old, new) for name, old, new in found.settings]
        asked = table(("setting", "before", "after"), settings)
        parts.append(panel("Asked for differently", asked))
    timed = found.slower_or_faster()
    if timed:
        differing = table(_SIDES, [_timed(row, timed) for row in timed])
        note = "own time, beyond the noise"
        parts.append(panel("Time that differs", _LEGEND, differing, note=note))
    for side in ("before", "after"):
        parts += _alone(found.only(side), diff_text.alone_title(found, side))
    reshaped = [_reshaped(row) for row in found.reshaped()]
    if reshaped:
        parts.append(panel("Graph changed by another amount", table(_SIDES[:4], reshaped)))
    if found.operators:
        header = ("operator", *_SIDES[1:4])
        rows = [_operator(*entry) for entry in found.operators]
        parts.append(panel("Operators of the exported model", table(header, rows)))
    every = [_every(row) for row in found.rows]
    steps = table(_SIDES[:4], every, find="steps")
    parts.append(panel("Every step", steps, note="time with what is inside"))
    parts += [panel("Exports", table(("file", "side", "model", "exporter"), _files(found)))]
    parts.append(closing(diff_text.closing(found)))
    return page_parts.page(_title(found), _badges(found), _facts(found), parts)


def _said_once(lines: Sequence[str]) -> list[str]:
    """The messages without those that another repeats, with the node before it."""
    return [
        line
        for line in dict.fromkeys(lines)
        if not any(other != line and other.endswith(line) for other in lines)
    ]


def _title(found: Comparison) -> str:
    names = [side[0].model.rpartition(".")[2] or "export" for side in (found.before, found.after)]
    return names[0] if names[0] == names[1] else " → ".join(names)


def _badges(found: Comparison) -> Iterable[tuple[str, str]]:
    exporters = [side[0].exporter for side in (found.before, found.after)]
    yield f"diff · {' → '.join(dict.fromkeys(exporters))} exporter", ""
    many = "export" if len(found.before) == 1 else "exports"
    yield f"{len(found.before)} {many} before, {len(found.after)} after", ""
    if any(sample.failed for sample in found.after):
        yield "✕ fails after", "bad"
    elif any(sample.failed for sample in found.before):
        yield "✓ failed before, not after", "good"


def _facts(found: Comparison) -> Iterable[Fact]:
    yield _fact("Time", found.whole.duration, "duration")
    for name, label, show in diff_text.TOTALS:
        figure = found.totals[name]
        if figure.before is not None or figure.after is not None:
            yield _fact(label.capitalize(), figure, show)
    yield Fact("Steps whose time differs", str(len(found.slower_or_faster())))


def _fact(label: str, figure: Figure, show: str) -> Fact:
    sides = [figure_text.middle(side, show) for side in (figure.before, figure.after)]
    text = " → ".join(dict.fromkeys(sides))
    return Fact(label, text, figure_text.change(figure, show), _kind(figure))


def _kind(figure: Figure) -> str:
    return ("worse" if figure.change > 0 else "better") if figure.differs else "quiet"


def _cells(figure: Figure, show: str = "duration") -> tuple[Cell, Cell, Cell]:
    sides = (figure.before, figure.after)
    before, after = (Cell(figure_text.spread(side, show), "", _value(side)) for side in sides)
    return (
        before,
        after,
        Cell(figure_text.change(figure, show), _kind(figure), figure.ratio or 0.0),
    )


def _value(side: Measured | None) -> float | None:
    return side.median if side is not None else 0.0


def _timed(row: Row, rows: Sequence[Row]) -> tuple[Cell, ...]:
    sides = [
        side for each in rows for side in (each.self_time.before, each.self_time.after) if side
    ]
    longest = max(side.high for side in sides)
    bars = Cell(
        _bars(row.self_time.before, row.self_time.after, longest), "", row.self_time.change
    )
    return (_step(row), *_cells(row.self_time), bars)


def _bars(before: Measured | None, after: Measured | None, longest: float) -> Html:
    """Two bars, the medians, with a mark for each export."""
    shapes = []
    for y, name, side in ((1, "before", before), (9, "after", after)):
        if side is None or longest <= 0:
            continue
        width = side.median / longest * _WIDTH
        shapes.append(f'<rect class="{name}" y="{y}" width="{width:.1f}" height="6" rx="1"/>')
        for value in side.values if side.repeated else ():
            x = value / longest * _WIDTH
            shapes.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 6}"/>')
    return Html(
        f'<svg class="bars" viewBox="0 0 {_WIDTH} 16" aria-hidden="true">{"".join(shapes)}</svg>'
    )


def _step(row: Row) -> Cell:
    said = []
    if row.calls.differs and row.calls.before and row.calls.after:
        said.append(f"{row.calls.before.median:g} → {row.calls.after.median:g} calls")
    if row.moved_from is not None:
        said.append(f"before: {' / '.join(row.moved_from)}")
    return step(row.path, row.name, ", ".join(said))


def _alone(rows: Sequence[Row], title: str) -> list[Html]:
    if not rows:
        return []
    body = [(_step(row), _time(row.duration.after or row.duration.before)) for row in rows]
    return [panel(title, table(("step", "time"), body))]


def _time(side: Measured | None) -> Cell:
    return Cell(figure_text.spread(side), "", _value(side))


def _every(row: Row) -> tuple[Cell, ...]:
    before, after, change = _cells(row.duration)
    if row.only is not None:
        change = Cell(f"only {row.only}", "quiet", 0.0)
    return (_step(row), before, after, change)


def _reshaped(row: Row) -> tuple[Cell, ...]:
    old, new = row.change.before, row.change.after
    sides = [Cell(f"{s.median:+,.0f} nodes" if s else "-", "", _value(s)) for s in (old, new)]
    change = Cell(figures.change(round(row.change.change)), "", row.change.change)
    return (_step(row), *sides, change)


def _operator(name: str, old: int, new: int) -> tuple[Cell, ...]:
    counts = (Cell(figures.count(number), "", number) for number in (old, new))
    return (step((), name), *counts, Cell(figures.change(new - old), "", new - old))


def _files(found: Comparison) -> Iterable[tuple[str | Cell, ...]]:
    for name, side in (("before", found.before), ("after", found.after)):
        for sample in side:
            yield Cell(sample.source, "words"), name, sample.model, sample.exporter
