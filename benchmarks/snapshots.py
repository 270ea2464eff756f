"""What `snapshots="changed"` costs: ratios of processor time, measured in pairs.

python benchmarks/snapshots.py [LAYERS ...]      24 when none is given
"""

from __future__ import annotations

import io
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import onnxspan
from models import transformer

PAIRS = 5
EXPORTERS: dict[str, dict[str, Any]] = {
    "torchscript": {"dynamo": False},
    "dynamo": {"dynamo": True, "verbose": False},
}


def spent(layers: int, options: dict[str, Any], snapshots: str) -> float:
    """Processor seconds of one export that is recorded, entering and leaving included."""
    model, args = transformer(layers)
    began = time.process_time()
    with onnxspan.trace(snapshots=snapshots), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, io.BytesIO(), **options)
    return time.process_time() - began


def main() -> None:
    """Print a line for each exporter and size."""
    print("| exporter | layers | without | with `changed` | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for exporter, options in EXPORTERS.items():
        for layers in map(int, sys.argv[1:] or ["24"]):
            spent(1, options, "changed")
            pairs = [
                (spent(layers, options, "none"), spent(layers, options, "changed"))
                for _ in range(PAIRS)
            ]
            ratio = statistics.median(after / before for before, after in pairs)
            without, taken = (statistics.median(side) for side in zip(*pairs, strict=True))
            print(
                f"| {exporter} | {layers} | {without:.2f} s | {taken:.2f} s | {ratio:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
