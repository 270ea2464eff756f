"""A comparison for the terminal, 80 columns wide."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.console import Group
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from onnxspan.reading import figures
from onnxspan.reading.compare import diff_answer
from onnxspan.reading.compare.figure_text import WIDTH, change, spread
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from onnxspan.reading.compare.diff import Comparison, Figure, Row
    from onnxspan.reading.compare.samples import Sample

TOTALS = (
    ("processor", "processor time", "duration"),
    ("nodes", "nodes", "count"),
    ("initializers", "initializers", "count"),
    ("bytes", "model file", "size"),
    ("memory", "memory", "size"),
)
"""What the exports are compared by beside their time: key, what it is called, how it is shown."""


def render(found: Comparison, most: int | None = 15) -> RenderableType:
    """The comparison; `most` rows in each table, or all for None."""
    answer = [Text(sentence) for sentence in diff_answer.sentences(found)]
    parts: list[RenderableType] = [*answer, Text(), _sides(found), Text(), _summary(found)]
    if found.settings:
        parts += [Text("\nAsked for differently", "bold"), *_settings(found)]
    failing = found.failures()
    if failing:
        parts += [Text("\nFailures", "bold"), *(_failure(row) for row in failing)]
    parts += _section("Time that differs (own time)", found.slower_or_faster(), most, _timed)
    for side in ("before", "after"):
        parts += _section(alone_title(found, side), found.only(side), most, _alone)
    parts += _section("Graph changed by another amount", found.reshaped(), most, _reshaped)
    parts += _operators(found, most)
    parts += [Text(), Text(closing(found), "dim")]
    return Group(*parts)


def alone_title(found: Comparison, side: str) -> str:
    """As `Only before`, and why where the other side failed."""
    other = found.after if side == "before" else found.before
    failed = any(sample.failed for sample in other)
    return (
        f"Only {side}{': the other side failed, and may not have come so far' if failed else ''}"
    )


def closing(found: Comparison) -> str:
    """What is known of the noise, in a sentence or two."""
    within = sum(row.only is None and not row.self_time.differs for row in found.rows[1:])
    if found.repeated:
        return (
            f"{within} step{' is' if within == 1 else 's are'} within the noise (steps usually scatter by "
            f"{math.exp(found.usual):.2f}x)."
        )
    return (
        "One trace on a side says nothing of the noise: 25 % and 1 ms are assumed, and "
        f"{within} steps are within that. Repeat the exports and give all files: "
        "onnxspan diff BEFORE... -- AFTER..."
    )


def _table() -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False, expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True, min_width=13)
    table.add_column(justify="right", no_wrap=True, min_width=6)
    return table


def _sides(found: Comparison) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, side in (("before", found.before), ("after", found.after)):
        table.add_row(Text(name, "bold"), Text(one_line(_described(side))))
    return table


def _described(side: Sequence[Sample]) -> str:
    first = "/".join(PurePath(side[0].source).parts[-2:])
    files = first if len(side) == 1 else f"{len(side)} exports, {first} ..."
    return f"{files}: {side[0].model} by {side[0].exporter}"


def _summary(found: Comparison) -> RenderableType:
    table = _table()
    table.add_row("", Text("before", "dim"), Text("after", "dim"), "")
    table.add_row("time", *_cells(found.whole.duration, "duration"))
    for name, title, show in TOTALS:
        table.add_row(title, *_cells(found.totals[name], show))
    return Constrain(table, WIDTH)


def _cells(figure: Figure, show: str) -> tuple[Text, Text, Text]:
    style = ""
    if figure.differs:
        style = "red" if figure.change > 0 else "green"
    said = Text(change(figure, show), style)
    return Text(spread(figure.before, show)), Text(spread(figure.after, show)), said


def _settings(found: Comparison) -> Iterable[Text]:
    for name, old, new in found.settings:
        yield Text(one_line(f"  {name}: {old} -> {new}"))


def _failure(row: Row) -> Text:
    side = "after" if row.failures_after else "before"
    message = (row.failures_after or row.failures_before)[0]
    return Text(one_line(f"  {row.name}, only {side}{around(row)}: {message}"), "red")


def around(row: Row) -> str:
    """The stages that failed with a step, as ` (in _export > _model_to_graph)`."""
    return f" (in {' > '.join(row.path[:-1])})" if len(row.path) > 1 else ""


def _section(title: str, rows: list[Row], most: int | None, line: object) -> list[RenderableType]:
    if not rows or not callable(line):
        return []
    table = _table()
    for row in rows[:most]:
        table.add_row(*line(row))
    return [Text(f"\n{title}", "bold"), Constrain(table, WIDTH), *_more(len(rows), most)]


def _more(number: int, most: int | None) -> list[RenderableType]:
    if most is None or number <= most:
        return []
    return [Text(f"  ... {number - most} more; --all shows them", "dim")]


def _named(row: Row) -> Text:
    text = Text("  " + one_line(row.name))
    if row.calls.differs and row.calls.before and row.calls.after:
        text.append(f" {row.calls.before.median:g}->{row.calls.after.median:g} calls", "yellow")
    if row.moved_from is not None:
        text.append(" moved", "dim")
    return text


def _timed(row: Row) -> tuple[Text, ...]:
    return (_named(row), *_cells(row.self_time, "duration"))


def _alone(row: Row) -> tuple[Text, ...]:
    side = row.duration
    return (_named(row), Text(spread(side.before)), Text(spread(side.after)), Text())


def _reshaped(row: Row) -> tuple[Text, ...]:
    old, new = row.change.before, row.change.after
    cells = [f"{side.median:+,.0f} nodes" if side else "-" for side in (old, new)]
    return (_named(row), *map(Text, cells), Text())


def _operators(found: Comparison, most: int | None) -> list[RenderableType]:
    if not found.operators:
        return []
    table = _table()
    for name, old, new in found.operators[:most]:
        table.add_row(
            Text("  " + one_line(name)), str(old), str(new), Text(figures.change(new - old))
        )
    more = _more(len(found.operators), most)
    return [Text("\nOperators of the exported model", "bold"), Constrain(table, WIDTH), *more]
