"""What is said above and below a tree: the export, its result, and what tracing it took."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.text import one_line
from onnxspan.reading.written import written_text

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span, Trace


_SEPARATOR = " · "


def header(export: Span, width: int, *, with_process: bool = False) -> list[Text]:
    """Model and file; exporter, opset and versions; parameters and what was written.

    With the process, where a trace has several.

    Of a model's name that does not fit its end is kept, and the file's name whole: in a run of
    several exports that tells them apart.
    """
    # A user's own function may stand around the call that knows of model and versions.
    call = next((span for span in export.walk() if span.get(c.VERSION_TORCH)), export)
    title = Text()
    file = call.get(c.RESULT_FILE)
    if file:
        title.append(" → ", style="dim")
        title.append(one_line(str(file)), style="bold")
    if export.error:
        title.append("  failed", style="bold red")
    model = one_line(str(call.get(c.MODEL_CLASS, export.name)))
    title = Text(_fitting(model, width - title.cell_len), style="bold").append_text(title)
    process = [_process(export)] if with_process else []
    lines = [process, _how(export, call), *_broken(_what(export, call), width)]
    return [title, *(_dim(parts) for parts in lines if parts)]


def _process(export: Span) -> str:
    """The process that made an export, and which of a launcher's it is."""
    found = export.resource
    text = f"process {found.get('process.pid', '?')}"
    for label, key in (("rank", "process.rank"), ("local rank", "process.local_rank")):
        if key in found:
            text += f", {label} {found[key]}"
    size = found.get("process.world_size")
    return text + (f" of {size}" if size is not None and "process.rank" in found else "")


def script_lines(script: Span, trace: Trace, width: int) -> list[Text]:
    """What part of a script its exports were, and the steps before and after them."""
    inside = [one for one in trace.exports if one.trace_id == script.trace_id]
    spent = _covered(inside)
    name = one_line(str(script.get(c.SCRIPT)))
    text = f"{name} ran for {figures.duration(script.duration)}"
    computed = script.get(c.SCRIPT_CPU)
    if isinstance(computed, int | float):
        text += f" (computed {figures.duration(computed)})"
    count = f"{len(inside)} export{'' if len(inside) == 1 else 's'}"
    share = figures.share(spent / script.duration) if script.duration else ""
    text += f"; of it {count}: {figures.duration(spent)}, {share}"
    by_library: dict[str, list[Span]] = {}
    for step in trace.roots:
        if step.trace_id == script.trace_id and step not in inside:
            name = one_line(step.name).partition(".")[0]
            by_library.setdefault(name, []).append(step)
    imports = [
        one
        for one in script.children
        if not any(export.start <= one.start and one.end <= export.end for export in inside)
    ]
    if imports:
        by_library["imports"] = imports
    spent_by = {name: _covered(spans) for name, spans in by_library.items()}
    for name, seconds in sorted(spent_by.items(), key=lambda item: -item[1])[:_MAX_LIBRARIES]:
        share = figures.share(seconds / script.duration) if script.duration else ""
        text += f"; {name} {figures.duration(seconds)}, {share}"
    rest = script.duration - _covered(
        [*script.children, *(one for one in trace.roots if one.trace_id == script.trace_id)]
    )
    if script.duration:
        share = figures.share(max(rest, 0) / script.duration)
        text += f"; in no span {figures.duration(max(rest, 0))}, {share}"
    return [Text(line, style="dim") for line in textwrap.wrap(text, width)]


_MAX_LIBRARIES = 4


def _covered(spans: list[Span]) -> float:
    """Seconds in which at least one of these ran: processes and threads export at the same time."""
    covered = last = 0
    for span in sorted(spans, key=lambda one: one.start):
        begin, last = max(span.start, last), max(span.end, last)
        covered += max(last - begin, 0)
    return covered / 1e9


def _broken(parts: list[str], width: int) -> list[list[str]]:
    """On one line, or what was written on a line of its own when they are too long for it."""
    return [parts] if cell_len(_SEPARATOR.join(parts)) <= width else [parts[:-1], parts[-1:]]


def _fitting(model: str, width: int) -> str:
    """The class with as much of its module as there is room for; itself always."""
    while cell_len(model) > width and "." in model.removeprefix("…."):
        model = "…." + model.removeprefix("….").partition(".")[2]
    return model


def _how(export: Span, call: Span) -> list[str]:
    parts = []
    exporter = export.get(c.EXPORTER, call.get(c.EXPORTER))
    if exporter:
        parts.append(f"{exporter} exporter")
    opset = export.get(c.OPSET, call.get(c.OPSET))
    made = export.get(c.RESULT_OPSET, call.get(c.RESULT_OPSET))
    if made is not None and opset is not None and made != opset:
        parts.append(f"opset {made} ({opset} was asked for)")
    elif opset is not None:
        parts.append(f"opset {opset}")
    for label, key in (
        ("torch", c.VERSION_TORCH),
        ("onnx", c.VERSION_ONNX),
        ("onnxscript", c.VERSION_ONNXSCRIPT),
    ):
        if call.get(key):
            parts.append(f"{label} {call.get(key)}")
    return parts


def _what(export: Span, call: Span) -> list[str]:
    parts = []
    parameters = call.number(c.MODEL_PARAMETERS)
    if parameters is not None:
        size = call.number(c.MODEL_BYTES)
        parts.append(
            f"{figures.count(parameters)} parameters"
            + (f" ({figures.size(size)})" if size is not None else "")
        )
    buffers, size = call.number(c.MODEL_BUFFERS), call.number(c.MODEL_BUFFER_BYTES)
    if buffers is not None:
        counted = f"{figures.count(buffers)} numbers in buffers"
        parts.append(counted + (f" ({figures.size(size)})" if size is not None else ""))
    nodes = export.number(c.RESULT_NODES)
    if nodes is not None:
        parts.append(f"{figures.count(nodes)} node{'' if nodes == 1 else 's'}")
    wrote = written_text(call)
    if wrote:
        whole, comma, rest = wrote.partition(",")
        parts.append(f"{whole} written{comma}{rest}")
    return parts


def _dim(parts: list[str]) -> Text:
    return Text(one_line(_SEPARATOR.join(parts)), style="dim")


MIN_WAITING = 1.0
"""Seconds that an export must have waited before that is said."""


def waited(span: Span) -> str:
    """How much of a span's time was computed, where most of it was not; else empty."""
    computed = span.get(c.CPU)
    if not isinstance(computed, int | float) or span.duration - computed < MIN_WAITING:
        return ""
    if computed > span.duration / 2:
        return ""
    return (
        f"of {figures.duration(span.duration)} the exporting thread computed "
        f"{figures.duration(computed)}: the machine was busy, or the thread waited"
    )


def footer(export: Span, width: int) -> list[Text]:
    """What tracing took, how much of the time was waiting, and whatever was missed.

    Args:
        export: an exporter's root span.
        width: columns; a longer line goes on in the next.
    """
    said = [(waiting, "bold yellow")] if (waiting := waited(export)) else []
    own = export.get(c.TRACING_DURATION)
    if isinstance(own, int | float) and export.duration:
        share = figures.share(own / export.duration)
        said.append((f"tracing took {figures.duration(own)}, {share} of this export", "dim"))
    begun = export.number(c.TRACING_SPANS)
    found = sum(span.scope == c.SCOPE for span in export.walk())
    if begun is not None and begun > found:
        said.append((f"{begun - found} of {begun} spans are missing", "bold yellow"))
    errors = export.number(c.TRACING_ERRORS)
    if errors:
        first = one_line(str(export.get(c.TRACING_ERROR, "")))
        what = "an error" if errors == 1 else f"{errors} errors"
        text = f"{what} in onnxspan itself: something may be missing; the first: {first}"
        said.append((text, "bold yellow"))
    return [
        Text(line, style=style)
        for text, style in said
        for line in textwrap.wrap(text, width, subsequent_indent="  ")
    ]
