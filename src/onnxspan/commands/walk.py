"""`onnxspan walk FILE`: go through a recorded export step by step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from onnxspan.commands import keys
from onnxspan.errors import TraceFileError
from onnxspan.reading.source import snapshots
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.walk.steps import Step, Walker, steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

PIPE_WIDTH = 100
"""Columns of the output when it is not a terminal."""

HELP = (
    "enter: step   n: next (over)   i: into   o: out   b: back   "
    "/: search   t: telemetry   up, down: scroll   q: quit"
)

_KEYS = {
    "\r": "on", "\n": "on", " ": "on", "\x1b[C": "on", "n": "over", "i": "into",
    "o": "out", "b": "back", "\x7f": "back", "\x1b[D": "back",
}  # fmt: skip
_SCROLL = {
    "\x1b[A": -1, "k": -1, "\x1b[B": 1, "j": 1, "\x1b[5~": -10, "\x1b[6~": 10,
}  # fmt: skip
_QUIT = frozenset({"q", "Q", "\x03", "\x04", "\x1b", keys.END})
_NOWHERE = {
    "on": "This is the last step.",
    "over": "No step after this one on this level: i goes into it, enter steps on.",
    "into": "There is no step inside this one.",
    "out": "No step after the one that holds this one.",
    "back": "This is the first step.",
}


@click.command("walk", short_help="Go through an export step by step.")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--telemetry", is_flag=True, help="Also say times, memory and files of each step.")
@click.option("--print", "print_all", is_flag=True, help="Print every step, for a pipe.")
def command(file: str, *, print_all: bool, telemetry: bool) -> None:
    """Go through a recorded export step by step, as with a debugger.

    One step for each stage and for each pass that changed something: what it does and why,
    where it is in torch, what went in and what came out. FILE is what `trace.save(...)` or
    `onnxspan run -o` wrote.
    """
    trace = Trace.read(file)
    found = steps(trace, lambda span: snapshots.diff_or_reason(trace, span))
    if not found:
        raise TraceFileError(file, "holds no step to walk", "Record an export, then try again")
    if print_all or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _print(found, telemetry)
    else:
        _Terminal(Walker(found), telemetry).run()


def _print(found: list[Step], telemetry: bool) -> None:
    from rich.console import Console  # only to draw

    from onnxspan.reading.walk.view import page  # as above

    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    for step in found:
        with console.capture() as drawn:
            console.print(page(step, len(found), telemetry=telemetry))
        # Tables fill their lines with blanks, which is noise in a pipe.
        click.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()) + "\n")


class _Terminal:
    """Draws the step and obeys the keys."""

    def __init__(self, walker: Walker, telemetry: bool = False) -> None:
        from rich.console import Console  # only to draw

        self.walker = walker
        self.telemetry = telemetry
        self.console: Console = Console(highlight=False)
        self.next_key: Callable[[], str]
        self.top = 0
        self.message = ""

    def run(self) -> None:
        """Until a key says quit; the terminal is then as it was."""
        with keys.reading() as self.next_key, self.console.screen(hide_cursor=True):
            while True:
                self._draw()
                key = self.next_key()
                if key in _QUIT:
                    return
                self._press(key)

    def _press(self, key: str) -> None:
        self.message = ""
        if key in _SCROLL:
            self.top = max(self.top + _SCROLL[key], 0)
        elif key in _KEYS:
            self._move(getattr(self.walker, _KEYS[key])(), _NOWHERE[_KEYS[key]])
        elif key == "t":
            self.telemetry = not self.telemetry
        elif key == "/":
            query = self._ask()
            if query is not None:
                self._move(self.walker.search(query), "No step has that in its name or line.")
        else:
            self.message = "That key does nothing."

    def _move(self, moved: bool, otherwise: str) -> None:
        if moved:
            self.top = 0
        else:
            self.message = otherwise

    def _ask(self) -> str | None:
        """Read a search text; None when it was given up."""
        query = ""
        while True:
            self.message = f"/{query}_"
            self._draw()
            key = self.next_key()
            if key in ("\r", "\n"):
                self.message = ""
                return query
            if key in _QUIT - {"q", "Q"}:
                self.message = ""
                return None
            query = query[:-1] if key in ("\x7f", "\b") else query + key * key.isprintable()

    def _draw(self) -> None:
        from rich.segment import Segment, SegmentLines  # only to draw
        from rich.text import Text  # as above

        from onnxspan.reading.walk.view import page  # as above

        console, walker = self.console, self.walker
        content = page(walker.step, len(walker.steps), walker.trail(), telemetry=self.telemetry)
        lines = console.render_lines(content, console.options, pad=False)
        foot = Text(self.message or HELP, style="bold" if self.message else "dim")
        feet = console.render_lines(foot, console.options, pad=False)
        room = max(console.height - len(feet) - 1, 1)
        self.top = min(self.top, max(len(lines) - room, 0))
        shown = lines[self.top : self.top + room]
        shown += [[] for _ in range(room - len(shown))]
        left = len(lines) - self.top - room
        shown.append([Segment(f"({left} lines more: down)" if left > 0 else "")])
        console.clear()
        console.print(SegmentLines([*shown, *feet[:-1]], new_lines=True), end="")
        console.print(SegmentLines(feet[-1:]), end="")
