"""A comparison as an HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan.reading import diff_text, figures, plain_page
from onnxspan.reading.plain_page import Cell, heading, note, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnxspan.reading.diff import Comparison, Figure, Row

_SIDES = ("", "before", "after", "")


def page(found: Comparison) -> str:
    """The page, whole."""
    parts = [table(("", "file", "model", "exporter"), _files(found))]
    parts += [heading("The export"), table(_SIDES, _summary(found))]
    if found.settings:
        parts += [heading("Asked for differently"), table(_SIDES[:3], found.settings)]
    failing = [
        (
            row.name,
            *(Cell("; ".join(f), "worse") for f in (row.failures_before, row.failures_after)),
        )
        for row in found.failing()
    ]
    if failing:
        parts += [heading("Failures"), table(_SIDES[:3], failing)]
    parts += _section("Time that differs (own time)", map(_timed, found.slower_or_faster()))
    parts += _section("Only before", map(_alone, found.only("before")))
    parts += _section("Only after", map(_alone, found.only("after")))
    parts += _section("Graph changed by another amount", map(_reshaped, found.reshaped()))
    operators = [
        (name, str(old), str(new), figures.change(new - old)) for name, old, new in found.operators
    ]
    parts += _section("Operators of the exported model", operators)
    parts += _section("Every step, with what is inside", map(_every, found.rows))
    parts.append(note(diff_text.closing(found)))
    return plain_page.page("onnxspan diff", parts)


def _section(title: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    listed = list(rows)
    return [heading(title), table(_SIDES, listed)] if listed else []


def _files(found: Comparison) -> Iterable[tuple[str, ...]]:
    for name, side in (("before", found.before), ("after", found.after)):
        for sample in side:
            yield name, sample.source, sample.model, sample.exporter


def _summary(found: Comparison) -> Iterable[tuple[str, ...]]:
    yield ("time", *_cells(found.whole.duration, "duration"))
    for name, show in (
        ("nodes", "count"),
        ("initializers", "count"),
        ("bytes", "size"),
        ("memory", "size"),
    ):
        yield (name, *_cells(found.totals[name], show))


def _cells(figure: Figure, show: str) -> tuple[str, str, str]:
    kind = ("worse" if figure.change > 0 else "better") if figure.differs else "dim"
    return (
        diff_text.spread(figure.before, show),
        diff_text.spread(figure.after, show),
        Cell(diff_text.ratio(figure), kind),
    )


def _path(row: Row) -> str:
    moved = f" (before: {' / '.join(row.moved_from)})" if row.moved_from is not None else ""
    calls = ""
    if row.calls.differs and row.calls.before and row.calls.after:
        calls = f", {row.calls.before.median:g} -> {row.calls.after.median:g} calls"
    return (" / ".join(row.path) or row.name) + calls + moved


def _timed(row: Row) -> tuple[str, ...]:
    return (_path(row), *_cells(row.own, "duration"))


def _every(row: Row) -> tuple[str, ...]:
    if row.only is not None:
        return _alone(row)
    return (_path(row), *_cells(row.duration, "duration"))


def _alone(row: Row) -> tuple[str, ...]:
    side = row.duration
    before, after = diff_text.spread(side.before), diff_text.spread(side.after)
    return _path(row), before, after, f"only {row.only}"


def _reshaped(row: Row) -> tuple[str, ...]:
    old, new = row.change.before, row.change.after
    return (_path(row), *(f"{s.median:+,.0f} nodes" if s else "-" for s in (old, new)), "")
