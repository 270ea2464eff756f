"""What tracing costs: ratios of a traced export to an untraced one, measured side by side.

    python benchmarks/overhead.py [--pairs 15] [--layers 6 24 96] [--exporter torchscript]
                                  [--peers] [--json FILE]

Each pair is one untraced export and one traced right after it (every second pair the other way
round), in one process, so that the machine's drift touches both alike. The ratio is the median over the pairs. The
second figure is the recorder's own: the time it spent in its own code, against the rest of the
export. Peers wrap the same export: cProfile, pyinstrument and viztracer, as their manuals say.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import io
import json
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

Wrap = Callable[[], AbstractContextManager[Any]]


def traced(level: str) -> Wrap:
    """A trace() at a level."""
    import onnxspan

    return lambda: onnxspan.trace(level)


def peers() -> dict[str, Wrap]:
    """The profilers that people would otherwise use, those that are installed."""
    found: dict[str, Wrap] = {"cProfile": cProfile.Profile}
    try:
        from pyinstrument import Profiler

        found["pyinstrument"] = Profiler
    except ImportError:
        print("pyinstrument is not installed: left out", file=sys.stderr)
    try:
        from viztracer import VizTracer

        @contextmanager
        def viztracer() -> Iterator[None]:
            tracer = VizTracer(verbose=0)
            tracer.start()
            try:
                yield
            finally:
                tracer.stop()  # not saved: none of the others is

        found["viztracer"] = viztracer
    except ImportError:
        print("viztracer is not installed: left out", file=sys.stderr)
    return found


def timed(export: Callable[[], None], wrap: Wrap) -> tuple[float, Any]:
    """Seconds for one export inside `wrap`, collected garbage not counted."""
    gc.collect()
    began = time.perf_counter()
    with wrap() as inside:
        export()
    return time.perf_counter() - began, inside


def own_share(tracing: Any) -> float:
    """The recorder's own time against the rest of the export."""
    root = tracing.result.exports[0]
    own = root.get("torch.onnx.tracing.duration")
    return own / (root.duration - own)


def measure(export: Callable[[], None], wrap: Wrap, pairs: int) -> dict[str, float]:
    """Median ratio of traced to untraced, its quartiles, and the recorder's own figure."""
    timed(export, wrap)
    ratios, own = [], []
    for pair in range(pairs):
        first_plain = pair % 2 == 0
        plain = timed(export, nullcontext)[0] if first_plain else 0.0
        seconds, inside = timed(export, wrap)
        if not first_plain:
            plain = timed(export, nullcontext)[0]
        ratios.append(seconds / plain)
        if hasattr(inside, "result"):
            own.append(own_share(inside))
    quartiles = statistics.quantiles(ratios, n=4)
    result = {"ratio": statistics.median(ratios), "low": quartiles[0], "high": quartiles[2]}
    if own:
        result["own"] = 1 + statistics.median(own)
    return result


def exporting(layers: int, exporter: str) -> Callable[[], None]:
    """One export of the toy transformer, to memory."""
    import torch

    from models import transformer

    model, args = transformer(layers)

    def export() -> None:
        torch.onnx.export(
            model,
            args,
            io.BytesIO(),
            dynamo=exporter == "dynamo",
            **({"verbose": False} if exporter == "dynamo" else {}),
        )

    return export


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--layers", type=int, nargs="+", default=[6, 24, 96])
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # torch says at each export what is not installed
    wraps = {level: traced(level) for level in ("stages", "passes", "nodes")}
    if not options.no_peers:
        wraps |= peers()
    results: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{options.exporter}, {options.pairs} pairs, median ratio (quartiles) [own figure]")
    print("| layers | untraced |", " | ".join(wraps), "|")
    print("| --- | --- |", " | ".join("---" for _ in wraps), "|")
    for layers in options.layers:
        export = exporting(layers, options.exporter)
        export()
        plain = statistics.median(timed(export, nullcontext)[0] for _ in range(5))
        row = {name: measure(export, wrap, options.pairs) for name, wrap in wraps.items()}
        results[str(layers)] = row
        cells = [
            f"{cell['ratio']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})"
            + (f" [{cell['own']:.3f}]" if "own" in cell else "")
            for cell in row.values()
        ]
        print(f"| {layers} | {plain * 1e3:.0f} ms |", " | ".join(cells), "|", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
