"""Verifies real models by both exporters; prints a table, a line for each model and exporter.

python benchmarks/verified_models.py [NAME ...]      only models whose name has NAME
"""

from __future__ import annotations

import io
import sys
import time
import warnings

import torch

import onnxspan
from real_models import EXPORTERS, MODELS


def main() -> None:
    """Verify each model by each exporter."""
    wanted = sys.argv[1:]
    print("| model | exporter | result | largest difference | steps | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, make in MODELS.items():
        if wanted and not any(one in name for one in wanted):
            continue
        for exporter, options in EXPORTERS.items():
            torch.manual_seed(0)
            model, args, kwargs = make()
            began = time.monotonic()
            trace = onnxspan.trace(verify=True)
            failed = ""
            with trace, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    torch.onnx.export(model, args, io.BytesIO(), kwargs=kwargs or None, **options)
                except Exception as error:
                    failed = f"the export fails: {type(error).__name__}"
            root = trace.exports[0]
            found = trace.mismatch
            result = failed or (
                "agrees" if found is None else f"{found.pass_name}: {found.operator}"
            )
            largest = root.get("torch.onnx.verify.max_abs_diff", float("nan"))
            steps = root.get("torch.onnx.verify.steps", 0)
            row = [
                name,
                exporter,
                result,
                f"{largest:.1e}",
                str(steps),
                f"{time.monotonic() - began:.1f}",
            ]
            print("| " + " | ".join(row) + " |", flush=True)
            for note in root.get("torch.onnx.verify.notes", ()):
                print(f"    {note}", file=sys.stderr)
            for error in trace.errors:
                print(f"    error: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
