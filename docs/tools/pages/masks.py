"""Compare what a page shows with what came out, blind to what differs from run to run."""

from __future__ import annotations

import re
from collections.abc import Iterator

MASKS = [
    # Growth of memory may be too small to be shown at all: no sign is left of it.
    (re.compile(r"[+-]?\d+(\.\d+)? ?(B|[kKMG]i?B)(?!\w)"), ""),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?Z?)?"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d([.,]\d+)?\b"), "CLOCK"),
    (re.compile(r"\d[\d,]*(\.\d+)? ?(ns|µs|us|ms|s|min|h)(?!\w)"), "TIME"),
    (re.compile(r"[±<]? ?\d+(\.\d+)? ?%"), "SHARE"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "ID"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b"), "ID"),
    (re.compile(r"\bpid \d+\b"), "PID"),
    (re.compile(r"\b\d+\.\d+\.\d+\w*([.+-]\w+)*"), "VERSION"),
    (re.compile(r"(?<![\w.:/])(~|…)?(/[\w.@+-]+){2,}"), "PATH"),
    (re.compile(r"[█▉▊▋▌▍▎▏━╸─]{2,}|[█▉▊▋▌▍▎▏]"), ""),
    (re.compile(r"\s+"), " "),
]
"""Patterns, and what stands for them in a comparison, in the order in which they apply."""
ENOUGH = 0.5
"""So large a share of the shown lines must come out where the output varies."""
PART = re.compile(r"(first|last) (\d+) lines?")
CUT = "…"
VARIES = "varies"


class UnknownOutput(ValueError):  # noqa: N818  # named for what is wrong with the page
    """An `output:` note that says something else than those of `fences`."""


ANSWER = re.compile(
    r"\d+(\.\d+)? % of the time is in |[+-]\d\S* \w+ of memory\b|\d[\d,]* → \d[\d,]* nodes: "
    r"|The export takes \d|The times? (is the same within|scatter) |The memory grew by "
)
"""A sentence of the answer: which step took the time, or the memory, is another from run to run."""


def _without_answer(lines: list[str]) -> Iterator[str]:
    """The lines without the sentences of the answer, and what was wrapped of them."""
    is_answer = False
    for line in lines:
        is_answer = bool(ANSWER.match(line)) or (is_answer and line.startswith("  "))
        if not is_answer:
            yield line


def masked(text: str) -> list[str]:
    """The lines that are not blank, without what is volatile in them."""
    lines = []
    for line in _without_answer(text.splitlines()):
        for pattern, stand_in in MASKS:
            line = pattern.sub(stand_in, line)  # noqa: PLW2901
        lines.append(line.strip())
    return [line for line in lines if line]


def part(text: str, how: str) -> str:
    """What of an output the page shows.

    Raises:
        UnknownOutput: when `how` is not an `output:` note.
    """
    lines = text.splitlines()
    for word in how.split(", ") if how else []:
        found = PART.fullmatch(word)
        if found and len(lines) > int(found[2]):
            number = int(found[2])
            lines = [*lines[:number], CUT] if found[1] == "first" else [CUT, *lines[-number:]]
        elif not found and word != VARIES:
            raise UnknownOutput(f"`output: {how}` is not known")
    return "".join(f"{line}\n" for line in lines)


def same(shown: str, made: str, how: str = "") -> bool:
    """Whether a page's text fence is true of what was printed."""
    expected, actual = masked(shown), masked(part(made, how))
    if VARIES not in how:
        return expected == actual
    left = list(actual)
    for line in expected:
        if line in left:
            left.remove(line)
    met = len(actual) - len(left)
    return bool(expected) and met >= ENOUGH * len(expected)
