"""`onnxspan demo`: a real traced export, with nothing to prepare."""

from __future__ import annotations

import contextlib
import inspect
import os
import shlex
import sys
import tempfile
import warnings
from pathlib import Path

import click
from rich.console import Console

from onnxspan.commands.program import as_typed
from onnxspan.commands.side_by_side import table
from onnxspan.conventions import Level
from onnxspan.errors import OnnxspanError
from onnxspan.reading.tree import tree
from onnxspan.tracing import trace

LEVEL = click.option(
    "--level",
    type=click.Choice([level.name.lower() for level in Level]),
    default="passes",
    show_default=True,
    help="How deep to record: stages, graph passes too, or each operator too.",
)


@click.command(
    epilog="""\b
Examples:
  onnxspan demo --level stages
  onnxspan demo --save demo"""
)
@LEVEL
@click.option(
    "--exporter",
    type=click.Choice(["torchscript", "dynamo", "both"]),
    default="both",
    show_default=True,
    help="Which of torch's two exporters to show.",
)
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Leave the trace (demo.jsonl) and the report (demo.html) of all exports in this folder.",
)
def command(level: str, exporter: str, save: Path | None) -> None:
    """Export two small models by each exporter; show the trees, and both exporters side by side."""
    try:
        import torch  # the reading half runs without torch

        from onnxspan.commands.models import models  # needs torch
    except ImportError as error:
        raise OnnxspanError(
            f"the demo exports real models, and torch cannot be imported: {error}. "
            "Install it: pip install torch onnx onnxscript"
        ) from error
    exporters = ["torchscript", "dynamo"] if exporter == "both" else [exporter]
    has_both = "dynamo" in inspect.signature(torch.onnx.export).parameters
    if not has_both:
        exporters = ["torchscript"]
    if save is not None:
        try:
            save.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OnnxspanError(f"{save}: the folder cannot be made: {error}") from error
    # The recording around all exports is the one that is saved.
    whole = trace(level) if save is not None else contextlib.nullcontext()
    with whole as everything, tempfile.TemporaryDirectory() as folder:
        for name, (model, args) in models().items():
            exports = []
            for kind in exporters:
                click.secho(f"\n── {name} model, {kind} exporter ──\n", bold=True)
                options = {"dynamo": kind == "dynamo"} if has_both else {}
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # torch's advice on its older exporter
                    with trace(level) as recorded:
                        torch.onnx.export(
                            model, args, str(Path(folder, f"{name}.onnx")), **options
                        )
                tree.show(recorded.result, file=sys.stdout)
                exports += recorded.result.exports
            if len(exports) > 1:
                click.secho(f"\n── {name} model, side by side ──\n", bold=True)
                Console(file=sys.stdout, highlight=False).print(table(exports))
    program = as_typed()
    click.echo(f"\nNext: `{program} run your_export.py` traces the exports of your own script.")
    if everything is not None and save is not None:
        for file in (save / "demo.jsonl", save / "demo.html"):
            everything.save(file)
        name = shlex.quote(os.fspath(save / "demo.jsonl"))
        click.echo(f"The report of these exports is {save / 'demo.html'}: open it in a browser.")
        click.echo(
            f"Their trace is {save / 'demo.jsonl'}: `{program} walk {name}` goes step by step."
        )
