"""A step of the walk, drawn for a terminal or a pipe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from onnxspan.reading import figures
from onnxspan.reading.text import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from onnxspan.reading.walk.steps import Step

_CODE = re.compile(r"`([^`]+)`")
_TYPE_DETAILS = re.compile(r", strides=\[[\d, ]*\]|, requires_grad=\d|, device=\w+(?::\d+)?")
"""Parts of a TorchScript type that hardly ever say what a pass did."""
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def page(
    step: Step, total: int, trail: Sequence[str] = (), *, telemetry: bool = False
) -> RenderableType:
    """One step: its head, then a row for each thing that there is to say.

    Args:
        step: what to draw.
        total: how many steps there are.
        trail: the steps that hold this one, outermost first.
        telemetry: also say what is about the recording and the process.
    """
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    for label, text in _rows(step, telemetry):
        rows.add_row(label, text)
    return Group(*_head(step, total, trail), Text(), rows)


def _head(step: Step, total: int, trail: Sequence[str]) -> Iterable[Text]:
    if trail:
        yield Text(" > ".join(map(one_line, trail)), style="dim")
    head = Text(f"{step.number}/{total}  ", style="dim")
    head.append(one_line(step.name), style="bold red" if step.error else "bold cyan")
    head.append(f"  {step.kind}, {figures.duration(step.duration)}", style="dim")
    yield head
    if step.one_line:
        yield _prose(step.one_line)


def _rows(step: Step, telemetry: bool) -> Iterable[tuple[str, Text]]:
    """Label and text of each row; what is empty is left out."""
    where = [step.place] if ".py:" in step.place else [step.source, step.place]
    rows = (
        ("Failed", Text(step.error, style="red")),
        ("What", _prose(step.what)),
        ("Why", _prose(step.why)),
        ("Changes", _prose(step.changes)),
        ("Fails", _prose(step.wrong if step.error else "")),
        ("Where", Text("\n".join(filter(None, where)))),
        ("Source", Text("\n".join(step.code), style="dim")),
        ("In", Text("\n".join(step.went_in))),
        ("Out", Text("\n".join(step.came_out))),
        ("Also", _listed(step.more)),
        ("Recorded", _listed(step.telemetry if telemetry else ())),
        ("Log", Text("\n".join(step.log))),
        ("Diff", _diff(step.diff)),
        ("Then", _unchanged(step.unchanged)),
    )
    return ((label, text) for label, text in rows if text)


def _listed(rows: Iterable[tuple[str, str]]) -> Text:
    return Text("\n".join(f"{label}: {value}" for label, value in rows))


def _unchanged(names: Sequence[str]) -> Text:
    if not names:
        return Text()
    text = Text("no change of nodes or inputs: ", style="dim")
    return text.append(", ".join(map(one_line, names)))


def _prose(markdown: str) -> Text:
    """Text of an explanation; what stands in backticks is coloured."""
    text = Text()
    for position, part in enumerate(_CODE.split(markdown)):
        text.append(part, style="cyan" if position % 2 else "")
    return text


def _diff(diff: str) -> Text:
    text = Text()
    for line in _TYPE_DETAILS.sub("", printable(diff)).splitlines():
        text.append(line + "\n", style=_DIFF_STYLES.get(line[:1], ""))
    text.rstrip()
    return text
