"""What verification costs: ratios of wall time, in pairs, and peaks of memory in fresh processes.

The second ratio leaves out the runs of the model: by torch, by the TorchScript interpreter and by
onnxruntime.

python benchmarks/verification.py              toy transformers
python benchmarks/verification.py --large      peak memory on a model of 1 GB
"""

from __future__ import annotations

import functools
import io
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import onnxspan
from models import transformer
from onnxspan.recording.verify import fx_programs, onnx_runs, script_graphs

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = 5
EAGER_RUNS = 5
"""The example twice and once with other kernels, other values once and with other kernels."""
EXPORTERS: dict[str, dict[str, Any]] = {
    "torchscript": {"dynamo": False},
    "dynamo": {"dynamo": True, "verbose": False},
}


runs: list[float] = []
"""Seconds of each run of the model."""


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; how long each call took goes into `runs`."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        began = time.monotonic()
        try:
            return function(*args, **kwargs)
        finally:
            runs.append(time.monotonic() - began)

    return call


def spent(layers: int, options: dict[str, Any], verify: str | bool) -> float:
    """Seconds of one recorded export."""
    model, args = transformer(layers)
    began = time.monotonic()
    with onnxspan.trace(verify=verify), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, io.BytesIO(), **options)
    return time.monotonic() - began


def eager() -> float:
    """Seconds of one run of the model itself."""
    model, args = transformer(12)
    with torch.no_grad():
        model(*args)
        began = time.monotonic()
        model(*args)
    return time.monotonic() - began


def peak(exporter: str, verify: str) -> float:
    """Peak GiB of a fresh process that exports a model of 1 GB."""
    done = subprocess.run(  # noqa: S603  # this very file
        [sys.executable, __file__, "--one", exporter, verify],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def one(exporter: str, verify: str) -> None:
    """Export a model of 1 GB, and print the peak."""
    model = torch.nn.Sequential(*(torch.nn.Linear(4096, 4096) for _ in range(16))).eval()
    with onnxspan.trace(verify=False if verify == "no" else verify), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(1, 4096),), "large.onnx", **EXPORTERS[exporter])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def main() -> None:
    """Print a table."""
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:4])
        return
    if sys.argv[1:] == ["--large"]:
        print("| exporter | peak, GiB | verified | ratio |\n| --- | --- | --- | --- |")
        for exporter in EXPORTERS:
            without, verified = peak(exporter, "no"), peak(exporter, "passes")
            print(
                f"| {exporter} | {without:.2f} | {verified:.2f} | {verified / without:.2f} |",
                flush=True,
            )
        return
    print("| exporter | layers | verify | ratio | without the runs |")
    print("| --- | --- | --- | --- | --- |")
    onnx_runs.run = timed(onnx_runs.run)
    script_graphs.run = timed(script_graphs.run)
    fx_programs.run = timed(fx_programs.run)
    for exporter, options in EXPORTERS.items():
        spent(1, options, "passes")
        for verify in ("stages", "passes"):
            ratios, without_runs = [], []
            for _ in range(PAIRS):
                plain = spent(12, options, False)
                runs.clear()
                verified = spent(12, options, verify)
                ratios.append(verified / plain)
                ran = sum(runs) + EAGER_RUNS * eager()
                without_runs.append((verified - ran) / plain)
            middle = [f"{statistics.median(one):.2f}" for one in (ratios, without_runs)]
            print(f"| {exporter} | 12 | {verify} | {' | '.join(middle)} |", flush=True)


if __name__ == "__main__":
    main()
