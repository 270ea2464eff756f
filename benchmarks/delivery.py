"""Does every span arrive, or is said not to have? 100 000 spans against good and bad collectors.

A real export of a synthetic model at level `nodes` makes the first 10 000 of them; each
collector is a real socket in a process of its own. Prints the table of
docs/explanation/delivery.md.

    python benchmarks/delivery.py [SPANS] [http/protobuf | grpc]
"""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import os
import socket
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import torch
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext
from torch import nn

import onnxspan
from onnxspan.reading.source.trace import Trace
from onnxspan.recording.light_span import LightSpan
from onnxspan.recording.outputs.otlp import endpoint
from onnxspan.recording.outputs.outputs import Outputs
from onnxspan.recording.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANNERS = ("fast", "250 ms a request", "fails half of the time", "down")


class Long(nn.Module):
    """A chain of cheap operators: about four spans for each turn, at level `nodes`."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.turns = turns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the chain."""
        for _ in range(self.turns):
            x = x * 1.5 + 0.5
        return x


TURNS = 2500


def record(spans: int) -> list[LightSpan]:
    """Spans of a real export at level `nodes`, repeated under new ids until there are enough.

    Recording 100 000 takes minutes and says nothing of their delivery.
    """
    with onnxspan.trace("nodes") as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Long(min(TURNS, spans // 4)), (torch.ones(2),), io.BytesIO(), dynamo=False,
            do_constant_folding=False,
        )  # fmt: skip
    real = trace._session.kept_from(0)  # noqa: SLF001  # as they are handed over
    made = list(real)
    while len(made) < spans:
        made += [renamed(span, len(made)) for span in real]
    return made


def renamed(span: LightSpan, offset: int) -> LightSpan:
    """The same span in another trace."""

    def shifted(context: SpanContext) -> SpanContext:
        if not context.is_valid:
            return context
        return SpanContext(
            context.trace_id ^ offset, context.span_id ^ offset, False, context.trace_flags
        )

    ids = span.get_span_context()
    parent = span.readable().parent
    copy = LightSpan(
        span.name,
        shifted(parent) if parent else INVALID_SPAN_CONTEXT,
        span.start_time,
        shifted(ids),
    )
    copy.attributes, copy.events, copy.status = span.attributes, span.events, span.status
    copy.end_time = span.end_time
    return copy


def serve(protocol: str, manner: str, pipe: object) -> None:
    """A collector in a process of its own, until it is told to report."""
    from collectors import GrpcCollector, HttpCollector

    kind = GrpcCollector if protocol == "grpc" else HttpCollector
    collector = kind(
        delay=0.25 if manner == MANNERS[1] else 0.0,
        refuse=(lambda number: number % 2 == 0) if manner == MANNERS[2] else (lambda _: False),
    )
    with collector:
        pipe.send(collector.url)
        pipe.recv()
        pipe.send(
            (
                collector.ids,
                len(collector.spans),
                len(collector.sizes),
                max(collector.sizes, default=0),
            )
        )


@contextlib.contextmanager
def running(protocol: str, manner: str) -> Iterator[tuple[str, Callable[[], tuple[Any, ...]]]]:
    """Yield the collector's address, and a function that asks it what arrived."""
    if manner == MANNERS[3]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        yield f"http://127.0.0.1:{port}", lambda: (set(), 0, 0, 0)
        return
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(protocol, manner, there), daemon=True
    )
    process.start()

    def report() -> Any:
        here.send("report")
        return here.recv()

    try:
        yield here.recv(), report
    finally:
        process.terminate()
        process.join()


def measure(protocol: str, manner: str, spans: list[LightSpan]) -> tuple[float, ...]:
    """Hand the spans over as at the end of an export, and say what became of them."""
    with running(protocol, manner) as (url, report):
        outputs = Outputs([endpoint(url, protocol)])
        outputs.session = Session()
        for span in spans:
            outputs.session.collect(renamed(span, 0))  # one that nobody has read yet
        began = time.perf_counter()
        outputs.finished(None)  # what the export itself waits for
        handed = time.perf_counter() - began
        (delivery,) = outputs.close()
        waited = time.perf_counter() - began - handed
        ids, arrived, requests, largest = report()
    recorded = {format(span.id, "016x") for span in spans}
    kept = {span.span_id for span in Trace.read(delivery.file).spans} if delivery.file else set()
    return (
        handed, waited, len(ids), arrived - len(ids), len(kept), len(recorded - ids - kept),
        requests, largest / 2**20,
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    logging.getLogger("onnxspan").setLevel(logging.ERROR)
    os.chdir(tempfile.mkdtemp())
    spans = record(wanted)
    print(f"{len(spans)} spans\n")
    print(
        "| protocol | collector | hand-over | then waited | arrived | twice | in the file "
        "| lost | requests | largest |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for protocol in sys.argv[2:] or ("http/protobuf", "grpc"):
        for manner in MANNERS:
            row = measure(protocol, manner, spans)
            handed, waited, arrived, twice, kept, lost, requests, largest = row
            print(
                f"| {protocol} | {manner} | {handed * 1e3:.0f} ms | {waited:.1f} s | {arrived} "
                f"| {twice} | {kept} | {lost} | {requests} | {largest:.1f} MiB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
