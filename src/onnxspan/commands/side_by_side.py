"""The two exporters side by side: what became of the same model, and where the time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxspan.reading.source.trace import Span


def table(exports: Sequence[Span]) -> Table:
    """A table with a column for each export; a step that one does not have stays empty there."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for export in exports:
        table.add_column(str(export.get(c.EXPORTER, "")), justify="right")
    rows: list[tuple[str, Callable[[Span], str]]] = [
        ("time", lambda export: figures.duration(export.duration)),
        *((f"  {label}", _step(names)) for label, names in c.PARTS),
        ("nodes of the result", lambda export: _count(export.number(c.RESULT_NODES))),
        ("written", lambda export: figures.size(written(export) or 0)),
        ("memory", lambda export: figures.growth(export.number(c.MEMORY_GROWTH) or 0)),
        ("spans", lambda export: _count(sum(1 for _ in export.walk()))),
    ]
    for label, value in rows:
        cells = [value(export) for export in exports]
        if any(cells):
            table.add_row(label, *cells)
    return table


def _step(names: tuple[str, ...]) -> Callable[[Span], str]:
    def taken(export: Span) -> str:
        spans = [span for span in export.walk() if span.name in names]
        return figures.duration(sum(span.duration for span in spans)) if spans else ""

    return taken


def _count(number: int | None) -> str:
    return "" if number is None else figures.count(number)
