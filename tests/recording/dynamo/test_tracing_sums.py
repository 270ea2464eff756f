"""What is summed while a model is traced, decomposed and folded: by operator, and nothing twice."""

import gc
import io
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from onnxspan import conventions as c

pytestmark = torch_facts.needs_dynamo
GROUPS = (c.TRACED, c.TRANSLATION, c.FOLDED, c.PREPARED, c.RULES)
needs_pinned = pytest.mark.skipif(
    torch_facts.NUMBERS != torch_facts.PINNED, reason=torch_facts.SHOWS_PINNED
)


class Collecting(torch.nn.Module):
    """Leaves much for the collector, and calls it, between two operators."""

    def forward(self, x):
        y = torch.relu(x)
        for _ in range(200_000):
            one = []
            one.append(one)
        gc.collect()
        return torch.sigmoid(y)


class Branching(torch.nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda y: y.cos().sin(), lambda y: y - 1, (x,)) + 1


def traced(model, args, level="passes"):
    with onnxspan.trace(level, flight=False) as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, io.BytesIO(), dynamo=True, verbose=False)
    assert trace.errors == []
    return trace


def sums(span, group):
    """The summed work of a group: calls and seconds by operator."""
    operators, calls, durations, _ = (span.get(key, []) for key in group)
    return {
        name: (count, seconds)
        for name, count, seconds in zip(operators, calls, durations, strict=True)
    }


def test_operators_are_counted_as_they_are_traced():
    """The capture has each operator of `forward` as often as the model calls it."""
    model = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(3)], torch.nn.ReLU())
    trace = traced(model.eval(), (torch.ones(2, 4),))
    capture = next(span for span in trace.spans if span.name == "_MakefxTracer.trace")
    counted = {name: count for name, (count, _) in sums(capture, c.TRACED).items()}
    assert counted["aten.linear.default"] == 3
    assert counted["aten.relu.default"] == 1
    assert counted["placeholder"] == 1


def test_the_collectors_time_is_no_operators():
    """A collection between two operators is in neither's sum."""
    trace = traced(Collecting(), (torch.ones(2),))
    capture = next(span for span in trace.spans if span.name == "_MakefxTracer.trace")
    collected = capture.get(c.GC_TIME)
    assert collected > 0
    whole = sum(seconds for _, seconds in sums(capture, c.TRACED).values())
    assert 0 < whole <= capture.duration - collected


@pytest.mark.parametrize("level", ["passes", "nodes"])
@pytest.mark.parametrize("model", [Branching(), torch.nn.Linear(2, 2)], ids=["cond", "plain"])
def test_nothing_is_summed_twice(model, level):
    """Sums and spans inside a span take together no longer than the span."""
    if isinstance(model, Branching) and not torch_facts.OPTIMIZES:
        pytest.skip(torch_facts.NOT_OPTIMIZED)
    trace = traced(model.eval(), (torch.ones(2, 2),), level)
    summed = 0
    for span in trace.spans:
        if any(child.get(c.LEVEL) == "nodes" for child in span.children):
            continue  # the same work is spans
        inside = sum(seconds for group in GROUPS for _, seconds in sums(span, group).values())
        summed += inside > 0
        inside += sum(child.duration for child in span.children)
        assert inside <= span.duration * 1.0001 + 1e-6, span.name
    assert summed


@needs_pinned
def test_what_is_made_ready_and_folded_is_summed():
    """The steps that do not depend on the model, and constant folding by operator, have sums."""
    trace = traced(torch.nn.BatchNorm1d(3).eval(), (torch.ones(2, 3),))
    by_name = {span.name: span for span in trace.spans}
    ready = by_name["ONNXRegistry.from_torchlib"], by_name["_decompose_exported_program"]
    assert [list(sums(span, c.PREPARED)) for span in ready] == [
        ["registered functions"],
        ["overridden decompositions"],
    ]
    folded = sums(by_name["FoldConstantsPass"], c.FOLDED)
    assert folded["onnx::BatchNormalization"][0] >= 1
