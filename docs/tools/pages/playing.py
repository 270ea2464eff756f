"""Run a page's steps in order, in a process and an empty directory of their own.

The process is forked from one that has imported torch, so that a page does not pay for that;
whatever a page does to torch, the next one finds it fresh.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import types
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from fences import Step

SCRIPT = "tutorial.py"
"""What the page's Python is to itself: a script that grows by each fence."""
ENVIRONMENT = {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
AWAY = ("FORCE_COLOR", "PYTHONWARNINGS", "TRACEPARENT", "TRACESTATE")
GIVEN = Path(__file__).parent / "given"
"""What a page may take for granted that its reader has."""
LIMIT = 240
"""Seconds that a page may take, on a busy machine."""


@dataclasses.dataclass
class Outcome:
    """What a step printed, both streams together, and what went wrong; empty when nothing did."""

    printed: str = ""
    problem: str = ""


def play(steps: list[Step]) -> list[Outcome]:
    """Run the steps up to the first that fails; there is an outcome for each that was begun."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["torch"])
    receiver, sender = context.Pipe(duplex=False)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_page, args=(steps, folder, sender))
        process.start()
        sender.close()
        try:
            while len(outcomes) < len(steps) and receiver.poll(LIMIT):
                outcomes.append(receiver.recv())
                if outcomes[-1].problem:
                    break
            else:
                if len(outcomes) < len(steps):
                    outcomes.append(Outcome(problem=f"it took more than {LIMIT} s"))
        except EOFError:
            process.join()
            outcomes.append(Outcome(problem=f"the process ended: {process.exitcode}"))
        finally:
            process.kill()
            process.join()
    return outcomes


def _page(steps: list[Step], folder: str, sender: Connection) -> None:
    os.chdir(folder)
    os.environ.update(ENVIRONMENT)
    for name in AWAY:
        os.environ.pop(name, None)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = Path(folder, SCRIPT)
    script.touch()
    main = types.ModuleType("__main__")
    main.__file__ = str(script)
    sys.modules["__main__"] = main  # torch.jit.script and pickle look for what a fence defines
    sys.argv, sys.path[0] = [SCRIPT], folder
    for step in steps:
        sender.send(Outcome() if step.not_run else _outcome(step, script, main))


def _outcome(step: Step, script: Path, main: types.ModuleType) -> Outcome:
    # One file takes both streams of this process and of its commands, C++ code's lines too.
    with tempfile.TemporaryFile() as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            stream.reconfigure(encoding="utf-8", write_through=True)
            os.dup2(file.fileno(), stream.fileno())
        problem = ""
        try:
            RUN[step.kind](step, script, main)
        except SystemExit as error:
            problem = f"it ended with {error.code!r}"
        except BaseException as error:  # what a page raises is its own affair
            problem = "".join(traceback.format_exception(error))
        sys.stdout.flush()
        sys.stderr.flush()
        file.seek(0)
        printed = file.read().decode(errors="replace")
    return Outcome(_cleaned(printed, script.parent), problem)


def _python(step: Step, script: Path, main: types.ModuleType) -> None:
    before = script.read_text(encoding="utf-8")
    text = f"{before}\n{step.code}" if before else step.code
    script.write_text(text, encoding="utf-8")  # inspect reads a function's source from there
    lines = text.count("\n") - step.code.count("\n")
    exec(compile("\n" * lines + step.code, str(script), "exec"), vars(main))  # noqa: S102


def _file(step: Step, script: Path, _main: types.ModuleType) -> None:
    script.with_name(step.name).write_text(step.code, encoding="utf-8")


def _given(step: Step, script: Path, _main: types.ModuleType) -> None:
    shutil.copy(GIVEN / step.name, script.with_name(step.name))


def _console(step: Step, _script: Path, _main: types.ModuleType) -> None:
    for command in commands(step.code):
        sys.stdout.flush()
        done = subprocess.run(command, shell=True, check=False)  # noqa: S602  # a page's own
        # A signal's number is negative here, and 128 more in a shell.
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        if status != step.status:
            raise RuntimeError(f"`{command}` ended with exit status {status}")


def commands(code: str) -> list[str]:
    """The commands of a console fence; a line that ends with a backslash goes on."""
    found: list[str] = []
    for line in code.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif found and found[-1].endswith("\\"):
            found[-1] += "\n" + line
        elif line.strip():
            raise ValueError(f"not a command: {line!r}; what is printed goes into a text fence")
    return found


RUN = {"python": _python, "file": _file, "given": _given, "console": _console}


def _cleaned(printed: str, folder: Path) -> str:
    """Without the places of this machine."""
    for place in {str(folder), os.path.realpath(folder)}:
        printed = printed.replace(place, "/home/you/try")
    printed = re.sub(r"[\w./+-]*/site-packages/", "…/site-packages/", printed)
    return re.sub(r"[ \t]+$", "", printed, flags=re.MULTILINE)
