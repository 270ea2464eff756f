"""Make the live report of the start page: two exports of a small model, one by each exporter.

Usage: python docs/tools/live.py [FOLDER], which is docs/live/ unless said otherwise

The report is `onnxspan html` of a trace with snapshots, so that its Graph view has graphs.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from pathlib import Path

import torch

import onnxspan
from onnxspan.commands.models import models
from onnxspan.conventions import SNAPSHOT_FOLDER
from onnxspan.reading import report
from onnxspan.reading.source.trace import Trace

FOLDER = Path(__file__).resolve().parents[1] / "live"


def make(folder: Path) -> Path:
    """Write `report.html` into a folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    torch.manual_seed(0)
    model, args = models()["convolutional"]
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(name) / "live.jsonl"
        with onnxspan.trace(level="nodes", save=file, snapshots="changed"):
            for dynamo in (False, True):
                path = Path(name) / "model.onnx"
                torch.onnx.export(model, args, path, dynamo=dynamo, verbose=False)
        for written in (file, *file.with_suffix(SNAPSHOT_FOLDER).iterdir()):
            _without_folders(written)
        report.save(Trace.read(file), page)
    return page


def _without_folders(file: Path) -> None:
    """Shorten the paths in a file of the trace: the site says nothing of its builder."""
    text = file.read_text(encoding="utf-8")
    for module in (onnxspan, torch):
        text = text.replace(f"{Path(module.__file__).resolve().parents[1]}/", "")
    file.write_text(text, encoding="utf-8")


def main() -> None:
    """Write the report."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it names what is not installed
    page = make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
