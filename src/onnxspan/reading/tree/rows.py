"""The lines of the tree: a name under its guides, its figures, and what is said below it."""

from __future__ import annotations

import dataclasses
import io
import itertools
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.failure import is_handled
from onnxspan.reading.notes import failure_lines, findings, notes
from onnxspan.reading.text import one_line, shorten
from onnxspan.reading.tree.folding import SAME, TIMES, Folding, Kind, Line, operator_sums
from onnxspan.reading.tree.modules import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span

COLUMNS = {
    "time": "time",
    "share": "share",
    "nodes": "nodes",
    "change": "change",
    "memory": "memory",
}
"""The columns after the name, and their titles."""

DEEPEST = 24
"""Levels of indentation; what is nested deeper keeps this one."""
MAX_OPERATORS = 5
_MIN_MESSAGE = 20
_LONG, _MIDDLING = 0.25, 0.05


@dataclasses.dataclass
class Row:
    """One printed line.

    Attributes:
        cells: its figures by column; none for a message, which takes the whole line.
        part: its share of the export, from 0 to 1.
        where: of a node, the line of the model and the module; left out where there is no room.
    """

    guides: str
    name: str
    cells: dict[str, str]
    style: str = ""
    prefix: str = ""
    part: float = 0.0
    where: str = ""

    @property
    def width(self) -> int:
        """Columns that the name takes in full, with its guides; a message asks for none."""
        where = cell_len(f"  {self.where}") if self.where else 0
        return cell_len(self.guides + self.prefix + self.name) + where if self.cells else 0

    def label(self, width: int) -> Text:
        """Guides and name in at most so many columns."""
        label = Text(self.guides, style="")
        label.stylize("dim")
        label.append(self.prefix, style=self.style or "dim")
        label.append(shorten(self.name, width - cell_len(self.guides + self.prefix)), self.style)
        place = self.where.partition("  ")[0]
        for where in (self.where, place):  # a line's number is whole, or not there
            if where and cell_len(where) + 2 <= width - label.cell_len:
                label.append(f"  {where}", "dim")
                break
        return label

    def style_of(self, column: str) -> str:
        """The colour of a figure: warm where the time went."""
        if self.style:
            return self.style
        if column in {"time", "share", "bar"}:
            if self.part >= _LONG:
                return "bold yellow"
            return "green" if self.part >= _MIDDLING else "dim"
        if column == "change":
            return "cyan"
        return ""


def step_rows(roots: list[Span], *, unfold: bool, wide: bool, width: int) -> Iterator[Row]:
    """The lines of what runs between exports: calls of one name in a row share a line."""
    whole = sum(root.duration for root in roots)
    for _, found in itertools.groupby(roots, key=lambda root: root.name):
        same = list(found)
        if len(same) >= SAME and not unfold and not any(root.error for root in same):
            yield _row(Line(Kind.SAME, same), "", whole)
            continue
        for root in same:
            yield from rows(root, unfold=unfold, wide=wide, width=width, whole=whole)


def rows(
    root: Span, *, unfold: bool, wide: bool, width: int, whole: float | None = None
) -> Iterator[Row]:
    """Every line of one tree, from the root down; messages wrap at the width.

    Args:
        root: the tree.
        unfold: give every span a line.
        wide: with longer guides.
        width: columns.
        whole: seconds of which shares are; None takes those of the export.
    """
    folding = Folding(root, unfold=unfold)
    guides = ("├─ ", "└─ ", "│  ", "   ") if wide else ("├ ", "└ ", "│ ", "  ")
    middle, last, through, blank = guides
    base: dict[int, float] = {} if whole is None else {id(root): whole}
    stack: list[tuple[Line | Row, str, str, int]] = [(Line(Kind.SPAN, [root]), "", "", 0)]
    while stack:
        item, first, rest, depth = stack.pop()
        if isinstance(item, Row):
            item.guides = first
            yield item
            continue
        span = item.spans[0]
        of = _base(span, base)
        below: list[Line | Row] = []
        if item.kind is Kind.SPAN:
            below += folding.lines(span)
            below += _operator_rows(span, of)
        yield _row(item, first, of)
        guide = rest + (through if below else blank)
        for text, style in _said(item):
            for piece in _wrapped(text, width - cell_len(guide)):
                yield Row(guide, piece, {}, style)
        for number, entry in reversed(list(enumerate(below))):
            is_last = number == len(below) - 1
            if depth < DEEPEST:
                own = rest + (last if is_last else middle)
                under = rest + (blank if is_last else through)
            else:
                own, under = first, rest
            stack.append((entry, own, under, depth + 1))


def _base(span: Span, known: dict[int, float]) -> float:
    """Seconds of the export that the span is part of; 0.0 outside any."""
    if id(span) in known:
        return known[id(span)]
    if c.EXPORTER in span.attributes or (span.parent is None and span.scope == c.SCOPE):
        known[id(span)] = span.duration
    elif span.parent is not None:
        known[id(span)] = known.get(id(span.parent), 0.0)
    return known.get(id(span), 0.0)


def _row(line: Line, guides: str, whole: float) -> Row:
    span = line.spans[0]
    part = line.duration / whole if whole else 0.0
    cells = {
        "time": figures.duration(line.duration),
        "share": figures.share(part) if whole else "",
    }
    changed = sum(each.number(c.NODES_CHANGE) or 0 for each in line.spans)
    grown = sum(each.number(c.MEMORY_GROWTH) or 0 for each in line.spans)
    cells["change"] = figures.change(changed)
    cells["memory"] = figures.growth(grown)
    prefix, name = line.words
    if line.kind is Kind.REST:
        return Row(guides, name, cells, "dim", prefix, part)
    if line.kind is Kind.SAME:
        return Row(guides, one_line(name), cells, "", prefix, part)
    nodes = span.number(c.NODES)
    cells["nodes"] = figures.count(nodes) if nodes is not None else ""
    style = ""
    if span.error:
        style = "yellow" if is_handled(span) else "bold red"
    elif not span.end:
        cells["time"], cells["share"], style = "no end", "", "bold red"
    failed = "✗ " if span.error else ""
    return Row(guides, one_line(span.name), cells, style, failed, part, _where(span))


def _where(span: Span) -> str:
    """The line of the model and the module that a node is from; empty for another span."""
    if not span.is_node:
        return ""
    file, line = str(span.get(c.FILE, "")), span.number(c.LINE)
    place = f"{PurePath(file).name}:{line}" if file and line is not None else ""
    return one_line("  ".join(filter(None, (place, path_of(str(span.get(c.NODE_SCOPE, "")))))))


def _said(line: Line) -> Iterator[tuple[str, str]]:
    if line.kind is not Kind.SPAN:
        return
    span = line.spans[0]
    for text in failure_lines(span):
        yield text, "yellow" if is_handled(span) else "red"
    for text in notes(span):
        yield text, "yellow"
    for text in findings(span):
        yield text, "dim"


def _wrapped(text: str, width: int) -> list[str]:
    """A message in pieces of so many columns: its middle may be what tells most."""
    console = Console(
        file=io.StringIO(), width=max(width, _MIN_MESSAGE), color_system=None, force_jupyter=False
    )
    return [line.plain.rstrip() for line in Text(text).wrap(console, console.width)]


def _operator_rows(span: Span, whole: float) -> list[Line | Row]:
    entries, more, others = operator_sums(span, MAX_OPERATORS)

    def row(name: str, prefix: str, seconds: float, style: str) -> Row:
        part = seconds / whole if whole else 0.0
        cells = {"time": figures.duration(seconds), "share": figures.share(part) if whole else ""}
        return Row("", one_line(name), cells, style, prefix, part)

    found: list[Line | Row] = [
        row(entry.name, f"{entry.calls} {TIMES} ", entry.duration, "") for entry in entries
    ]
    if more:
        name = f"{more} more operator{'' if more == 1 else 's'}"
        found.append(Row("", name, {"time": " "}, "dim", "… "))
    found += [
        row(other.name, f"of it {other.calls} {TIMES} ", other.duration, "dim") for other in others
    ]
    return found
