"""An A/A test of `diff`: equal exports recorded under changing load; every difference is false.

python benchmarks/equal_exports.py [--pairings 240] [--traces 32]

Each exporter exports one model again and again, while other processes keep the machine busy: none,
as many as it has cores, twice as many, and by turns. Then traces are drawn for both sides, three a
side or one, and half of the time one side from the quiet ones and the other from the busy ones.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import onnxspan
from models import transformer
from onnxspan.reading.compare.diff import Comparison, compare
from onnxspan.reading.compare.samples import Sample, read_samples

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORTERS: dict[str, tuple[int, dict[str, Any]]] = {
    "torchscript": (6, {"dynamo": False}),
    "dynamo": (1, {"dynamo": True, "verbose": False}),
}
"""Layers and options."""
LOADS = (0, 1, 2, 0.5)
"""Other processes for each core, by turns; a half stands for one that works every other moment."""
BUSY = "while True: sum(range(10**6))"
BY_TURNS = "import time\nwhile True:\n end = time.time() + 0.3\n while time.time() < end: sum(range(10**5))\n time.sleep(0.3)"


@contextlib.contextmanager
def load(share: float) -> Iterator[None]:
    """Other processes that compute meanwhile."""
    cores = os.cpu_count() or 1
    by_turns = share == 0.5  # see LOADS
    command = [sys.executable, "-c", BY_TURNS if by_turns else BUSY]
    count = cores if by_turns else int(share * cores)
    busy = [subprocess.Popen(command) for _ in range(count)]  # noqa: S603  # the code above
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def record(exporter: str, count: int, folder: Path) -> dict[float, list[Sample]]:
    """So many equal exports, by the load."""
    layers, options = EXPORTERS[exporter]
    model, args = transformer(layers)
    found: dict[float, list[Sample]] = {share: [] for share in LOADS}
    for number in range(count + 1):
        share = LOADS[number * len(LOADS) // (count + 1)]
        trace = onnxspan.trace(flight=False)
        with load(share), warnings.catch_warnings(), trace:
            warnings.simplefilter("ignore")
            torch.onnx.export(model, args, io.BytesIO(), **options)
        if number == 0:
            continue  # the first export of a process does more
        file = folder / f"{exporter}-{number}.jsonl"
        trace.save(file)
        found[share] += read_samples([str(file)])
    return found


def said(found: Comparison) -> list[str]:
    """Every difference in time that the comparison names."""
    rows = [row.name for row in found.slower_or_faster()]
    rows += ["(whole export)"] if found.whole.duration.differs else []
    return rows + (["processor time"] if found.totals["processor"].differs else [])


def main() -> int:
    """Print a line for each exporter and number of traces a side."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairings", type=int, default=240)
    parser.add_argument(
        "--traces", type=int, default=32, help="exports to record of each exporter"
    )
    options = parser.parse_args()
    chance = random.Random(7)  # noqa: S311  # which traces are drawn, no secret
    wrong = 0
    print("| exporter | traces a side | pairings | with a false difference | named |")
    print("| --- | --: | --: | --: | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for exporter in EXPORTERS:
            by_load = record(exporter, options.traces, Path(folder))
            every = [sample for samples in by_load.values() for sample in samples]
            for side in (3, 1):
                named: collections.Counter[str] = collections.Counter()
                false = 0
                for number in range(options.pairings // 4):
                    if number % 2:
                        drawn = chance.sample(every, 2 * side)
                    else:
                        quiet, busy = by_load[0], by_load[LOADS[1 + number // 2 % 3]]
                        drawn = [*chance.sample(quiet, side), *chance.sample(busy, side)]
                    words = said(compare(drawn[:side], drawn[side:]))
                    false += bool(words)
                    named.update(words)
                wrong += false
                most = ", ".join(f"{name} {count}" for name, count in named.most_common(4))
                print(
                    f"| {exporter} | {side} | {options.pairings // 4} | {false} | {most} |",
                    flush=True,
                )
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
