"""A trace in a notebook: a tree of plain HTML that folds without a script.

Short and repeated spans share a line, and bars have the colour of their self time, as in the
report and the terminal.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import answer, figures, mismatch
from onnxspan.reading.notes import failure_lines
from onnxspan.reading.text import one_line
from onnxspan.reading.tree.folding import Folding, Kind, Line
from onnxspan.reading.tree.header import header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span, Trace

MAX_SPANS = 600
"""Lines that a cell shows; the report shows all."""
MAX_CHILDREN = 100
MAX_OPEN = 30
"""Lines below a span up to which it is open; the short ones share a line already."""
MAX_DEPTH = 60

WIDTH = 100
"""Columns of the failure screen and of the header."""
_STYLE = (
    "font:12px/1.6 ui-monospace,Menlo,Consolas,monospace;border:1px solid #8884;"
    "border-radius:8px;padding:8px 12px;overflow-x:auto"
)
_BAR = "display:inline-block;height:8px;border-radius:2px;vertical-align:middle;background:"
_ROW = "white-space:nowrap"
_SCREEN = "margin:0 0 8px;white-space:pre-wrap;overflow-wrap:anywhere;font:inherit"
_FIGURE = "display:inline-block;text-align:right;font-variant-numeric:tabular-nums"
_HOT, _WARM, _COOL, _BAD = "#c2620a", "#2b7f78", "#7d838c", "#c9372c"
"""As in the report; a notebook may be light or dark, and each of them can be told from both."""
_LONG, _MIDDLING = 0.25, 0.05
_COLUMNS = (
    '<div style="padding-left:1.1em;opacity:.65">'
    + "".join(
        f'<span style="{_FIGURE};width:{width}em">{label}</span> '
        for label, width in (("time", 6.5), ("share", 5), ("nodes", 11))
    )
    + "</div>"
)


def render(trace: Trace) -> str:
    """The trace as HTML with inline styles; every text from the trace is escaped."""
    if not trace.roots:
        return "<div>onnxspan: no export was recorded.</div>"
    parts = [f'<div style="{_STYLE}">', *_screens(trace)]
    left = MAX_SPANS
    for root in trace.roots:
        if left <= 0:
            break
        for export in trace.exports_below(root):
            parts += _head(export)
        parts.append(_COLUMNS)
        left = _tree(Line(Kind.SPAN, [root]), Folding(root), 0, left, parts)
    held = len(trace.spans)
    if held > MAX_SPANS:
        parts.append(f"<div>… of {held:,} spans; `trace.save('export.html')` shows all.</div>")
    parts.append("</div>")
    return "".join(parts)


def _screens(trace: Trace) -> Iterator[str]:
    """How the process ended, where an export failed, or where its numbers begin to differ."""
    found = trace.ending or trace.failure
    texts = [found.screen(width=WIDTH)] if found is not None else []
    texts += [one.screen(width=WIDTH) for one in mismatch.of_trace(trace)]
    for text in texts:
        first, _, rest = text.partition("\n")
        yield (
            f'<pre style="{_SCREEN}"><b style="color:#d0453c">{html.escape(first)}</b>\n'
            f"{html.escape(rest)}</pre>"
        )


def _head(export: Span) -> Iterator[str]:
    """The answer to where the time went, then the model, the exporter and the file."""
    for sentence in answer.sentences(export):
        yield f"<div><b>{html.escape(answer.text(sentence))}</b></div>"
    title, *more = header(export, WIDTH)
    yield f"<div>{_safe(title.plain)}</div>"
    for line in more:
        yield f'<div style="opacity:.65">{_safe(line.plain)}</div>'


def _tree(line: Line, folding: Folding, depth: int, left: int, parts: list[str]) -> int:
    """Append one line and what is below it; returns how many lines may still come."""
    span = line.spans[0]
    is_shared = line.kind is not Kind.SPAN
    below = [Line(Kind.SPAN, [one]) for one in line.spans] if is_shared else folding.lines(span)
    text = _shared(line, folding, depth) if is_shared else _line(span, folding, depth)
    left -= 1
    if not below or depth >= MAX_DEPTH or left <= 0:
        parts.append(f'<div style="{_ROW};padding-left:1.1em">{text}</div>')
        return left
    is_open = " open" if not is_shared and len(below) <= MAX_OPEN else ""
    head = f'<summary style="{_ROW}">{text}</summary>'
    parts.append(f"<details{is_open}>{head}")
    for number, entry in enumerate(below):
        if left <= 0 or number >= MAX_CHILDREN:
            parts.append(f"<div>… {len(below) - number:,} more</div>")
            break
        left = _tree(entry, folding, depth + 1, left, parts)
    parts.append("</details>")
    return left


def _shared(line: Line, folding: Folding, depth: int) -> str:
    """A line that stands for several spans."""
    change = sum(span.number(c.NODES_CHANGE) or 0 for span in line.spans)
    name = _safe("".join(line.words))
    return _figures(line, folding, figures.change(change), _COOL) + (
        f'<span style="padding-left:{1.2 * depth:.1f}em;opacity:.65">{name}</span>'
    )


def _line(span: Span, folding: Folding, depth: int) -> str:
    parts = [
        _figures(Line(Kind.SPAN, [span]), folding, _nodes(span), _color(span, folding)),
        f'<span style="padding-left:{1.2 * depth:.1f}em">',  # the columns before it stay in line
        f"<b>{_safe(span.name)}</b>" if span.parent is None else _safe(span.name),
        "</span>",
    ]
    if span.parent is None and span.get(c.MODEL_CLASS):
        parts.append(f' <span style="opacity:.65">{_safe(str(span.get(c.MODEL_CLASS)))}</span>')
    if span.error:
        said = next(failure_lines(span), None)  # none where a span below says the same
        text = (
            f'<b style="color:{_BAD}">failed</b> {_safe(said)}'
            if said
            else '<span style="opacity:.65">failed inside</span>'
        )
        parts.append(f" {text}")
    return "".join(parts)


def _figures(line: Line, folding: Folding, nodes: str, color: str) -> str:
    """Time, share, nodes and bar: columns of one width, whatever the depth."""
    has_ended = all(span.end for span in line.spans)
    share = line.duration / folding.whole if folding.whole else 0.0
    width = min(max(120 * share, 1), 120)
    return "".join(
        (
            _cell(figures.duration(line.duration) if has_ended else "no end", 6.5),
            _cell(figures.share(share) if has_ended and folding.whole else "", 5),
            _cell(nodes, 11),
            '<span style="display:inline-block;width:124px">',
            f'<span style="{_BAR}{color};width:{width:.0f}px"></span></span> ',
        )
    )


def _color(span: Span, folding: Folding) -> str:
    """Warm where the time went: by the share that the span spent itself."""
    if span.error or not span.end:
        return _BAD
    own = answer.self_times([span])[id(span)] / folding.whole if folding.whole else 0.0
    return _HOT if own >= _LONG else _WARM if own >= _MIDDLING else _COOL


def _nodes(span: Span) -> str:
    """The graph's nodes after the span, and by how many it has changed them."""
    nodes, change = span.get(c.NODES), span.get(c.NODES_CHANGE)
    if not isinstance(nodes, int):
        return ""
    changed = f"{change:+,} → " if isinstance(change, int) and change else ""
    return f"{changed}{nodes:,}"


def _cell(text: str, width: float) -> str:
    """A figure in a column: right-aligned, digits of equal width."""
    return f'<span style="{_FIGURE};width:{width}em">{html.escape(text)}</span> '


def _safe(text: str) -> str:
    return html.escape(one_line(text))
