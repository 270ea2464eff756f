"""`onnxspan walk FILE`: go through a recorded export step by step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from onnxspan.commands import keys
from onnxspan.errors import OnnxspanError, TraceFileError
from onnxspan.reading.origins import following
from onnxspan.reading.source import snapshots
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.text import one_line
from onnxspan.reading.walk import conversions, questions
from onnxspan.reading.walk.steps import Step, Walker, steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

    from onnxspan.reading.walk.conversions import Conversion
    from onnxspan.reading.walk.questions import Question

PIPE_WIDTH = 100
"""Columns of the output when it is not a terminal."""

HELP = (
    "enter: step   n: next (over)   i: into   o: out   b: back   "
    "s: step into the operators   f: follow a value   a: ask me   /: search   t: telemetry   "
    "up, down: scroll   q: quit"
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


@click.command(
    "walk",
    short_help="Go through an export step by step.",
    epilog="""\b
Examples:
  onnxspan walk export.jsonl
  onnxspan walk export.jsonl --ask
  onnxspan walk export.jsonl --operators | less
  onnxspan walk export.jsonl --follow /conv/Conv_output_0""",
)
@click.argument("file", type=click.Path())
@click.option("--telemetry", is_flag=True, help="Also say times, memory and files of each step.")
@click.option("--print", "print_all", is_flag=True, help="Print every step, for a pipe.")
@click.option(
    "--operators",
    is_flag=True,
    help="Print each operator of a conversion too: node in, function, nodes out. Needs snapshots.",
)
@click.option(
    "--follow",
    metavar="VALUE",
    help="Print the life of one value or node, by the name that it has in some graph. Needs snapshots.",
)
@click.option("--ask", is_flag=True, help="Ask what each step will do before its result is shown.")
def command(
    file: str, *, print_all: bool, telemetry: bool, operators: bool, follow: str | None, ask: bool
) -> None:
    """Go through a recorded export step by step, as with a debugger.

    One step for each stage and for each pass that changed something: what it does and why,
    where it is in torch, what went in and what came out. FILE is what `trace.save(...)` or
    `onnxspan run -o` wrote.
    """
    trace = Trace.read(file)
    if follow is not None:
        _show(_life(trace, file, follow))
        return
    found = steps(trace, lambda span: snapshots.diff_or_reason(trace, span))
    if not found:
        raise TraceFileError(file, "holds no step to walk", "Record an export, then try again")
    if print_all or operators or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _print(trace, found, telemetry, operators)
    else:
        terminal = _Terminal(trace, Walker(found), telemetry, ask)
        terminal.run()
        if terminal.asked:
            click.echo(f"{terminal.right} of {terminal.asked} answers were right.")


def _print(trace: Trace, found: list[Step], telemetry: bool, operators: bool) -> None:
    from onnxspan.reading.walk.view import conversion_page, page  # only to draw

    spans = {span.span_id: span for span in trace.spans} if operators else {}
    for step in found:
        _show(page(step, len(found), telemetry=telemetry))
        if operators and conversions.converts(spans[step.span_id]):
            listed = conversions.of_step(trace, spans[step.span_id])
            for one in listed:
                _show(conversion_page(one))
            if not listed:
                click.echo(f"{conversions.MORE}\n")


def _show(drawing: RenderableType) -> None:
    from rich.console import Console  # only to draw

    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as drawn:
        console.print(drawing)
    # Tables fill their lines with blanks, which is noise in a pipe.
    click.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()) + "\n")


def _life(trace: Trace, file: str, wanted: str) -> RenderableType:
    """The life of a value in the first export that has it.

    Raises:
        OnnxspanError: when no export has it, or none has snapshots; with the file's name.
    """
    from onnxspan.reading.walk.view import life_page  # only to draw

    refused: OnnxspanError | None = None
    for export in trace.exports:
        try:
            return life_page(wanted, following.of_export(trace, export, wanted))
        except OnnxspanError as error:
            refused = refused or error
    if isinstance(refused, following.ValueNotFoundError):
        todo = f"See the names: onnxspan walk {file} --print"
        raise TraceFileError(file, str(refused), todo) from None
    raise refused or TraceFileError(file, "holds no export", "Record one, then try again")


class _Terminal:
    """Draws the step and obeys the keys.

    Attributes:
        asked: questions that were answered; `right` those answered right.
    """

    def __init__(
        self, trace: Trace, walker: Walker, telemetry: bool = False, ask: bool = False
    ) -> None:
        from rich.console import Console  # only to draw

        self.trace = trace
        self.walker = walker
        self.telemetry = telemetry
        self.asking = ask
        self.asked = self.right = 0
        self.console: Console = Console(highlight=False)
        self.next_key: Callable[[], str]
        self.top = 0
        self.message = ""
        self._spans = {span.span_id: span for span in trace.spans}
        self._questions: dict[str, Question] = {}
        self._answered: set[str] = set()
        self._operators: list[Conversion] = []  # of the step that was stepped into
        self._operator = 0
        self._life: RenderableType | None = None
        if ask:
            self._ask_on()

    def run(self) -> None:
        """Until a key says quit; the terminal is then as it was."""
        with keys.reading() as self.next_key, self.console.screen(hide_cursor=True):
            while True:
                self._draw()
                key = self.next_key()
                if key in _QUIT:
                    return
                self._press(key)

    def _press(self, key: str) -> None:  # noqa: C901, PLR0912  # one branch a key
        self.message = ""
        question = self._question()
        if key in _SCROLL:
            self.top = max(self.top + _SCROLL[key], 0)
        elif self._life is not None:
            self._life, self.top = None, 0
        elif self._operators:
            self._press_inside(key)
        elif question is not None:
            self._answer(question, key)
        elif key in _KEYS:
            self._move(getattr(self.walker, _KEYS[key])(), _NOWHERE[_KEYS[key]])
        elif key == "t":
            self.telemetry = not self.telemetry
        elif key == "s":
            self._step_in()
        elif key == "f":
            self._follow()
        elif key == "a":
            self.asking = not self.asking
            if self.asking:
                self._ask_on()
                self._answered.add(self.walker.step.span_id)  # its result is on the screen
            self.message = "I ask before each result." if self.asking else "I ask no more."
        elif key == "/":
            query = self._ask("/")
            if query is not None:
                self._move(self.walker.search(query), "No step has that in its name or line.")
        else:
            self.message = "That key does nothing."

    def _press_inside(self, key: str) -> None:
        """A key while an operator of a conversion is shown."""
        self.top = 0
        if key in ("s", "o"):
            self._operators = []
        elif _KEYS.get(key) in ("on", "over", "into"):
            last = self._operator == len(self._operators) - 1
            self.message = "This is the last operator: s goes back to the step." if last else ""
            self._operator += not last
        elif _KEYS.get(key) == "back":
            self._operator = max(self._operator - 1, 0)
        else:
            self.message = "enter: next operator   b: back   s: back to the step   q: quit"

    def _step_in(self) -> None:
        span = self._spans[self.walker.step.span_id]
        found = conversions.of_step(self.trace, span)
        if found:
            self._operators, self._operator, self.top = found, 0, 0
        elif conversions.converts(span):
            self.message = conversions.MORE
        else:
            self.message = (
                "This step converts no operators: /_jit_pass_onnx or /_translate finds one."
            )

    def _follow(self) -> None:
        wanted = self._ask("follow ")
        if wanted:
            try:
                self._life = _life(self.trace, str(self.trace.source), wanted)
            except OnnxspanError as error:
                self.message = one_line(str(error))
            self.top = 0

    def _ask_on(self) -> None:
        self._questions = self._questions or questions.of_trace(self.trace)

    def _question(self) -> Question | None:
        """The question of this step, when it is to be asked yet."""
        number = self.walker.step.span_id
        if not self.asking or number in self._answered:
            return None
        return self._questions.get(number)

    def _answer(self, question: Question, key: str) -> None:
        if key in questions.ANSWERS:
            self.asked += 1
            self.right += key == question.answer
            self.message = f"{question.judged(key)} ({self.right} of {self.asked} right)"
        elif key == "a":
            self.asking = False
        elif key not in ("\r", "\n", " "):
            self.message = "m: more   f: fewer   s: the same   enter: show it   a: ask no more"
            return
        self._answered.add(self.walker.step.span_id)

    def _move(self, moved: bool, otherwise: str) -> None:
        if moved:
            self.top = 0
        else:
            self.message = otherwise

    def _ask(self, prompt: str) -> str | None:
        """Read a text; None when it was given up."""
        query = ""
        while True:
            self.message = f"{prompt}{query}_"
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

        console = self.console
        content = self._content()
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

    def _content(self) -> RenderableType:
        from onnxspan.reading.walk import view  # only to draw

        walker, question = self.walker, self._question()
        if self._life is not None:
            return self._life
        if self._operators:
            trail = [*walker.trail(), walker.step.name]
            return view.conversion_page(self._operators[self._operator], trail)
        if question is not None:
            return view.question_page(walker.step, len(walker.steps), question.text)
        return view.page(walker.step, len(walker.steps), walker.trail(), telemetry=self.telemetry)
