"""How much of an export's time no span and no sum explains, on real models; prints a table.

python benchmarks/unexplained.py [NAME ...] [--level nodes]     only models whose name has NAME

A span with spans or sums inside is explained by them; what is left of its time is unexplained. A
span with neither is one call of torch, and is listed as the longest such call. The libraries are
not among the package's dependencies: `pip install torchvision timm transformers`.
"""

from __future__ import annotations

import argparse
import gc
import io
import time
import warnings
from typing import TYPE_CHECKING, Any

import torch

import onnxspan
from onnxspan import conventions as c
from real_models import EXPORTERS, MODELS

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span

SHOWN = (
    "torchvision resnet18", "torchvision mobilenet_v3_small", "torchvision swin_t", "torchvision densenet121",
    "timm mixer_s32_224", "timm levit_128s", "transformers Bert", "transformers GPT2", "transformers Llama",
    "transformers ViT", "transformers Albert", "transformers Qwen2",
)  # fmt: skip
"""The models that the table has, unless others are named."""
SUMS = (c.SYMBOLIC, c.BLOCKS, c.TRACED, c.TRANSLATION, c.RULES, c.FOLDED, c.PREPARED)
"""Work that is summed beside the spans; the other sums are parts of these."""


class Collections:
    """When the garbage collector ran, on the clock of the spans; a context manager."""

    def __init__(self) -> None:
        self.times: list[int] = []

    def __enter__(self) -> Collections:  # noqa: PYI034  # Python 3.10 has no typing.Self
        gc.callbacks.append(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._note)

    def _note(self, _phase: str, _info: dict[str, int]) -> None:
        self.times.append(time.time_ns())

    def inside(self, span: Span) -> float:
        """Seconds in which the collector ran during a span."""
        both = zip(self.times[::2], self.times[1::2], strict=False)
        return (
            sum(max(min(end, span.end) - max(begin, span.start), 0) for begin, end in both) / 1e9
        )


def unexplained(span: Span, collections: Collections) -> float | None:
    """Seconds of a span that nothing inside it explains; None for a span with nothing inside."""
    summed = sum(sum(span.get(group[2], ())) for group in SUMS)
    if any(child.get(c.LEVEL) == "nodes" for child in span.children):
        summed = 0.0  # the same work is spans at this level
    if not span.children and not summed:
        return None
    # The sums leave the collector's time out; that of children is in their own.
    summed += collections.inside(span) - sum(map(collections.inside, span.children))
    return max(span.duration - summed - sum(child.duration for child in span.children), 0.0)


def largest(times: dict[str, float], whole: float, count: int) -> str:
    """The longest entries, each with its share."""
    first = sorted(times.items(), key=lambda item: -item[1])[:count]
    return ", ".join(f"`{name}` {took / whole:.1%}".replace("%", " %") for name, took in first)


def row(name: str, exporter: str, options: dict[str, Any], level: str) -> str:
    """One line of the table."""
    torch.manual_seed(0)
    model, args, kwargs = MODELS[name]()
    with warnings.catch_warnings(), Collections() as found, onnxspan.trace(level=level) as trace:
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(model, args, io.BytesIO(), kwargs=kwargs or None, **options)
        except Exception as error:
            return f"| {name} | {exporter} | fails: {type(error).__name__} | | | | |"
    root = trace.exports[0]
    own: dict[str, float] = {}
    leaves: dict[str, float] = {}
    for span in root.walk():
        if span.get(c.LEVEL) == "nodes":
            continue
        left = unexplained(span, found)
        where, took = (leaves, span.duration) if left is None else (own, left)
        where[span.name] = where.get(span.name, 0.0) + took
    whole = root.duration
    # Our own time between two spans is counted in the span around, and told on the root.
    tracing = root.get(c.TRACING_DURATION, 0.0)
    rest = max(sum(own.values()) - tracing, 0.0)
    shares = [f"{part / whole:.1%}".replace("%", " %") for part in (rest, tracing)]
    cells = [
        name,
        exporter,
        f"{whole:.2f} s",
        *shares,
        largest(own, whole, 2),
        largest(leaves, whole, 2),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Export each model by each exporter; the first export of each exporter is not counted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--level", choices=("passes", "nodes"), default="passes")
    parser.add_argument("--exporter", choices=tuple(EXPORTERS))
    options = parser.parse_args()
    for exporter in EXPORTERS:
        if options.exporter in (None, exporter):
            torch.onnx.export(
                torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), **EXPORTERS[exporter]
            )
    print(
        "| model | exporter | time | unexplained | tracing itself | most self time in | longest calls with nothing inside |"
    )
    print("| --- | --- | --: | --: | --: | --- | --- |")
    for name in MODELS:
        named = any(one in name for one in options.names) if options.names else name in SHOWN
        for exporter in EXPORTERS if named else ():
            if options.exporter in (None, exporter):
                print(row(name, exporter, EXPORTERS[exporter], options.level), flush=True)


if __name__ == "__main__":
    main()
