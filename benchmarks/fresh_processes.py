"""What tracing costs a process: its first export, its peak of memory, a thousand exports.

    python benchmarks/fresh_processes.py first [--pairs 9] [--layers 6]
    python benchmarks/fresh_processes.py memory [--pairs 3]
    python benchmarks/fresh_processes.py thousand [--exports 1000]

`first` and `memory` compare fresh processes, an untraced one and a traced one in turn. `first` is a
clock around `with onnxspan.trace(): torch.onnx.export(...)` against one around the export alone; torch
and onnxspan are imported before it. `memory` is the peak of the resident memory of a process that
exports a model of 1 GB. `thousand` exports a small model again and again in one process, and prints
what the resident memory grew by from the first hundred exports to the last, untraced and traced.
"""

from __future__ import annotations

import argparse
import gc
import io
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import torch

import onnxspan
from models import transformer
from real_models import EXPORTERS


def first(layers: int, exporter: str, level: str) -> float:
    """Milliseconds of this process's first export."""
    model, args = transformer(layers)
    began = time.perf_counter()
    with onnxspan.trace(level) if level else nullcontext():
        torch.onnx.export(model, args, io.BytesIO(), **EXPORTERS[exporter])
    return (time.perf_counter() - began) * 1e3


def memory(_layers: int, exporter: str, level: str) -> float:
    """Peak MiB of this process after it has exported a model of 1 GB."""
    model = torch.nn.Sequential(*(torch.nn.Linear(4096, 4096) for _ in range(16))).eval()
    with (
        tempfile.TemporaryDirectory() as folder,
        onnxspan.trace(level) if level else nullcontext(),
    ):
        torch.onnx.export(
            model, (torch.zeros(1, 4096),), f"{folder}/model.onnx", **EXPORTERS[exporter]
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def thousand(exports: int, exporter: str, level: str) -> float:
    """MiB by which the resident memory grew between the first tenth of the exports and the last."""
    model, args = torch.nn.Linear(4, 4).eval(), (torch.zeros(1, 4),)
    sizes = []
    for _ in range(exports):
        with onnxspan.trace(level) if level else nullcontext():
            torch.onnx.export(model, args, io.BytesIO(), **EXPORTERS[exporter])
        sizes.append(_resident())
    gc.collect()
    tenth = max(exports // 10, 1)
    return statistics.median(sizes[-tenth:]) - statistics.median(sizes[tenth : 2 * tenth])


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


MEASURES = {"first": first, "memory": memory, "thousand": thousand}


def fresh(measure: str, *arguments: Any) -> float:
    """What a measure gives in a process of its own."""
    command = [sys.executable, __file__, measure, "--one", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # this very file
    return float(done.stdout.split()[-1])


def main() -> None:
    """Parse the arguments; print the table, or be one of its processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("measure", choices=list(MEASURES))
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--exports", type=int, default=1000)
    parser.add_argument("--levels", nargs="+", default=["passes"])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)  # torch says at each export what is not installed
        size, exporter, level = options.one
        level = "" if level == "untraced" else level
        print(MEASURES[options.measure](int(size), exporter, level))
        return
    size = options.exports if options.measure == "thousand" else options.layers
    pairs = options.pairs or {"first": 9, "memory": 3, "thousand": 1}[options.measure]
    unit = "ms" if options.measure == "first" else "MiB"
    relation = "more" if options.measure == "thousand" else "ratio"
    print(f"| exporter | level | untraced, {unit} | traced, {unit} | {relation} |")
    print("| --- | --- | --- | --- | --- |")
    for exporter in EXPORTERS:
        for level in options.levels:
            found = []
            for pair in range(pairs):
                order = ("untraced", level)[:: -1 if pair % 2 else 1]
                found.append(
                    {kind: fresh(options.measure, size, exporter, kind) for kind in order}
                )
            plain, traced = (
                statistics.median(one[k] for one in found) for k in ("untraced", level)
            )
            compared = [
                one[level] - one["untraced"]
                if options.measure == "thousand"
                else one[level] / one["untraced"]
                for one in found
            ]
            print(
                f"| {exporter} | {level} | {plain:.1f} | {traced:.1f} "
                f"| {statistics.median(compared):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
