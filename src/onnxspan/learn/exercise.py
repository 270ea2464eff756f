"""An exercise: its goal, its hints, and the scripts beside them."""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        number: counted from 1, in the order of the tutorials.
        title: one line.
        exporter: `torchscript`, `dynamo` or `both`.
        page: the page of the documentation that teaches it.
        goal: what is to be reached, Markdown.
        hints: one after the other.
        start: the script that the learner begins with; `solution` one that reaches the goal.
    """

    number: int
    title: str
    exporter: str
    page: str
    goal: str
    hints: tuple[str, ...]
    start: str
    solution: str


@functools.cache
def exercises() -> tuple[Exercise, ...]:
    """Every exercise, in order."""
    folder = importlib.resources.files("onnxspan.learn").joinpath("exercises")
    names = sorted(one.name for one in folder.iterdir() if re.match(r"\d\d_", one.name))
    return tuple(_read(name) for name in names)


def numbered(number: int) -> Exercise | None:
    """The exercise of a number; None when there is none."""
    return next((one for one in exercises() if one.number == number), None)


def _read(name: str) -> Exercise:
    folder = importlib.resources.files("onnxspan.learn").joinpath("exercises").joinpath(name)
    text = folder.joinpath("goal.md").read_text(encoding="utf-8")
    head, *parts = text.split("\n## ")
    title, exporter, page, goal = _head(head)
    hints: Sequence[str] = [part.partition("\n")[2].strip() for part in parts]
    start, solution = (
        folder.joinpath(f"{which}.py").read_text(encoding="utf-8")
        for which in ("start", "solution")
    )
    return Exercise(int(name[:2]), title, exporter, page, goal, tuple(hints), start, solution)


def _head(text: str) -> tuple[str, str, str, str]:
    found = re.fullmatch(
        r"# (.+)\n\nexporter: (\w+)\npage: (\S+)\n\n(.+)", text.strip(), flags=re.DOTALL
    )
    if found is None:
        raise ValueError(f"an exercise's goal.md does not begin as it has to: {text[:80]!r}")
    return found[1], found[2], found[3], found[4].strip()
