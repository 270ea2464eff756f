"""Does every span arrive, or is said not to have? 100 000 spans against good and bad collectors.

A real export of a synthetic model at level `nodes` makes the spans; each collector is a real
socket in a process of its own. Prints the table of docs/explanation/delivery.md.

    python benchmarks/delivery.py [SPANS]
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

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import torch
from torch import nn

import onnxspan
from onnxspan.reading.trace import Trace

MANNERS = ("fast", "250 ms a request", "fails half of the time", "down")


class Long(nn.Module):
    """A chain of cheap operators: about four spans for each turn, at level `nodes`."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.turns = turns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(self.turns):
            x = x * 1.5 + 0.5
        return x


TURNS = 1000
"""Turns an export: torch's own time grows with their square, so several exports share the work."""


def export(spans: int) -> None:
    """Export as often as it takes to make so many spans."""
    for _ in range(max(1, round(spans / (TURNS * 4.03)))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Long(TURNS), (torch.ones(2),), io.BytesIO(), dynamo=False,
                do_constant_folding=False,
            )  # fmt: skip


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
        pipe.send((collector.ids, len(collector.spans), len(collector.sizes), max(collector.sizes, default=0)))


@contextlib.contextmanager
def running(protocol: str, manner: str):
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

    def report():
        here.send("report")
        return here.recv()

    try:
        yield here.recv(), report
    finally:
        process.terminate()
        process.join()


def measure(protocol: str | None, manner: str, spans: int) -> tuple[float, ...]:
    """Export once with an output and say what became of the spans."""
    if protocol is None:
        began = time.perf_counter()
        with onnxspan.trace("nodes") as trace:
            export(spans)
            exported = time.perf_counter() - began
        return len(trace._session.spans), exported  # noqa: SLF001  # the count, without a tree
    with running(protocol, manner) as (url, report):
        began = time.perf_counter()
        with onnxspan.trace("nodes", otlp=url, protocol=protocol) as trace:
            export(spans)
            exported = time.perf_counter() - began
        waited = time.perf_counter() - began - exported
        ids, arrived, requests, largest = report()
    recorded = {format(span.context.span_id, "016x") for span in trace._session.spans}  # noqa: SLF001
    (delivery,) = trace.deliveries
    kept = {span.span_id for span in Trace.read(delivery.file).spans} if delivery.file else set()
    lost = len(recorded - ids - kept)
    return (
        len(recorded), exported, waited, len(ids), arrived - len(ids), len(kept), lost,
        requests, largest / 2**20,
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    spans = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    logging.getLogger("onnxspan").setLevel(logging.ERROR)
    os.chdir(tempfile.mkdtemp())
    export(4000)  # torch's own first-time work
    count, seconds = measure(None, "", spans)
    print(f"{count} spans; the export without an output: {seconds:.1f} s\n")
    print("| protocol | collector | spans | export | then waited | arrived | twice | in the file | lost | requests | largest |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for protocol in ("http/protobuf", "grpc"):
        for manner in MANNERS:
            row = measure(protocol, manner, spans)
            made, exported, waited, arrived, twice, kept, lost, requests, largest = row
            print(
                f"| {protocol} | {manner} | {made} | {exported:.1f} s | {waited:.1f} s | {arrived} "
                f"| {twice} | {kept} | {lost} | {requests} | {largest:.1f} MiB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
