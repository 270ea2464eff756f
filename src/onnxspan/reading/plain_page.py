"""The frame of the comparison pages: one file, no script, nothing loaded from anywhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --paper: #fff; --dim: #5c6670;
  --line: #d8dee4; --worse: #b42318; --better: #1a7f37; --bar: #4f7cac; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #11161c; --dim: #9aa4af;
  --line: #30363d; --worse: #ff8478; --better: #5fd083; --bar: #7aa7d9; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem }
p { margin: .4rem 0 } .dim { color: var(--dim) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere }
th { color: var(--dim); font-weight: 500 }
.worse { color: var(--worse) } .better { color: var(--better) }
svg { max-width: 100%; height: auto } svg text { fill: var(--ink); font-size: 12px }
"""


class Cell(str):
    """A table cell's text with a class: `worse`, `better` or `dim`; it is escaped like any."""

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, text: str, kind: str = "") -> Cell:  # noqa: PYI034  # Self needs 3.11
        """A cell with that class."""
        cell = super().__new__(cls, text)
        cell.kind = kind
        return cell


def safe(text: str) -> str:
    """Text from a trace for a page: control characters shown, markup escaped."""
    return escape(one_line(text))


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page; the parts are HTML, made by `heading`, `note` and `table`."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{safe(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{safe(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def heading(text: str) -> str:
    """A second-level heading."""
    return f"<h2>{safe(text)}</h2>"


def note(text: str) -> str:
    """A dim paragraph."""
    return f'<p class="dim">{safe(text)}</p>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; every cell is escaped here."""
    head = "".join(f'<th scope="col">{safe(text)}</th>' for text in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    kind = text.kind if isinstance(text, Cell) else ""
    return f'<td class="{safe(kind)}">{safe(text)}</td>' if kind else f"<td>{safe(text)}</td>"
