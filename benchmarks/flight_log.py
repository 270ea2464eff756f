"""What the flight log costs: exports with it against exports without, measured side by side.

    python benchmarks/flight_log.py [--pairs 21] [--layers 6 24] [--exporter torchscript]

Each pair is one export traced at the level `passes` with `flight=False` and one with the flight
log right after it (every second pair the other way round), in one process, so that the machine's
drift touches both alike. The ratio is the median over the pairs. Beside it stands the time spent in
the log's own methods in those exports, which is less at the mercy of the machine.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import onnxspan
from onnxspan.recording.listeners.flight import FlightLog
from overhead import exporting, timed


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=21)
    parser.add_argument("--layers", type=int, nargs="+", default=[6, 24])
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # torch says at each export what is not installed
    for name in ("entered", "left", "on_event", "finished", "closed"):
        watch(name)
    print(f"{options.exporter}, {options.pairs} pairs, median ratio (quartiles)")
    print("| layers | without | ratio with the flight log | in the log | lines | bytes |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for layers in options.layers:
            export = exporting(layers, options.exporter)
            lines, size = written(export, Path(folder, "counted"))
            ratios, plain = [], []
            inside = []
            for pair in range(options.pairs):
                both = {}
                for flight in (False, True)[:: 1 if pair % 2 else -1]:
                    place: Any = str(Path(folder, "export")) if flight else False
                    spent.clear()
                    both[flight] = timed(export, lambda at=place: onnxspan.trace(flight=at))[0]
                    if flight:
                        inside.append(sum(spent))
                ratios.append(both[True] / both[False])
                plain.append(both[False])
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(
                f"| {layers} | {statistics.median(plain) * 1e3:.0f} ms "
                f"| {middle:.3f} ({low:.3f} to {high:.3f}) "
                f"| {statistics.median(inside) * 1e3:.2f} ms | {lines} | {size:,} |",
                flush=True,
            )


spent: list[float] = []
"""Seconds of each call of the log's methods."""


def watch(name: str) -> None:
    """Time every call of one of the log's methods, its file's opening and removal too."""
    method = getattr(FlightLog, name)

    def watched(*args: Any) -> None:
        began = time.perf_counter()
        try:
            method(*args)
        finally:
            spent.append(time.perf_counter() - began)

    setattr(FlightLog, name, watched)


def written(export: Any, place: Path) -> tuple[int, int]:
    """Lines and bytes of the log of one export; the export warms up the process too."""
    log = place.with_name(f"{place.name}.flight")
    tracing = onnxspan.trace(flight=str(place))
    with tracing:
        export()
        data = log.read_bytes()
    return data.count(b"\n"), len(data)


if __name__ == "__main__":
    main()
