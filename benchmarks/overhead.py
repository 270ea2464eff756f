"""What tracing costs: ratios of a traced export to an untraced one, measured side by side.

    python benchmarks/overhead.py [--pairs 15] [--layers 6 24 96] [--exporter torchscript]
                                  [--no-peers] [--json FILE]
    python benchmarks/overhead.py --models "torchvision resnet18" "transformers Bert"

Each pair is one untraced export and one traced right after it (every second pair the other way
round), in one process, so that the machine's drift touches both alike. The ratio is the median over the pairs. The
second figure is the recorder's own: the time it spent in its own code, against the rest of the
export. The third, for what is traced, is how many more times the garbage collector ran in an export,
at the median. `dropped` is the instrumentor below
a sampler that does not choose the trace.
Peers wrap the same export: cProfile, pyinstrument and viztracer, as their manuals say.
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


@contextmanager
def dropped() -> Iterator[None]:
    """The instrumentor, below a sampler that chooses no trace."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    from onnxspan.instrumentor import TorchOnnxInstrumentor

    instrumentor = TorchOnnxInstrumentor()
    instrumentor.instrument(tracer_provider=TracerProvider(sampler=ALWAYS_OFF))
    try:
        yield
    finally:
        instrumentor.uninstrument()


ONCE = frozenset({dropped})
"""What a process enters once and for all: entering it is not in the time of an export."""


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


class Collections:
    """Counts the runs of the garbage collector.

    Attributes:
        runs: since it was made.
    """

    def __init__(self) -> None:
        self.runs = 0
        gc.callbacks.append(self._ran)

    def _ran(self, phase: str, _info: dict[str, int]) -> None:
        self.runs += phase == "start"


collections = Collections()


def timed(export: Callable[[], None], wrap: Wrap) -> tuple[float, Any]:
    """Seconds for one export inside `wrap`; the garbage of what came before is not in it."""
    gc.collect()
    collections.runs = 0
    began = time.perf_counter()
    with wrap() as inside:
        if wrap in ONCE:
            began = time.perf_counter()
        export()
        ended = time.perf_counter()
    return (ended if wrap in ONCE else time.perf_counter()) - began, inside


def own_share(tracing: Any) -> float:
    """The recorder's own time against the rest of the export."""
    root = tracing.result.exports[0]
    own = root.get("torch.onnx.tracing.duration")
    return own / (root.duration - own)


def measure(export: Callable[[], None], wrap: Wrap, pairs: int) -> dict[str, float]:
    """Median ratio of traced to untraced, its quartiles, the recorder's own figure, collections."""
    timed(export, wrap)
    ratios, own, more = [], [], []
    for pair in range(pairs):
        seconds: dict[bool, float] = {}
        runs: dict[bool, int] = {}
        for is_wrapped in (False, True)[:: -1 if pair % 2 else 1]:
            seconds[is_wrapped], inside = timed(export, wrap if is_wrapped else nullcontext)
            runs[is_wrapped] = collections.runs
            if hasattr(inside, "result"):
                own.append(own_share(inside))
        ratios.append(seconds[True] / seconds[False])
        more.append(runs[True] - runs[False])
    quartiles = statistics.quantiles(ratios, n=4)
    result = {"ratio": statistics.median(ratios), "low": quartiles[0], "high": quartiles[2]}
    if own:
        result |= {"own": 1 + statistics.median(own), "collections": statistics.median(more)}
    return result


def exporting(layers: int, exporter: str) -> Callable[[], None]:
    """One export of the toy transformer, to memory."""
    from models import transformer

    return _exporting(*transformer(layers), {}, exporter)


def exporting_real(name: str, exporter: str) -> Callable[[], None]:
    """One export of a real model (real_models.py), to memory."""
    from real_models import MODELS

    return _exporting(*MODELS[name](), exporter)


def _exporting(model: Any, args: Any, kwargs: dict[str, Any], exporter: str) -> Callable[[], None]:
    import torch

    from real_models import EXPORTERS

    options = EXPORTERS[exporter] | ({"kwargs": kwargs} if kwargs else {})

    def export() -> None:
        torch.onnx.export(model, args, io.BytesIO(), **options)

    return export


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--layers", type=int, nargs="+", default=[6, 24, 96])
    parser.add_argument("--models", nargs="+", default=[], help="real models, and no toy")
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # torch says at each export what is not installed
    wraps: dict[str, Wrap] = {level: traced(level) for level in ("stages", "passes", "nodes")}
    wraps["dropped"] = dropped
    if not options.no_peers:
        wraps |= peers()
    results: dict[str, dict[str, dict[str, float]]] = {}
    print(
        f"{options.exporter}, {options.pairs} pairs, median ratio (quartiles) [own figure] "
        "+ collections"
    )
    first, rows = ("model", options.models) if options.models else ("layers", options.layers)
    print(f"| {first} | untraced |", " | ".join(wraps), "|")
    print("| --- | --- |", " | ".join("---" for _ in wraps), "|")
    for one in rows:
        make = exporting_real if options.models else exporting
        export = make(one, options.exporter)
        export()
        plain = statistics.median(timed(export, nullcontext)[0] for _ in range(5))
        row = {name: measure(export, wrap, options.pairs) for name, wrap in wraps.items()}
        results[str(one)] = row
        cells = [
            f"{cell['ratio']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})"
            + (f" [{cell['own']:.3f}] +{cell['collections']:g}" if "own" in cell else "")
            for cell in row.values()
        ]
        print(f"| {one} | {plain * 1e3:.0f} ms |", " | ".join(cells), "|", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
