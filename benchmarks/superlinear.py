"""For which stage of a dynamo export does time grow faster than the model?

Exports the toy transformer with 12, 24 and 48 layers, each in a process of its own, after a
small export that pays for the imports. Prints each stage's processor time (own: children left out) and
the exponent p of time ~ layers^p, fitted by least squares of the logarithms: 1 is as fast as
the model grows, 2 four times the time for twice the model.

    python benchmarks/superlinear.py [--layers 12 24 48] [--repeat 3]
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span

SHORT = 0.02
"""Seconds: what takes less at the largest size is left out of the table."""


def measure(layers: int, repeat: int) -> None:
    """Print, as JSON, the seconds of each span name in each of `repeat` exports."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    import torch

    import models
    import onnxspan
    from onnxspan.recording.options import Options

    logging.disable(logging.WARNING)
    runs = []
    for size in (1, *[layers] * repeat):
        model, inputs = models.transformer(size)
        # The thread's processor time, so that whatever else the machine does changes little.
        with onnxspan.Tracing(Options(clock=time.thread_time_ns, epoch=0)) as trace:
            torch.onnx.export(model, inputs, dynamo=True, verbose=False)
        total: dict[str, float] = defaultdict(float)
        own: dict[str, float] = defaultdict(float)
        for span in trace.spans:
            nested = any(other.name == span.name for other in _ancestors(span))
            total[span.name] += 0 if nested else span.duration
            own[span.name] += span.duration - sum(child.duration for child in span.children)
        runs.append({"total": total, "own": own})
    print(json.dumps(runs[1:]))


def _ancestors(span: Span) -> Iterator[Span]:
    while span.parent is not None:
        span = span.parent
        yield span


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log(seconds) over log(sizes)."""
    x = [math.log(size) for size in sizes]
    y = [math.log(max(second, 1e-6)) for second in seconds]
    return statistics.linear_regression(x, y).slope


def table(sizes: list[int], kind: str, medians: dict[int, dict[str, dict[str, float]]]) -> None:
    """Print one table, the steepest stage first."""
    names = {name for size in sizes for name in medians[size][kind]}
    rows = []
    for name in names:
        seconds = [medians[size][kind].get(name, 0.0) for size in sizes]
        if seconds[-1] >= SHORT:
            rows.append((exponent(sizes, seconds), name, seconds))
    print("| stage | " + " | ".join(f"{size} layers, s" for size in sizes) + " | exponent |")
    print("|---|" + "---:|" * (len(sizes) + 1))
    for slope, name, seconds in sorted(rows, reverse=True):
        cells = " | ".join(f"{second:.3f}" for second in seconds)
        print(f"| `{name}` | {cells} | {slope:.2f} |")


def main() -> None:
    """Measure each size in a process of its own and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, nargs="+", default=[12, 24, 48])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.one, options.repeat)
        return
    medians: dict[int, dict[str, dict[str, float]]] = {}
    for size in options.layers:
        command = [sys.executable, __file__, "--one", str(size), "--repeat", str(options.repeat)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # ourselves
        runs = json.loads(done.stdout.splitlines()[-1])
        medians[size] = {
            kind: {
                name: statistics.median(run[kind].get(name, 0.0) for run in runs)
                for name in runs[0][kind]
            }
            for kind in ("total", "own")
        }
    print("Own time, children left out:\n")
    table(options.layers, "own", medians)
    print("\nWhole time, children included:\n")
    table(options.layers, "total", medians)


if __name__ == "__main__":
    main()
