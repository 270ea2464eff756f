"""The `onnxspan` command: a table of subcommands, each imported when it is called."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

import click

from onnxspan.errors import OnnxspanError
from onnxspan.version import __version__

COMMANDS: dict[str, str] = {
    "demo": "onnxspan.commands.demo",
    "run": "onnxspan.commands.run",
    "show": "onnxspan.commands.show",
    "send": "onnxspan.commands.send",
    "html": "onnxspan.commands.html",
    "walk": "onnxspan.commands.walk",
    "explain": "onnxspan.commands.explain",
    "learn": "onnxspan.commands.learn",
    "origins": "onnxspan.commands.origins",
    "convert": "onnxspan.commands.convert",
    "diff": "onnxspan.commands.diff",
    "growth": "onnxspan.commands.growth",
    "doctor": "onnxspan.commands.doctor",
}
"""Each subcommand and the module whose `command` it is."""

BAD_INPUT = 2
"""Exit code for input that cannot be used, as click's own usage errors."""


def _unknown(word: str) -> str:
    """What to type in place of a word that is no command."""
    import difflib
    from pathlib import Path

    if word.endswith(".py"):
        return f"To trace a script, write: onnxspan run {word}"
    if Path(word).suffix in (".jsonl", ".flight"):
        return f"To show a trace, write: onnxspan show {word}"
    close = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else "`onnxspan --help` lists them."
    return f"No such command {word!r}. {hint}"


class _Commands(click.Group):
    """Imports a subcommand's module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click gives it
        return list(COMMANDS)

    def get_command(
        self, ctx: click.Context, cmd_name: str
    ) -> click.Command | None:  # click gives it
        place = COMMANDS.get(cmd_name)
        if place is None:
            ctx.fail(_unknown(cmd_name))
        command: click.Command = importlib.import_module(place).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.invoked_subcommand != "run":  # whose output is the script's
            for stream in (sys.stdout, sys.stderr):
                if isinstance(stream, io.TextIOWrapper):
                    stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except OnnxspanError as error:
            from onnxspan.reading.text import printable  # only for an error

            click.echo(f"onnxspan: {printable(str(error))}", err=True)
            sys.exit(BAD_INPUT)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `onnxspan demo`, then `onnxspan run your_export.py`.",
)
@click.version_option(__version__, prog_name="onnxspan")
def main() -> None:
    """See inside every torch.onnx.export: a span per stage, graph pass and operator."""
