"""The spans of a trace that stays in memory."""

from __future__ import annotations

import io
import random

import pytest
import torch
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

import onnxspan
import torch_facts
from conftest import quiet
from onnxspan.recording.light_span import LIGHT_TRACER, LightSpan


def export(model=None):
    with quiet():
        torch.onnx.export(
            model or torch.nn.Linear(2, 2),
            (torch.ones(1, 2),),
            io.BytesIO(),
            **torch_facts.TORCHSCRIPT,
        )


def test_the_models_random_numbers_are_not_drawn():
    """Ids come from a generator of ours: what a model draws is what it draws untraced."""
    before = random.getstate()
    with onnxspan.trace("nodes") as trace:
        export()
    assert trace.errors == []
    assert random.getstate() == before


def test_what_is_read_is_the_sdks():
    """A span is the SDK's when it is read: ids, parents, resource and attributes that it checked."""
    with onnxspan.trace("nodes") as trace:
        export()
    spans = trace._session.spans
    assert {type(span) for span in spans} == {ReadableSpan}
    ids = {span.context.span_id for span in spans}
    assert len(ids) == len(spans) > 50
    assert [span.parent.span_id in ids for span in spans if span.parent] == [True] * (
        len(spans) - 1
    )
    assert len({span.context.trace_id for span in spans}) == 1
    assert all(span.resource.attributes["service.name"] for span in spans)
    assert trace._session.spans[0] is spans[0]  # made once


@pytest.mark.parametrize("level", ["passes", "nodes"])
def test_the_users_spans_nest_in_ours(level):
    """A span that the model's own code makes is a child of the stage it is made in."""
    users = TracerProvider().get_tracer("users")
    made = []

    class Model(torch.nn.Linear):
        def forward(self, x):
            with users.start_as_current_span("mine") as span:
                otel.get_current_span().set_attribute("mine", 1)
                made.append(span)
            return super().forward(x)

    with onnxspan.trace(level) as trace:
        export(Model(2, 2))
    tracing = next(span for span in trace.spans if span.name == "_trace_and_get_graph_from_model")
    inner = [span.parent.span_id for span in made]
    assert f"{inner[-1]:016x}" == tracing.span_id


def test_what_others_put_on_it_stays():
    """Attributes, events and exceptions from elsewhere are kept beside ours."""

    class Model(torch.nn.Linear):
        def forward(self, x):
            span = otel.get_current_span()
            span.set_attribute("mine", 1)
            span.add_event("seen", {"at": "forward"})
            span.record_exception(ValueError("kept"))
            return super().forward(x)

    with onnxspan.trace() as trace:
        export(Model(2, 2))
    assert trace.errors == []
    [span] = [span for span in trace.spans if "mine" in span.attributes]
    assert span.name == "_trace_and_get_graph_from_model"
    assert "torch.onnx.graph.node.count" in span.attributes
    read = [span for span in trace._session.spans if "mine" in span.attributes]
    assert [event.name for event in read[0].events][:2] == ["seen", "exception"]
    assert read[0].events[1].attributes["exception.message"] == "kept"


def test_it_joins_a_trace_from_outside():
    """Below a current span of somebody else's tracer the root has its trace, flags and state."""
    tracer = TracerProvider().get_tracer("users")
    with tracer.start_as_current_span("outer") as outer, onnxspan.trace() as trace:
        export()
    root = trace._session.spans[-1]
    assert root.context.trace_id == outer.get_span_context().trace_id
    assert root.parent == outer.get_span_context()


def test_an_ended_span_takes_no_second_end():
    """The first end counts, as in the SDK; until then it is recording."""
    span = LIGHT_TRACER.start_span("one", None, start_time=1)
    assert isinstance(span, LightSpan)
    assert span.is_recording()
    span.end(5)
    span.end(9)
    assert not span.is_recording()
    assert span.readable().end_time == 5
    assert span.readable().parent is None


def test_a_root_shows_its_lists_last():
    """Model, sizes and versions stand before `code.*` and before lists, in a backend's table."""
    with onnxspan.trace() as trace:
        export()
    attributes = trace.exports[0].attributes
    ranks = [
        2 if isinstance(value, list | tuple) else int(name.startswith("code."))
        for name, value in attributes.items()
    ]
    assert ranks == sorted(ranks)
    assert {0, 1, 2} == set(ranks)
