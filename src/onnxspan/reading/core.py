"""The part of the report that is there without a script: the answer, a failure, the slowest spans.

A viewer of build artifacts, a mail or a printer shows it as well. Every text from the trace is
escaped here; the report's script adds the rest.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import answer, figures, mismatch
from onnxspan.reading.failure import fatal_failure
from onnxspan.reading.text import one_line, printable

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span, Trace

MAX_SLOWEST = 10
MAX_EXPORTS = 50


def render(trace: Trace) -> str:
    """HTML with the answers of each export; the script shows those of the chosen root alone."""
    parts = []
    if trace.ending is not None:
        parts.append(
            f'<section class="ending"><pre tabindex="0">{_safe_lines(trace.ending.screen())}</pre></section>'
        )
    for number, root in enumerate(trace.roots[:MAX_EXPORTS]):
        parts.append(f'<section class="answer" data-root="{number}">{_root(root)}</section>')
    return "".join(parts)


def _root(root: Span) -> str:
    exports = [span for span in root.walk() if c.EXPORTER in span.attributes] or [root]
    parts = []
    for export in exports:
        title = str(export.get(c.MODEL_CLASS) or export.name)
        ended = "exported" if c.EXPORTER in export.attributes else "took"
        state = "failed" if export.error else ended if export.end else "never ended"
        took = figures.duration(export.duration) if export.end else ""
        parts.append(f'<h2 class="plain">{_safe(title)}: {state} {took}</h2>')
        found = answer.sentences(export) if not export.error else []
        if found:
            items = "".join(f"<li>{_sentence(one)}</li>" for one in found)
            parts.append(f"<ul>{items}</ul>")
        differs = mismatch.of_export(export)
        if differs is not None:
            parts.append(f'<pre tabindex="0">{_safe_lines(differs.screen())}</pre>')
    failed = fatal_failure([root])
    if failed is not None:
        parts.append(f'<pre class="plain" tabindex="0">{_safe_lines(failed.screen())}</pre>')
    return "".join(parts) + _slowest(root)


def _slowest(root: Span) -> str:
    """A table of the spans with the most self time."""
    inside = list(root.walk())
    own = answer.self_times(inside)
    most = sorted((span for span in inside if span.end), key=lambda span: -own[id(span)])
    whole = root.duration or 1.0
    rows = "".join(
        f"<tr><td>{_link(span)}</td><td>{figures.duration(own[id(span)])}</td>"
        f"<td>{figures.share(own[id(span)] / whole)}</td></tr>"
        for span in most[:MAX_SLOWEST]
        if own[id(span)] > 0
    )
    if not rows:
        return ""
    head = "<tr><th>The slowest spans</th><th>Self time</th><th>Share</th></tr>"
    return f'<table class="plain"><thead>{head}</thead><tbody>{rows}</tbody></table>'


def _sentence(sentence: answer.Sentence) -> str:
    return "".join(
        _link(piece.span, piece.text) if piece.span is not None else _safe(piece.text)
        for piece in sentence
    )


def _link(span: Span, name: str = "") -> str:
    # An id of a broken file may be anything.
    target = span.span_id if span.span_id.isalnum() else ""
    return f'<a href="#span={target}"><code>{_safe(name or span.name)}</code></a>'


def _safe(text: str) -> str:
    return html.escape(one_line(text))


def _safe_lines(text: str) -> str:
    return html.escape(printable(text))


def markdown(root: Span) -> str:
    """What to paste into an issue: the failure or the answer, versions, the slowest spans."""
    export = next((span for span in root.walk() if c.EXPORTER in span.attributes), root)
    failed = fatal_failure([root])
    lines = [f"**{one_line(str(export.get(c.MODEL_CLASS) or export.name))}**", ""]
    if failed is not None:
        lines += ["```text", printable(failed.screen()), "```", ""]
    else:
        lines += [f"- {answer.text(sentence)}" for sentence in answer.sentences(export)]
        lines.append("")
    call = next((span for span in root.walk() if span.get(c.VERSION_TORCH)), export)
    versions = [
        f"{label} {call.get(key)}"
        for label, key in (
            ("torch", c.VERSION_TORCH), ("onnx", c.VERSION_ONNX),
            ("onnxscript", c.VERSION_ONNXSCRIPT), ("onnxspan", c.VERSION_ONNXSPAN),
        )
        if call.get(key)
    ]  # fmt: skip
    lines += [f"{export.get(c.EXPORTER, 'unknown')} exporter; {', '.join(versions)}", ""]
    inside = list(root.walk())
    own = answer.self_times(inside)
    most = sorted(inside, key=lambda span: -own[id(span)])[:MAX_SLOWEST]
    lines += ["| span | self time | share |", "|---|--:|--:|"]
    lines += [
        f"| `{one_line(span.name)}` | {figures.duration(own[id(span)])} | "
        f"{figures.share(own[id(span)] / root.duration) if root.duration else ''} |"
        for span in most
        if own[id(span)] > 0
    ]
    return "\n".join(lines)
