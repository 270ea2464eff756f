"""The first sentences of every view: where the time went, what the graph did, the memory.

Each sentence is made of pieces; a piece that names a span can be a link to the span.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.text import one_line
from onnxspan.reading.tree.folding import operator_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span

MIN_SHARE = 0.1
"""A part of less than this share of the whole is not worth a sentence."""
MIN_GROWTH = 4 * 2**20
"""Bytes of memory from which growth is worth a sentence: below, it is the allocator's."""
MAX_CHANGES = 3
TIMES = "\N{MULTIPLICATION SIGN}"
_PREFIXES = ("_jit_pass_onnx_", "_jit_pass_")


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of a sentence; `span` is the span that it names."""

    text: str
    span: Span | None = None


Sentence = list[Piece]


def sentences(export: Span) -> list[Sentence]:
    """The sentences on one finished export; none for an export that has not ended."""
    if not export.end or not export.duration:
        return []
    inside = list(export.walk())
    found = (_time(export, inside), _graph(export, inside), _memory(export, inside))
    return [sentence for sentence in found if sentence]


def text(sentence: Sentence) -> str:
    """A sentence as plain text, safe for a terminal."""
    return one_line("".join(piece.text for piece in sentence))


def self_times(spans: list[Span]) -> dict[int, float]:
    """Seconds that each span took less those of its children, by the span's `id()`."""
    return {
        id(span): max(span.duration - sum(child.duration for child in span.children), 0.0)
        for span in spans
    }


def _time(export: Span, inside: list[Span]) -> Sentence:
    own = self_times(inside)
    by_name: dict[str, list[Span]] = {}
    for span in inside:
        by_name.setdefault(span.name, []).append(span)
    totals = {name: sum(own[id(one)] for one in group) for name, group in by_name.items()}
    name = max(totals, key=lambda one: totals[one])
    group, spent = by_name[name], totals[name]
    if spent < MIN_SHARE * export.duration or len(inside) == 1:
        return []
    longest = max(group, key=lambda one: own[id(one)])
    calls = f" ({len(group)} calls)" if len(group) > 1 else ""
    sentence = [
        Piece(f"{figures.share(spent / export.duration)} of the time is in "),
        Piece(name, longest),
        Piece(f"{calls}: {figures.duration(spent)} of {figures.duration(export.duration)}"),
    ]
    entries, _, _ = operator_sums(longest, 1)
    if entries and entries[0].duration > MIN_SHARE * spent:
        most = entries[0]
        times = f"{figures.count(most.calls)} {TIMES} " if most.calls > 1 else ""
        sentence.append(
            Piece(f", most of it {times}{most.name} ({figures.duration(most.duration)})")
        )
    return sentence


def _graph(export: Span, inside: list[Span]) -> Sentence:
    counted = [span for span in inside if span.number(c.NODES) is not None]
    changed = [span for span in _innermost(inside) if span.number(c.NODES_CHANGE)]
    last = export.number(c.RESULT_NODES)
    if last is None or not counted or not changed:
        return []
    by_name: dict[str, list[Span]] = {}
    for span in changed:
        by_name.setdefault(span.name, []).append(span)
    sums = {
        name: sum(span.number(c.NODES_CHANGE) or 0 for span in group)
        for name, group in by_name.items()
    }
    first = min(counted, key=lambda span: span.end)
    begun = (first.number(c.NODES) or 0) - (first.number(c.NODES_CHANGE) or 0)
    ordered = sorted((name for name in sums if sums[name]), key=lambda name: -abs(sums[name]))
    sentence = [Piece(f"{figures.count(begun)} → {figures.count(last)} nodes: ")]
    for number, name in enumerate(ordered[:MAX_CHANGES]):
        sentence += [
            Piece(", " if number else ""),
            Piece(
                _short(name), max(by_name[name], key=lambda s: abs(s.number(c.NODES_CHANGE) or 0))
            ),
            Piece(f" {figures.change(sums[name])}"),
        ]
    return sentence if ordered else []


def _innermost(inside: list[Span]) -> Iterator[Span]:
    """Spans whose change is their own: no span below says a change too.

    Args:
        inside: a span and all below it, each after its parent.
    """
    around: set[int] = set()  # the spans with a change somewhere below
    for span in reversed(inside):
        if span.parent is not None and (id(span) in around or span.number(c.NODES_CHANGE)):
            around.add(id(span.parent))
    return (span for span in inside if id(span) not in around)


def _memory(export: Span, inside: list[Span]) -> Sentence:
    grown = export.number(c.MEMORY_GROWTH) or 0
    if grown < MIN_GROWTH:
        return []
    own = {
        id(span): (span.number(c.MEMORY_GROWTH) or 0)
        - sum(child.number(c.MEMORY_GROWTH) or 0 for child in span.children)
        for span in inside
        if span.number(c.MEMORY_GROWTH) is not None
    }
    most = max((span for span in inside if id(span) in own), key=lambda span: own[id(span)])
    sentence = [Piece(f"{figures.growth(grown)} of memory")]
    if most is not export and own[id(most)] >= MIN_GROWTH:
        sentence += [Piece(f", {figures.size(own[id(most)])} of it in "), Piece(most.name, most)]
    return sentence


def _short(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
