"""Which step of one export is which of another.

The same path is the same step. A step that is only on one side, whose name is also only
once among those of the other side, has moved: a newer torch calls it from another place.
What is below it moves with it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxspan.reading.compare.steps import Path


class Pair(NamedTuple):
    """One step on both sides, or None where it is missing."""

    before: Path | None
    after: Path | None


def align(before: Sequence[Path], after: Sequence[Path], fixed: frozenset[Path]) -> list[Pair]:
    """Pair the paths of two exports.

    Args:
        before: the paths of one export, parents before their children.
        after: those of the other.
        fixed: paths that never move by themselves: per-operator work.

    Returns:
        Every path once, in the order of `after`; those only in `before` follow what they
        followed there.
    """
    renamed = {path: path for path in before}
    known = set(after)
    while (move := _next_move(renamed, after, fixed)) is not None:
        old, new = move
        taken = {place for place in renamed.values() if place in known}
        for path, place in list(renamed.items()):
            if place[: len(old)] == old:
                moved = new + place[len(old) :]
                if moved not in taken or place == old:
                    renamed[path] = moved
    return _merge(renamed, after)


def _next_move(
    renamed: dict[Path, Path], after: Sequence[Path], fixed: frozenset[Path]
) -> tuple[Path, Path] | None:
    """Where the shallowest step that has moved went, if any has."""
    there = set(after)
    here = set(renamed.values())
    left = [place for path, place in renamed.items() if place not in there and path not in fixed]
    right = [path for path in after if path not in here and path not in fixed]
    left_names = Counter(path[-1] for path in left if path)
    right_names = {path[-1]: path for path in right if path}
    right_counts = Counter(path[-1] for path in right if path)
    for path in sorted(left, key=len):
        name = path[-1] if path else ""
        if left_names[name] == 1 and right_counts[name] == 1:
            return path, right_names[name]
    return None


def _merge(renamed: dict[Path, Path], after: Sequence[Path]) -> list[Pair]:
    back = {place: path for path, place in renamed.items()}
    pairs = [Pair(back.get(path), path) for path in after]
    places = {pair.before: index for index, pair in enumerate(pairs) if pair.before is not None}
    inserts: dict[int, list[Pair]] = {}
    last = -1
    for path in renamed:
        if path in places:
            last = places[path]
        else:
            inserts.setdefault(last, []).append(Pair(path, None))
    merged = inserts.get(-1, [])
    for index, pair in enumerate(pairs):
        merged += [pair, *inserts.get(index, [])]
    return merged
