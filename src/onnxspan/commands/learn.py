"""`onnxspan learn`: exercises, and what proves that one is solved."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from onnxspan.commands import learn_model
from onnxspan.errors import OnnxspanError
from onnxspan.learn import progress
from onnxspan.learn.exercise import Exercise, exercises, numbered


@click.group(
    "learn",
    invoke_without_command=True,
    short_help="Learn the exporters by exercises that your trace proves.",
    epilog="Examples: onnxspan learn; onnxspan learn start 3; onnxspan learn check 3; "
    "onnxspan learn hint 3; onnxspan learn model _jit_pass_cse --graph",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Exercises about both exporters, in the order of the tutorials.

    Without a word the exercises are listed, with those that you have solved. `start N` writes
    the script of an exercise, `check N` runs your script under a trace and says what it still
    lacks. `model` traces a small model and shows it in the walk or in the report's Graph view.
    """
    if ctx.invoked_subcommand is not None:
        return
    solved = progress.read()["solved"]
    for one in exercises():
        mark = "x" if str(one.number) in solved else " "
        click.echo(f"[{mark}] {one.number:>2}  {one.title}  ({one.exporter})")
    todo = next((one.number for one in exercises() if str(one.number) not in solved), None)
    click.echo(
        f"\nBegin: onnxspan learn start {todo}" if todo else "\nYou have solved all of them."
    )
    click.echo("Small models of one stage or pass each, to look at: onnxspan learn model")


@command.command("start")
@click.argument("number", type=int)
def start(number: int) -> None:
    """Write the script of exercise NUMBER into this folder, and say what to reach."""
    one = _exercise(number)
    path = _script(number)
    if path.exists():
        click.echo(f"{path} is here already; it was left as it is.\n")
    else:
        path.write_text(one.start, encoding="utf-8")
        click.echo(f"{path} was written.\n")
    click.echo(f"{one.title}\n\n{one.goal}\n")
    click.echo(f"Then: onnxspan learn check {number}     A hint: onnxspan learn hint {number}")


@command.command("check")
@click.argument("number", type=int)
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(number: int, file: Path | None) -> None:
    """Run your script for exercise NUMBER under a trace, and say what it still lacks.

    FILE is the script; exercise_NN.py of this folder when it is not given. The exit code is 0
    when the exercise is solved, else 1.
    """
    from onnxspan.learn import checks  # it imports torch

    one = _exercise(number)
    path = file or _script(number)
    if not path.is_file():
        raise OnnxspanError(
            f"{path}: there is no such file. Begin with: onnxspan learn start {number}"
        )
    lacking = checks.check(one, path)
    if lacking:
        click.echo("Not yet.")
        for line in lacking:
            click.echo(line)
        click.echo(f"\nA hint: onnxspan learn hint {number}")
        raise SystemExit(1)
    with contextlib.suppress(OSError):  # solved is solved, though it cannot be written down
        progress.note("solved", number)
    click.echo(f"Solved: {one.title}")
    following = numbered(number + 1)
    if following is not None:
        click.echo(f"Next: onnxspan learn start {following.number}   ({following.title})")


@command.command("hint")
@click.argument("number", type=int)
def hint(number: int) -> None:
    """Show the next hint of exercise NUMBER; after the last one all of them again."""
    one = _exercise(number)
    shown = min(progress.read()["hints"].get(str(number), 0) + 1, len(one.hints))
    for at, text in enumerate(one.hints[:shown], 1):
        click.echo(f"{at} of {len(one.hints)}: {text}")
    click.echo(f"\nThe page that teaches it: docs/{one.page}")
    if shown == len(one.hints):
        click.echo(f"The solution: onnxspan learn solution {number}")
    with contextlib.suppress(OSError):  # the hint was shown
        progress.note("hints", number, shown)


@command.command("solution")
@click.argument("number", type=int)
def solution(number: int) -> None:
    """Print a script that solves exercise NUMBER."""
    click.echo(_exercise(number).solution, nl=False)


command.add_command(learn_model.command)


def _exercise(number: int) -> Exercise:
    one = numbered(number)
    if one is None:
        raise OnnxspanError(
            f"There is no exercise {number}: give a number from 1 to {len(exercises())}. "
            "`onnxspan learn` lists them"
        )
    return one


def _script(number: int) -> Path:
    return Path(f"exercise_{number:02d}.py")
