"""What a page of Markdown asks to be run, in its order, and what it says comes out.

A page is plain Markdown. Read here are:

- `python` fences: run in one namespace for the page, which is the script `tutorial.py`. One with
  `title="NAME"` is instead written to the file NAME;
- `console` fences: each line that begins with `$ ` is given to a shell;
- a `text` fence right after one of these: what it prints, standard error included;
- HTML comments right before a fence: `not run: REASON`, `exit status: N` for a command that is
  to fail, and before a `text` fence `output: first N lines`, `output: last N lines` or
  `output: varies` where even the lines that appear depend on the machine, or both: `varies, first…`;
- a comment that begins with `run: python`, whose other lines are run, unseen by the reader;
- a comment `given: NAME`: the file NAME of the folder `given/`, which the reader has already.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = re.compile(
    r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)(?P=ticks)[ ]*$"
    r"|^<!-- ?(?P<note>.*?) ?-->[ ]*$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="([^"]+)"')
NOTES = ("not run: ", "exit status: ", "output: ")
HIDDEN = "run: python\n"
GIVEN = "given: "


class PageError(Exception):
    """A page that cannot be understood; the message says where and why."""


@dataclasses.dataclass
class Output:
    """The `text` fence after what prints it: its body lies at `start:end` of the page."""

    text: str
    start: int
    end: int
    how: str = ""


@dataclasses.dataclass
class Step:
    """Something to run.

    Attributes:
        kind: `"python"`, `"console"`, `"file"` or `"given"`.
        line: where its code begins in the page, from 1 on.
        name: of the file.
        status: the exit status that a command is to have.
        not_run: why it is left out; empty when it is run.
    """

    kind: str
    code: str
    line: int
    name: str = ""
    status: int = 0
    not_run: str = ""
    output: Output | None = None


def steps(page: str) -> list[Step]:
    """Read what a page asks for.

    Raises:
        PageError: for a note that belongs to nothing, or says what is not known here.
    """
    found: list[Step] = []
    notes: dict[str, str] = {}
    prints = False  # whether a text fence here would be the output of the step before
    for block, is_adjacent in _blocks(page):
        line = page.count("\n", 0, block.start()) + 1
        if not is_adjacent:
            _no_notes(notes, line)
            prints = False
        note = block["note"]
        if note is not None:
            if note.startswith(HIDDEN):
                found.append(Step("python", note[len(HIDDEN) :] + "\n", line + 1))
            elif note.startswith(GIVEN):
                found.append(Step("given", "", line, name=note[len(GIVEN) :]))
            elif note.startswith(NOTES):
                name, _, said = note.partition(": ")
                notes[name] = said
            continue
        language, _, rest = block["info"].strip().partition(" ")
        if language in {"python", "console"}:
            step = _step(block, language, rest, line, notes)
            found.append(step)
            prints = True
        elif language == "text" and prints:
            found[-1].output = Output(
                block["body"], block.start("body"), block.end("body"), notes.pop("output", "")
            )
            prints = False
        else:
            notes.pop("not run", None)
            prints = False
        _no_notes(notes, line, but="output" if prints else "")
    _no_notes(notes, page.count("\n") + 1)
    return found


def _step(
    block: re.Match[str], language: str, rest: str, line: int, notes: dict[str, str]
) -> Step:
    title = TITLE.search(rest)
    status = notes.pop("exit status", "0")
    if not status.isdigit():
        raise PageError(f"line {line}: `exit status: {status}` is no number")
    return Step(
        "file" if title else language,
        _dedent(block["body"], len(block["indent"])),
        line + 1,
        name=title[1] if title else "",
        status=int(status),
        not_run=notes.pop("not run", ""),
    )


def _blocks(page: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Fences and comments, and whether only blank space divides one from the one before."""
    end = 0
    for block in BLOCK.finditer(page):
        yield block, not page[end : block.start()].strip()
        end = block.end()


def _no_notes(notes: dict[str, str], line: int, but: str = "") -> None:
    for name in notes:
        if name != but:
            raise PageError(f"line {line}: the note `{name}` before it belongs to no fence")


def _dedent(body: str, width: int) -> str:
    return re.sub(rf"^ {{0,{width}}}", "", body, flags=re.MULTILINE) if width else body


def spans(page: str) -> list[tuple[int, int]]:
    """Where each fence lies, whatever its language: what a translation must not change."""
    return [block.span() for block in BLOCK.finditer(page) if block["note"] is None]


def outline(page: str) -> list[str]:
    """The page's headings, as their signs alone, and its fences, in their order."""
    found: list[str] = []
    end = 0
    for first, last in [*spans(page), (len(page), len(page))]:
        found += re.findall(r"^#+(?= )", page[end:first], re.MULTILINE)
        found += ["fence"] if last > first else []
        end = last
    return found
