"""The tree in the terminal: where an export's time, nodes and memory went, and what failed."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from onnxspan.reading import answer, mismatch
from onnxspan.reading.text import encodable
from onnxspan.reading.tree import modules
from onnxspan.reading.tree.header import footer, header, script_lines
from onnxspan.reading.tree.rows import COLUMNS, Row, rows, step_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

    from onnxspan.reading.source.trace import Span, Trace

WIDE = 110
"""From this many columns on, the tree has longer guides and a bar for the share."""
_GAP = 2
_BAR = 12
_MIN_NAME = 20
_MIN_WIDTH = 20
_MAX_NAME = 400


def show(  # noqa: C901, PLR0912  # each part of the page in its order
    trace: Trace,
    *,
    unfold: bool = False,
    file: IO[str] | None = None,
    width: int | None = None,
) -> None:
    """Print the tree of each export.

    Colours are for terminals only (`NO_COLOR` and `FORCE_COLOR` are respected), and control
    characters in names and messages are escaped.

    Args:
        trace: what to show.
        unfold: give every span its own line; else the short and repeated share lines.
        file: where to print; None is stderr.
        width: columns to fit; None takes the terminal's or `COLUMNS`. A pipe without either has 80,
            and names longer than that are kept whole, so that they can be searched for.
    """
    console = Console(
        file=sys.stderr if file is None else file, width=width, highlight=False, emoji=False,
        force_jupyter=False,  # in a notebook rich makes an output of each line, and cuts off its foot
    )  # fmt: skip
    console.width = max(console.width, _MIN_WIDTH)  # COLUMNS=0 is no width
    whole_names = width is None and not console.is_terminal and not os.environ.get("COLUMNS")
    if not trace.roots:
        _print(console, Text("No export was recorded."))
    for line in _answer(trace, console.width):
        _print(console, line)
    processes = {str(root.resource.get("process.pid")) for root in trace.roots}
    for number, group in enumerate(_groups(trace)):
        if number:
            _print(console, Text())
        exports = [export for root in group for export in trace.exports_below(root)]
        for export in exports:
            for line in _sentences(export, console.width):
                _print(console, line)
            for line in header(export, console.width, with_process=len(processes) > 1):
                _print(console, line)
        if exports:
            _print(console, Text())
        wide = console.width >= WIDE
        made = rows(group[0], unfold=unfold, wide=wide, width=console.width)
        if not exports:
            made = step_rows(group, unfold=unfold, wide=wide, width=console.width)
        listed = list(made)
        for line in _table(listed, console, whole_names=whole_names):
            _print(console, line, crop=not whole_names)
        for export in exports:
            for line in modules.lines(export, console.width):
                _print(console, line)
            for line in footer(export, console.width):
                _print(console, line)
    for script in trace.scripts:
        for line in script_lines(script, trace, console.width):
            _print(console, line)


def _groups(trace: Trace) -> list[list[Span]]:
    """Trees that share a table: what runs between two exports stands together."""
    groups: list[list[Span]] = []
    is_open = False
    for root in trace.roots:
        is_step = not trace.exports_below(root)
        if is_step and is_open:
            groups[-1].append(root)
        else:
            groups.append([root])
        is_open = is_step
    return groups


def _answer(trace: Trace, width: int) -> list[Text]:
    """Where and why, first of all: how the process ended, or the failure that ended an export."""
    found = trace.ending or trace.failure
    lines: list[Text] = []
    if found is not None:
        lines += _screen(found.screen(width=width), "bold red", width)
    for differs in mismatch.of_trace(trace):
        lines += _screen(differs.screen(width=width), "bold yellow", width)
    return lines


def _screen(screen: str, style: str, width: int) -> list[Text]:
    """A screen's head in its style, and its other lines in pieces that fit."""
    first, *rest = screen.split("\n")
    folded = [part for line in rest for part in _folded(line, width)]
    return [Text(first, style=style), *map(Text, folded), Text()]


def _folded(line: str, width: int) -> Iterator[str]:
    """A line in pieces that fit: of a long path the end, with the line's number, tells most."""
    width = max(width, 2 * len(_INDENT))
    while cell_len(line) > width:
        end = width
        while cell_len(line[:end]) > width:  # signs that are two columns wide
            end -= 1
        yield line[:end]
        line = _INDENT + line[end:]
    yield line


_INDENT = " " * 12


def _sentences(export: Span, width: int) -> list[Text]:
    """Where the time went, what the graph did, and the memory; a long sentence is broken."""
    return [
        Text(line, style="bold")
        for sentence in answer.sentences(export)
        for line in textwrap.wrap(answer.text(sentence), width, subsequent_indent="  ")
    ]


def _print(console: Console, line: Text, *, crop: bool = True) -> None:
    line.rstrip()
    encoded = encodable(line.plain, console.encoding)
    if encoded != line.plain:  # the styles' places no longer fit
        line = Text(encoded)
    console.print(line, no_wrap=True, overflow="ignore", crop=crop, soft_wrap=False)


def _table(listed: Sequence[Row], console: Console, *, whole_names: bool) -> list[Text]:
    """The rows as lines of equal columns; a column that says nothing is left out."""
    used = [name for name in COLUMNS if any(row.cells.get(name) for row in listed)]
    widths = {
        name: max(len(title), *(len(row.cells.get(name, "")) for row in listed))
        for name, title in COLUMNS.items()
        if name in used
    }
    has_bar = console.width >= WIDE and "share" in used
    figures = sum(widths.values()) + _GAP * len(widths) + (_BAR + _GAP if has_bar else 0)
    available = max(console.width - figures, _MIN_NAME)
    longest = max((row.width for row in listed), default=0)
    name_width = min(longest, _MAX_NAME if whole_names else available)
    title = Text(" " * name_width)
    for name in used:
        title.append(" " * _GAP + COLUMNS[name].rjust(widths[name]))
        if name == "share" and has_bar:
            title.append(" " * (_GAP + _BAR))
    title.stylize("dim")
    return [title, *(_line(row, name_width, widths, console.width, has_bar) for row in listed)]


def _line(row: Row, name_width: int, widths: dict[str, int], whole: int, has_bar: bool) -> Text:
    if not row.cells:  # a message: it may take the whole line
        return row.label(whole)
    line = row.label(name_width)
    line.align("left", name_width)
    for name, width in widths.items():
        line.append(" " * _GAP)
        line.append(row.cells.get(name, "").rjust(width), style=row.style_of(name))
        if name == "share" and has_bar:
            line.append(" " * _GAP)
            line.append(_bar(row.part).ljust(_BAR), style=row.style_of("bar"))
    return line


def _bar(part: float) -> str:
    """A bar of eighths of a character."""
    eighths = round(min(max(part, 0.0), 1.0) * _BAR * 8)
    rest: str = ("", *"▏▎▍▌▋▊▉")[eighths % 8]
    return "█" * (eighths // 8) + rest
