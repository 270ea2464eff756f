"""Which spans get a line of their own, and which share one.

A reader looks for what took time, changed the graph, grew the memory or failed. Whatever did
none of that shares a line: calls of the same name (`_jit_pass_lint`, ten times), then the rest
(`… 17 more passes`). Nothing is left out of the sums, and no failure is ever folded.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import TYPE_CHECKING

from onnxspan import conventions as c

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onnxspan.reading.source.trace import Span

SHORT = 0.01
"""Below this share of the whole export a span is short."""
NOTICEABLE_NODES = 0.01
"""A change of at least this share of the graph's nodes is noticeable."""
NOTICEABLE_MEMORY = 0.05
"""A growth of at least this share of the process's memory is noticeable."""
SAME = 3
"""So many calls of one name share a line, however long they took."""
MAX_GROUPS = 6
"""Lines of that kind below one span; the shorter ones join the rest."""

TIMES = "\N{MULTIPLICATION SIGN}"

_ALWAYS = frozenset({c.EXPORTER, c.DYNAMIC_LOST})
"""Attributes whose span is never folded."""


class Kind(enum.Enum):
    """What a line stands for."""

    SPAN = "one span"
    SAME = "several spans of one name"
    REST = "the short ones"


@dataclasses.dataclass
class Line:
    """One line of the folded tree, and the spans that it stands for."""

    kind: Kind
    spans: list[Span]

    @property
    def duration(self) -> float:
        """Seconds, summed."""
        return sum(span.duration for span in self.spans)

    @property
    def words(self) -> tuple[str, str]:
        """What the line is called: what stands before the name, and the name."""
        name = self.spans[0].name
        if self.kind is Kind.SAME:
            return f"{len(self.spans)} {TIMES} ", name
        if self.kind is Kind.REST:
            passes = all(each.name.startswith("_jit_pass") for each in self.spans)
            return "… ", f"{len(self.spans)} more {'passes' if passes else 'spans'}"
        return "", name


class Folding:
    """Decides, for the spans below one root, who gets a line.

    Args:
        root: the tree; it is walked once.
        unfold: give every span its own line.

    Attributes:
        whole: seconds of the longest export in the tree, else of the root; shares are of them.
    """

    def __init__(self, root: Span, *, unfold: bool = False) -> None:
        self.unfold = unfold
        self.whole = _whole(root)
        self._memory = max(span.number(c.MEMORY_RSS) or 0 for span in root.walk())
        self._telling: set[int] = set()
        if not unfold:
            for span in reversed(list(root.walk())):  # children before their parents
                if self._tells(span) or any(id(child) in self._telling for child in span.children):
                    self._telling.add(id(span))

    def lines(self, span: Span) -> list[Line]:
        """The lines below a span: single ones in the order of the calls, then the shared ones."""
        if self.unfold:
            return [Line(Kind.SPAN, [child]) for child in span.children]
        groups = self._groups(span)
        grouped = {id(member) for group in groups for member in group.spans}
        single: list[Span] = []
        rest: list[Span] = []
        for child in span.children:
            if id(child) not in grouped:
                (single if self._stands_alone(child) else rest).append(child)
        if len(rest) == 1:  # a line that stands for one span can as well be it
            single, rest = [child for child in span.children if id(child) not in grouped], []
        lines = [Line(Kind.SPAN, [child]) for child in single]
        lines += groups
        if rest:
            lines.append(Line(Kind.REST, rest))
        return lines

    def _groups(self, span: Span) -> list[Line]:
        by_name: dict[str, list[Span]] = {}
        for child in span.children:
            if id(child) not in self._telling:
                by_name.setdefault(child.name, []).append(child)
        groups = [Line(Kind.SAME, spans) for spans in by_name.values() if len(spans) >= SAME]
        groups.sort(key=lambda line: -line.duration)
        return groups[:MAX_GROUPS]

    def _stands_alone(self, span: Span) -> bool:
        is_stage = span.get(c.LEVEL) == c.Level.STAGES.name.lower()
        return is_stage or id(span) in self._telling or span.duration >= SHORT * self.whole

    def _tells(self, span: Span) -> bool:
        """Whether it failed, never ended, or noticeably changed the graph or the memory."""
        if span.error or not span.end or span.events or not _ALWAYS.isdisjoint(span.attributes):
            return True
        changed = span.number(c.NODES_CHANGE) or 0
        before = (span.number(c.NODES) or 0) - changed
        if changed and abs(changed) >= NOTICEABLE_NODES * before:
            return True
        growth = span.number(c.MEMORY_GROWTH) or 0
        is_leaf = not span.children  # else a child tells it, and the parent is shown with it
        return is_leaf and bool(self._memory) and growth >= NOTICEABLE_MEMORY * self._memory


def shared(root: Span) -> Iterator[tuple[Span, Line]]:
    """Every line of the tree that several spans share, and the span that it is below."""
    folding = Folding(root)
    for span in root.walk():
        for line in folding.lines(span):
            if line.kind is not Kind.SPAN:
                yield span, line


def _whole(root: Span) -> float:
    """The length of the longest export in the tree, else of the root; what shares are of.

    Of an export that never ended, as a killed process leaves it: up to the last moment known.
    """
    exports = [span for span in root.walk() if c.EXPORTER in span.attributes] or [root]
    return max(span.duration if span.end else _known(span) for span in exports)


def _known(span: Span) -> float:
    """Seconds from the span's beginning to the last thing that is known of what is inside it."""
    return (max(max(one.start, one.end) for one in span.walk()) - span.start) / 1e9


@dataclasses.dataclass
class OperatorSum:
    """The summed work on one operator's nodes, or on all nodes of one kind of work."""

    name: str
    calls: int
    duration: float


def operator_sums(span: Span, most: int) -> tuple[list[OperatorSum], int, list[OperatorSum]]:
    """The per-node work that is summed on a span.

    Returns:
        The longest operators of the kind of work that took longest, how many operators more
        there are, and each other kind of work as one sum.
    """
    if any(child.is_node and not child.error for child in span.children):
        return [], 0, []  # the level is `nodes`: the spans themselves are there
    kinds = sorted(_kinds(span), key=lambda kind: -sum(entry.duration for entry in kind[1]))
    if not kinds:
        return [], 0, []
    entries = sorted(kinds[0][1], key=lambda entry: -entry.duration)
    others = [
        OperatorSum(
            name.replace("_", " "),
            sum(entry.calls for entry in listed),
            sum(entry.duration for entry in listed),
        )
        for name, listed in kinds[1:]
    ]
    return entries[:most], max(len(entries) - most, 0), others


def _kinds(span: Span) -> Iterable[tuple[str, list[OperatorSum]]]:
    for key, operators in span.attributes.items():
        prefix, _, last = key.rpartition(".")
        if last != "operators":
            continue
        calls = span.get(f"{prefix}.calls")
        durations = span.get(f"{prefix}.durations")
        if isinstance(operators, list) and _are_numbers(calls) and _are_numbers(durations):
            yield (
                prefix.rpartition(".")[2],
                [
                    OperatorSum(str(name), int(number), float(seconds))
                    for name, number, seconds in zip(operators, calls, durations, strict=False)
                ],
            )


def _are_numbers(values: object) -> bool:
    """Whether it is a list of numbers: in another tool's file it may be anything."""
    return isinstance(values, list) and all(
        isinstance(value, int | float) and math.isfinite(value) for value in values
    )
