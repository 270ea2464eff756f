"""What a row of the tables of graphs is: a sentence, a graph, and what the pass makes of it."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ATLAS = pathlib.Path(__file__).parents[2] / "docs" / "tools" / "atlas"


def atlas(module):
    """A module of the atlas's tools; its folder is no package."""
    sys.path.insert(0, str(ATLAS))
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(str(ATLAS))


@dataclasses.dataclass(frozen=True)
class Row:
    """A pass, a graph before it, and what proves the sentences.

    Attributes:
        name: the pass, as the explanation is named.
        probe: takes the graph's text before and after; true when the sentences hold.
        sentences: whole sentences of the explanation.
        graph: TorchScript's IR as text; empty for the atlas's minimal model of that pass.
        arguments: what the pass takes after the graph.
        error: what the error of the pass says; empty when it ends well.
    """

    name: str
    probe: Callable[[str, str], bool]
    sentences: tuple[str, ...]
    graph: str = ""
    arguments: tuple[object, ...] = ()
    error: str = ""


def nodes(text: str) -> int:
    """How many nodes a graph's text shows, those of blocks too."""
    return len(re.findall(r"(?m)^ +(?:%.*)? ?= ", text))


def operators(text: str, name: str) -> int:
    """How many nodes of this kind a graph's text shows."""
    return len(re.findall(rf"= {re.escape(name)}[\[(]", text))


def fewer(name: str) -> Callable[[str, str], bool]:
    """The pass removes nodes of this kind."""
    return lambda before, after: operators(before, name) > operators(after, name)


def more(name: str, by: int) -> Callable[[str, str], bool]:
    """The pass adds so many nodes of this kind."""
    return lambda before, after: operators(after, name) - operators(before, name) == by


def becomes(old: str, new: str) -> Callable[[str, str], bool]:
    """A node of the old kind goes, one of the new kind comes."""
    return lambda before, after: (
        operators(before, old) - operators(after, old) == 1
        and operators(after, new) - operators(before, new) == 1
    )


def shrinks(before: str, after: str) -> bool:
    """The graph has fewer nodes afterwards."""
    return nodes(after) < nodes(before)


def grows(by: int) -> Callable[[str, str], bool]:
    """The graph has so many nodes more afterwards."""
    return lambda before, after: nodes(after) - nodes(before) == by


def both(*probes: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    """Each of the probes holds."""
    return lambda before, after: all(probe(before, after) for probe in probes)


def same(before: str, after: str) -> bool:
    """The pass leaves the graph as it is, but for the numbers of its values."""
    return numbered(before) == numbered(after)


def shows(*texts: str) -> Callable[[str, str], bool]:
    """The graph has these texts afterwards."""
    return lambda before, after: all(text in after for text in texts)


def types_only(before: str, after: str) -> bool:
    """The same operators in the same order, and another text."""
    kinds = re.compile(r" = ([\w:]+)")
    return kinds.findall(before) == kinds.findall(after) and before != after


def numbered(text: str) -> str:
    """The text with its values numbered in the order in which they appear."""
    numbers: dict[str, int] = {}
    text = re.sub(r"%[\w.]+", lambda m: f"%{numbers.setdefault(m[0], len(numbers))}", text)
    return " ".join(text.split())


def loses(text: str, by: int = 1) -> Callable[[str, str], bool]:
    """The text is there so many times less afterwards; a negative number: more."""
    return lambda before, after: before.count(text) - after.count(text) == by
