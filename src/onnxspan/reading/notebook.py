"""A trace in a notebook: a tree of plain HTML that folds without a script."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span, Trace

MAX_SPANS = 600
"""Spans that a cell shows; the report shows all."""
MAX_CHILDREN = 100
MAX_DEPTH = 60

_STYLE = (
    "font:12px/1.6 ui-monospace,Menlo,Consolas,monospace;border:1px solid #8884;"
    "border-radius:8px;padding:8px 12px;overflow-x:auto"
)
_BAR = "display:inline-block;height:8px;border-radius:2px;vertical-align:middle;background:"
_COLORS = {"stages": "#5b7fc4", "passes": "#3f9c94", "nodes": "#c99a3a"}


def render(trace: Trace) -> str:
    """The trace as HTML with inline styles; every text from the trace is escaped."""
    if not trace.roots:
        return "<div>onnxspan: no export was recorded.</div>"
    parts = [f'<div style="{_STYLE}">']
    left = MAX_SPANS
    for root in trace.roots:
        if left <= 0:
            break
        left = _tree(root, root, 0, left, parts)
    held = len(trace.spans)
    if held > MAX_SPANS:
        parts.append(f"<div>… of {held:,} spans; `trace.save('export.html')` shows all.</div>")
    parts.append("</div>")
    return "".join(parts)


def _tree(span: Span, root: Span, depth: int, left: int, parts: list[str]) -> int:
    """Append one span and what is below it; returns how many spans may still come."""
    line = _line(span, root)
    left -= 1
    if not span.children or depth >= MAX_DEPTH or left <= 0:
        parts.append(f'<div style="padding-left:1.1em">{line}</div>')
        return left
    is_open = " open" if depth < 2 or span.error else ""  # noqa: PLR2004  # the export and its stages
    parts.append(f'<details{is_open}><summary>{line}</summary><div style="padding-left:1.2em">')
    for number, child in enumerate(span.children):
        if left <= 0 or number >= MAX_CHILDREN:
            parts.append(f"<div>… {len(span.children) - number:,} more</div>")
            break
        left = _tree(child, root, depth + 1, left, parts)
    parts.append("</div></details>")
    return left


def _line(span: Span, root: Span) -> str:
    width = 120 * span.duration / root.duration if root.duration else 0
    color = "#b3261e" if span.error else _COLORS.get(str(span.get(c.LEVEL)), "#9aa0a8")
    took = figures.duration(span.duration) if span.end else "no end"
    parts = [
        f'<span style="display:inline-block;width:6.5em;text-align:right">{took}</span> ',
        '<span style="display:inline-block;width:124px">',
        f'<span style="{_BAR}{color};width:{max(width, 1):.0f}px"></span></span> ',
        f"<b>{_safe(span.name)}</b>" if span.parent is None else _safe(span.name),
    ]
    nodes, change = span.get(c.NODES), span.get(c.NODES_CHANGE)
    if isinstance(nodes, int) and isinstance(change, int) and change:
        parts.append(f' <span style="opacity:.65">{change:+,} → {nodes:,} nodes</span>')
    if span.parent is None and span.get(c.MODEL_CLASS):
        parts.append(f' <span style="opacity:.65">{_safe(str(span.get(c.MODEL_CLASS)))}</span>')
    if span.error:
        parts.append(f' <b style="color:#d0453c">failed</b> {_safe(span.description)}')
    return "".join(parts)


def _safe(text: str) -> str:
    return html.escape(one_line(text))
