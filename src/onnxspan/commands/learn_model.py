"""`onnxspan learn model`: a small model, traced at once, in the walk or in the Graph view."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onnxspan import explanations
from onnxspan.commands import walk
from onnxspan.errors import OnnxspanError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxspan.learn.small.minimal import Minimal
    from onnxspan.reading.source.trace import Trace

WALK, GRAPH = "walk", "graph"


@click.command("model")
@click.argument("name", required=False)
@click.option("--walk", "view", flag_value=WALK, help="Go through the export in the terminal.")
@click.option(
    "--graph", "view", flag_value=GRAPH, help="Open the report at the graph of the pass."
)
@click.option(
    "-d",
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where script, trace and report go; a folder of the model's name when not given.",
)
def command(name: str | None, view: str | None, folder: Path | None) -> None:
    """Trace the smallest model that makes stage or pass NAME act, and look at it.

    Without NAME the models are listed, and in a terminal you choose one by its number. The walk
    goes step by step in the terminal; the graph is the report's Graph view in the browser, opened
    at the pass.
    """
    listed = _listed()
    if name is None:
        name = _chosen(listed)
        if name is None:
            return
    minimal = listed.get(name) or listed.get(explanations.meant(name) or "")
    if minimal is None:
        close = [one for one in explanations.closest(name) if one in listed]
        hint = f"Closest: {', '.join(close)}" if close else "`onnxspan learn model` lists them"
        raise OnnxspanError(f"{name}: no small model is known for it. {hint}")
    name = name if name in listed else str(explanations.meant(name))
    if view is None:
        view = GRAPH
        if _is_terminal():
            choice = click.Choice([WALK, GRAPH])
            view = click.prompt("Look at it in the", type=choice, default=WALK)
    file = _recorded(minimal, folder or Path(name.replace(" ", "_")))
    click.echo(f"{file.parent}/ has the script, the model and the trace.")
    if view == WALK:
        walk.command.main([str(file)], standalone_mode=False)
    else:
        address = _report(file, name)
        click.echo(address)
        if _is_terminal():
            webbrowser.open(address)


def _listed() -> dict[str, Minimal]:
    try:
        from onnxspan.learn import small

        return small.models()
    except ImportError as error:
        raise OnnxspanError(
            f"the models need torch, which cannot be imported: {error}. "
            "Install it: pip install torch onnx onnxscript"
        ) from error


def _chosen(listed: Mapping[str, Minimal]) -> str | None:
    """The name that is chosen in a terminal; without one the list alone."""
    names = list(listed)
    for number, one in enumerate(names, 1):
        exporter = "dynamo" if listed[one].dynamo else "torchscript"
        click.echo(f"{number:>3}  {exporter:<11}  {one}: {explanations.one_line(one)}")
    if not _is_terminal():
        return None
    number = click.prompt("\nWhich one", type=click.IntRange(1, len(names)))
    return names[number - 1]


def _recorded(minimal: Minimal, folder: Path) -> Path:
    from onnxspan.learn import small

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return small.record(minimal, folder.resolve())
    except OSError as error:
        raise OnnxspanError(
            f"{folder}: cannot be written: {error.strerror or error}. Give another place with -d"
        ) from error


def _report(file: Path, name: str) -> str:
    """Write the report beside the trace; its address, at the pass's graph where it has one."""
    from onnxspan.reading import report
    from onnxspan.reading.source.trace import Trace

    trace = Trace.read(file)
    page = file.with_suffix(".html")
    report.save(trace, page)
    step = _step(trace, name)
    return page.as_uri() + "#tab=graph" + (f"&step={step}" if step else "")


def _step(trace: Trace, name: str) -> int:
    """Which step of the Graph view is the pass's first change, from 1; 0 when none is."""
    from onnxspan.reading.graph_steps import graph_steps

    found, _ = graph_steps(trace, {id(span): at for at, span in enumerate(trace.spans)})
    steps = found.get("steps", [])
    changed = [at for at, step in enumerate(steps, 1) if step["name"] == name and step["changed"]]
    return changed[0] if changed else 0


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
