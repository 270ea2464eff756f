"""`onnxspan run --repeat N`: the same run several times, so that its noise can be known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from onnxspan.errors import OnnxspanError


def numbered(output: str, number: int) -> str:
    """`out/export.jsonl` becomes `out/export-1.jsonl`."""
    path = Path(output)
    return str(path.with_name(f"{path.stem}-{number}{path.suffix}"))


def repeat(times: int, output: str | None, options: list[str], script: list[str]) -> None:
    """Run `onnxspan run` that many times, each in a fresh process: all begin alike.

    Ends this process with the exit code of the first run that fails.

    Raises:
        OnnxspanError: without an output.
    """
    if output is None:
        raise OnnxspanError("--repeat writes one file a run: name them with -o, as -o out.jsonl")
    for number in range(1, times + 1):
        if "--quiet" not in options:
            click.echo(f"onnxspan: run {number} of {times}", err=True)
        command = [sys.executable, "-m", "onnxspan", "run", *options]
        command += ["-o", numbered(output, number), *script]
        done = subprocess.run(command, check=False)  # noqa: S603  # the user's own script
        if done.returncode:
            # A process that a signal ended is reported as a shell does.
            sys.exit(done.returncode if done.returncode > 0 else 128 - done.returncode)
