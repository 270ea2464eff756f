"""`onnxspan explain NAME`: what a stage or pass is, in one page."""

from __future__ import annotations

import re
import sys

import click

from onnxspan import explanations
from onnxspan.errors import OnnxspanError
from onnxspan.reading.text import one_line


class UnknownNameError(OnnxspanError):
    """There is no text for this name; the message says which ones come close."""


@click.command("explain", short_help="Say what a stage or pass does, and why.")
@click.argument("name", required=False)
@click.option("--list", "list_names", is_flag=True, help="List every name, with one line each.")
def command(name: str | None, *, list_names: bool) -> None:
    """Say what a stage or pass does, why it is there, and what goes wrong in it.

    NAME is a span's name, as `onnxspan show` prints it: `onnxspan explain _jit_pass_cse`.
    """
    if list_names:
        _list()
    elif name is None:
        raise click.UsageError("give a name, or --list")
    else:
        _show(name)


def _show(name: str) -> None:
    found = explanations.get(name) or explanations.get(explanations.meant(name) or "")
    if found is None:
        raise UnknownNameError(_unknown(name))
    if not sys.stdout.isatty():
        click.echo(found.markdown(), nl=False)
        return
    # rich is imported only to draw: a pipe does not wait for it.
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(found.markdown()))


def _unknown(name: str) -> str:
    close = explanations.closest(name)
    hint = f"Closest: {', '.join(close)}" if close else "`onnxspan explain --list` has all names"
    if name.startswith("_jit_pass_"):
        hint += ". TorchScript passes that no exporter calls have no text"
    if "::" in name:
        hint = "That is an operator: see `onnxspan explain _run_symbolic_function`"
    if re.match(r"(aten|prims|prim|quantized)\.\w", name):
        hint = (
            "That is an operator of an fx graph: "
            "see `onnxspan explain _handle_call_function_node_with_lowering`"
        )
    return f"{one_line(name)}: no text of that name. {hint}"


def _list() -> None:
    width = max(map(len, explanations.names()))
    for exporter in explanations.EXPORTERS:
        click.echo(f"{exporter}:")
        for name in explanations.names():
            found = explanations.get(name)
            if found is not None and found.exporter == exporter:
                click.echo(f"  {name:<{width}}  {found.one_line}")
