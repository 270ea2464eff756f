"""The smallest model that we know for each stage and pass: the atlas shows it, `learn` traces it."""

from __future__ import annotations

import contextlib
import os
import runpy
import warnings
from typing import TYPE_CHECKING

from onnxspan.tracing import trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onnxspan.learn.small.minimal import Minimal

SCRIPT, TRACE = "example.py", "example.jsonl"


def models() -> dict[str, Minimal]:
    """The models by the name of the stage or pass that they make act; needs torch."""
    from onnxspan.learn.small import dynamo, torchscript

    return {**torchscript.MODELS, **dynamo.MODELS}


def record(minimal: Minimal, folder: Path) -> Path:
    """Write a model's script into a folder, run it there under a trace, and keep the trace.

    Returns:
        The trace's file, with every operator and the graphs of the passes that changed something.

    Raises:
        OSError: when the folder cannot be written.
    """
    script, file = folder / SCRIPT, folder / TRACE
    # A real file: TorchScript reads the source of what it compiles.
    script.write_text(minimal.source() + "\n", encoding="utf-8")
    with _inside(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with trace(level="nodes", snapshots="changed", save=file):
            runpy.run_path(str(script), run_name="example")
    return file


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
