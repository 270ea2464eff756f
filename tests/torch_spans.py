"""Export one small model with each exporter of the installed torch, and print what was seen.

Run by torch_versions.py inside another environment; prints one line of JSON.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch

import models
import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.recording.patching import resolve
from onnxspan.recording.probes import ENTRY_POINTS, TABLES

PACKAGES = ("torch", "onnx", "onnxscript", "onnx-ir", "onnxruntime", "numpy")


def spans(**options: Any) -> dict[str, Any]:
    """The spans of one export, by name in the order of the calls; or why there is none."""
    model, args = models.transformer(1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with onnxspan.trace() as trace:
                torch.onnx.export(model, args, str(Path(folder, "model.onnx")), **options)
        except Exception as error:
            innermost: BaseException = error
            while innermost.__cause__ is not None:
                innermost = innermost.__cause__
            lines = str(innermost).splitlines() or [""]
            return {"error": f"{type(innermost).__name__}: {lines[0]}"}
    counted: dict[str, int] = {}
    for span in trace.spans:
        counted[span.name] = counted.get(span.name, 0) + 1
    [root] = trace.result.roots
    return {
        "spans": counted,
        "failed": sorted({span.name for span in trace.spans if span.error}),
        "opset": root.get(c.OPSET),
        "nodes": root.get(c.RESULT_NODES),
        "errors of onnxspan": len(trace.errors),
    }


def missing() -> dict[str, list[str]]:
    """The rows whose place this torch does not have, as `onnxspan doctor` says."""
    tables = {"openers": ENTRY_POINTS} | {kind.value: rows for kind, rows in TABLES.items()}
    return {
        name: [probe.name for probe in rows if not resolve(probe)] for name, rows in tables.items()
    }


def versions() -> dict[str, str]:
    """What is installed here."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # six packages
            found[package] = ""
    return found


def main() -> None:
    """Print everything as one line of JSON, the last."""
    exporters = {"torchscript": spans(**torch_facts.TORCHSCRIPT)}
    if torch_facts.DYNAMO:
        exporters["dynamo"] = spans(dynamo=True)
    print(
        "\n" + json.dumps({"versions": versions(), "exporters": exporters, "missing": missing()})
    )


if __name__ == "__main__":
    main()
