"""A step of the walk, drawn for a terminal or a pipe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from onnxspan.reading import figures
from onnxspan.reading.text import one_line, printable
from onnxspan.reading.walk import conversions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from onnxspan.reading.origins.following import Event
    from onnxspan.reading.walk.conversions import Conversion
    from onnxspan.reading.walk.steps import Step

_CODE = re.compile(r"`([^`]+)`")
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
    rows = _grid()
    for label, text in _rows(step, telemetry):
        rows.add_row(label, text)
    return Group(*_head(step, total, trail), Text(), rows)


def conversion_page(one: Conversion, trail: Sequence[str] = ()) -> RenderableType:
    """One operator of a conversion: the node in, the function that converts it, the nodes out."""
    head = Text(f"operator {one.number}/{one.total}  ", style="dim")
    head.append(one_line(one.operator), style="bold cyan")
    table = _grid()
    for label, text in conversions.rows(one):
        lines = "\n".join(map(one_line, text.split("\n"))) if label != "Source" else text
        table.add_row(label, Text(lines, style="dim" if label == "Source" else ""))
    above = [Text(" > ".join(map(one_line, trail)), style="dim")] if trail else []
    return Group(*above, head, Text(), table)


def life_page(wanted: str, events: Sequence[Event]) -> RenderableType:
    """The life of a value: each step that did something to it, and what it is then."""
    table = _grid()
    for event in events:
        step = "the capture" if event.did == "captured" else one_line(event.step)
        lines = Text(step, style="dim")
        for line in event.text.split("\n"):
            lines.append(f"\n{one_line(line)}", style="not dim")
        table.add_row(Text(event.did, style=_DID.get(event.did, "yellow")), lines)
    return Group(Text(f"The life of {one_line(wanted)}", style="bold cyan"), Text(), table)


_DID = {"removed": "red", "captured": "green", "made": "green", "kept": "green"}


def question_page(step: Step, total: int, text: str) -> RenderableType:
    """A step before its result is shown: what it is, and a question about what it will do."""
    table = _grid()
    for label, known in (("What", _prose(step.what)), ("Why", _prose(step.why))):
        if known:
            table.add_row(label, known)
    return Group(*_head(step, total, ()), Text(), table, Text(), Text(text, style="bold"))


def _grid() -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    return rows


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
        ("Model", Text("\n".join(step.model))),
        ("Then", _unchanged(step.unchanged)),
    )
    return ((label, text) for label, text in rows if text)


def _listed(rows: Sequence[tuple[str, str]]) -> Text:
    lines = [f"{label}: {value}" for label, value in rows[:_MAX_ATTRIBUTES]]
    if len(rows) > _MAX_ATTRIBUTES:
        left = figures.count(len(rows) - _MAX_ATTRIBUTES)
        lines.append(f"… {left} more attributes: `onnxspan show --json FILE` has them")
    return Text("\n".join(lines))


_MAX_ATTRIBUTES = 500
"""No span of onnxspan has so many; a file from elsewhere may have a million."""


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
    for line in printable(diff).splitlines():
        text.append(line + "\n", style=_DIFF_STYLES.get(line[:1], ""))
    text.rstrip()
    return text
