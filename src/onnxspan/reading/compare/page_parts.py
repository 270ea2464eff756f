"""What the pages of a diff and of a growth are made of: the report's look, without its data.

The page is whole without its script, which sorts, filters and turns the theme. Text from a
trace is escaped by what makes a piece of the page here; pieces are `Html`, texts are `str`.
"""

from __future__ import annotations

import dataclasses
import string
from html import escape
from typing import TYPE_CHECKING

from onnxspan.reading import pages
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Html(str):
    """Markup that is safe as it stands; any other text is escaped."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Cell:
    """A table's cell.

    Attributes:
        kind: a class: `worse`, `better`, `quiet` or `words`.
        value: what the column sorts by, where the text does not say it.
    """

    text: str
    kind: str = ""
    value: float | None = None


@dataclasses.dataclass(frozen=True)
class Fact:
    """A figure of the page's head, with what became of it below."""

    label: str
    text: str
    below: str = ""
    kind: str = ""


def safe(text: str) -> Html:
    """A text for a page: control characters shown, markup escaped."""
    return text if isinstance(text, Html) else Html(escape(one_line(text)))


def page(
    title: str, badges: Iterable[tuple[str, str]], facts: Iterable[Fact], parts: Iterable[Html]
) -> str:
    """A whole page; a badge is a text and `good`, `bad` or nothing."""
    body = string.Template(pages.asset("compare.html")).substitute(
        heading=safe(title),
        badges="".join(f'<span class="badge {kind}">{safe(text)}</span>' for text, kind in badges),
        facts="".join(map(_fact, facts)),
        parts="\n".join(parts),
    )
    title = f"{title} · onnxspan"
    return pages.page(title, body, styles=("compare.css",), scripts=("compare.js",))


def _fact(fact: Fact) -> str:
    below = f'<small class="{fact.kind}">{safe(fact.below)}</small>' if fact.below else ""
    return f"<div><dt>{safe(fact.label)}</dt><dd>{safe(fact.text)}{below}</dd></div>"


def answer(sentences: Iterable[str]) -> Html:
    """The sentences that open the page."""
    said = "".join(f"<p>{safe(sentence)}</p>" for sentence in sentences)
    return Html(f'<section class="answer">{said}</section>')


def panel(title: str, *parts: Html, note: str = "") -> Html:
    """A framed part of the page with its heading."""
    said = f' <span class="quiet">{safe(note)}</span>' if note else ""
    return Html(f'<section class="panel"><h2>{safe(title)}{said}</h2>{"".join(parts)}</section>')


def failure(title: str, lines: Iterable[str]) -> Html:
    """What failed, as the report shows it."""
    said = "".join(f'<p class="text">{safe(line)}</p>' for line in lines)
    return Html(f'<section class="failure"><h2>{safe(title)}</h2>{said}</section>')


def closing(text: str) -> Html:
    """The quiet last words."""
    return Html(f'<p class="closing quiet">{safe(text)}</p>')


def step(path: Sequence[str], name: str, said: str = "") -> Cell:
    """A step's cell: its name, and what it is below."""
    above = " / ".join(path[:-1])
    extra = "".join(f'<span class="path">{safe(text)}</span>' for text in (above, said) if text)
    return Cell(Html(f"<code>{safe(name)}</code>{extra}"), "words")


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    *,
    flagged: Iterable[int] = (),
    find: str = "",
) -> Html:
    """A table whose heads sort it; with `find`, its id, a box that filters it."""
    marked = set(flagged)
    head = "".join(
        f'<th scope="col"{_words(index == 0)}>{safe(text)}</th>'
        for index, text in enumerate(header)
    )
    body = "".join(
        f"<tr{_flag(index in marked)}>{''.join(map(_cell, row))}</tr>"
        for index, row in enumerate(rows)
    )
    box = (
        f'<div class="find"><input type="search" data-table="{find}" placeholder="Filter by name" '
        'aria-label="Filter"><span class="quiet" role="status"></span></div>'
        if find
        else ""
    )
    named = f' id="{find}"' if find else ""
    return Html(
        f'{box}<div class="sheet" tabindex="0"><table class="sortable"{named}>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _words(is_first: bool) -> str:
    return ' class="words"' if is_first else ""


def _flag(is_marked: bool) -> str:
    return ' class="flagged"' if is_marked else ""


def _cell(cell: str | Cell) -> str:
    if not isinstance(cell, Cell):
        cell = Cell(cell)
    kind = f' class="{cell.kind}"' if cell.kind else ""
    value = f' data-value="{cell.value!r}"' if cell.value is not None else ""
    return f"<td{kind}{value}>{safe(cell.text)}</td>"
