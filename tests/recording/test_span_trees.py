"""Whole span trees of real exports, with fixed ids and a fixed clock, as kept texts."""

from __future__ import annotations

import io
import itertools

import pytest
import torch
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

import models
import snapshot
import torch_facts
from conftest import quiet
from onnxspan import conventions as c
from onnxspan.conventions import Level
from onnxspan.reading.source.trace import Trace
from onnxspan.recording.opening import close_session, open_session
from onnxspan.recording.session import Session

SHOWN = {
    c.EXPORTER: "exporter",
    c.MODEL_INPUT_SHAPES: "inputs",
    c.MODEL_PARAMETERS: "parameters",
    c.JIT_BRANCH: "branch",
    c.JIT_INVARIANT: "invariant",
    c.NODES: "nodes",
    c.NODES_CHANGE: "change",
    c.PARAMETERS: "tensors",
    c.RESULT_NODES: "result",
    c.NODE_OPERATOR: "operator",
    c.NODE_PRODUCED: "produced",
}
"""What is compared; sizes of memory and files, durations and versions differ by machine."""


class Counting(IdGenerator):
    """1, 2, 3..."""

    def __init__(self):
        self.spans, self.traces = itertools.count(1), itertools.count(1)

    def generate_span_id(self):
        """The next."""
        return next(self.spans)

    def generate_trace_id(self):
        """The next."""
        return next(self.traces)


class Clock:
    """A nanosecond passes with every look at it."""

    def __init__(self):
        self.ticks = itertools.count(1)

    def __call__(self):
        return next(self.ticks)


def recorded(name, level):
    """The trace of a model's export."""
    provider = TracerProvider(id_generator=Counting(), sampler=ALWAYS_ON, shutdown_on_exit=False)
    session = Session(Level.parse(level), provider, clock=Clock(), epoch=0)
    model, args = getattr(models, name)()
    open_session(session)
    try:
        with quiet():
            torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    finally:
        close_session(session)
    assert session.errors == []
    return Trace.from_spans(session.spans)


def described(trace):
    """One line for each span: its nesting, name, level and chosen attributes."""
    lines = []
    depths = {None: -1}
    for span in trace.spans:
        depths[span] = depths[span.parent] + 1
        said = [
            f"{label}={span.get(key)}" for key, label in SHOWN.items() if key in span.attributes
        ]
        sums = span.get(c.SYMBOLIC[0])
        if sums:
            said.append("sums=" + ",".join(map("{}:{}".format, sums, span.get(c.SYMBOLIC[1]))))
        level = span.get(c.LEVEL)
        lines.append("  " * depths[span] + " ".join([span.name, f"[{level}]", *said]))
    return "\n".join(lines)


@pytest.mark.skipif(
    not torch.__version__.startswith("2.13."), reason="the kept trees are those of torch 2.13"
)
@pytest.mark.parametrize("level", ["stages", "passes", "nodes"])
@pytest.mark.parametrize("name", ["convolutional", "transformer"])
def test_the_span_tree(name, level):
    """Names, levels, nesting, node counts and operators of a whole export are as kept."""
    trace = recorded(name, level)
    snapshot.matches(described(trace), f"spans-{name}-{level}")
    ids = [int(span.span_id, 16) for span in trace.spans]
    assert ids == list(range(1, len(ids) + 1))  # begun in the order of the tree
    for span in trace.spans:
        assert span.start < span.end
        if span.parent is not None:
            assert span.parent.start < span.start
            assert span.end < span.parent.end


@pytest.mark.parametrize("name", ["convolutional", "transformer"])
def test_a_stage_has_the_same_size_at_every_level(name):
    """A stage's node count does not depend on how deep the export is recorded."""

    def counts(level):
        spans = recorded(name, level).spans
        return {span.name: span.get(c.NODES) for span in spans if span.get(c.LEVEL) == "stages"}

    assert counts("stages") == counts("passes") == counts("nodes")
