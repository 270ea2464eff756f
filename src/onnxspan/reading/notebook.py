"""A trace in a notebook: a tree of plain HTML that folds without a script."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import answer, figures, mismatch
from onnxspan.reading.text import one_line
from onnxspan.reading.tree.header import header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span, Trace

MAX_SPANS = 600
"""Spans that a cell shows; the report shows all."""
MAX_CHILDREN = 100
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
_COLORS = {"stages": "#5b7fc4", "passes": "#3f9c94", "nodes": "#c99a3a"}
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
        left = _tree(root, root, 0, left, parts)
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


def _tree(span: Span, root: Span, depth: int, left: int, parts: list[str]) -> int:
    """Append one span and what is below it; returns how many spans may still come."""
    line = _line(span, root, depth)
    left -= 1
    if not span.children or depth >= MAX_DEPTH or left <= 0:
        parts.append(f'<div style="{_ROW};padding-left:1.1em">{line}</div>')
        return left
    is_open = " open" if depth < 2 or span.error else ""  # noqa: PLR2004  # the export and its stages
    head = f'<summary style="{_ROW}">{line}</summary>'
    parts.append(f"<details{is_open}>{head}")
    for number, child in enumerate(span.children):
        if left <= 0 or number >= MAX_CHILDREN:
            parts.append(f"<div>… {len(span.children) - number:,} more</div>")
            break
        left = _tree(child, root, depth + 1, left, parts)
    parts.append("</details>")
    return left


def _line(span: Span, root: Span, depth: int) -> str:
    share = span.duration / root.duration if root.duration else 0.0
    width = 120 * share
    color = "#b3261e" if span.error else _COLORS.get(str(span.get(c.LEVEL)), "#9aa0a8")
    took = figures.duration(span.duration) if span.end else "no end"
    parts = [
        _cell(took, 6.5),
        _cell(figures.share(share) if span.end else "", 5),
        _cell(_nodes(span), 11),
        '<span style="display:inline-block;width:124px">',
        f'<span style="{_BAR}{color};width:{max(width, 1):.0f}px"></span></span> ',
        f'<span style="padding-left:{1.2 * depth:.1f}em">',  # the columns before it stay in line
        f"<b>{_safe(span.name)}</b>" if span.parent is None else _safe(span.name),
        "</span>",
    ]
    if span.parent is None and span.get(c.MODEL_CLASS):
        parts.append(f' <span style="opacity:.65">{_safe(str(span.get(c.MODEL_CLASS)))}</span>')
    if span.error:
        parts.append(f' <b style="color:#d0453c">failed</b> {_safe(span.description)}')
    return "".join(parts)


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
