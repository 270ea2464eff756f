"""Models that are hard to verify: nothing is blamed wrongly, and what was not run is said."""

import io
import warnings

import pytest
import torch
from faulty import BOTH, DYNAMO, TORCHSCRIPT, Random, pinned, verified
from torch import nn

import torch_facts
from onnxspan import conventions as c

pytest.importorskip("onnxruntime")


class TakesNumbers(nn.Module):
    def forward(self, x, factor, times):
        return x * factor + times


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x * self.calls


class Sequences(nn.Module):
    def forward(self, x):
        return torch.split(x, 2)


class Conditional(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda y: y.sin(), lambda y: y.cos(), (x,))


@BOTH
def test_random_operators_are_told_apart(options):
    """A model with a random operator answers twice in two ways: that is said, and no pass is blamed."""
    trace = verified(Random(), (torch.zeros(2, 3),), **options)
    assert trace.mismatch.nondeterministic
    assert trace.mismatch.pass_name is None


@BOTH
def test_numbers_are_inputs_of_the_graph(options):
    """A number among the arguments, which the TorchScript exporter makes an input, is given too."""
    trace = verified(TakesNumbers(), (torch.randn(2, 3), 2.5, 3), **options)
    root = trace.exports[0]
    assert trace.mismatch is None, trace.mismatch.screen()
    assert root.get(c.VERIFY_STEPS) > 2
    assert not [note for note in root.get(c.VERIFY_NOTES, ()) if "could not be run" in note]


class CountsPlainly(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x * self.calls


@BOTH
@pytest.mark.parametrize("kind", [Counting, CountsPlainly])
def test_a_counter_is_left_as_it_is(options, kind):
    """A counter counts the exporter's runs alone; that the file counts otherwise is explained."""
    plain, model = nn.Sequential(kind()), nn.Sequential(kind())
    x = torch.ones(2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(plain, (x,), io.BytesIO(), **options)
    trace = verified(model, (x,), **options)
    assert model[0].calls == plain[0].calls
    if trace.mismatch is not None:
        assert trace.mismatch.state == ("0.calls",)
        assert "changes 0.calls" in trace.mismatch.screen()
    else:
        assert trace.exports[0].get(c.VERIFY_STEPS) > 0
    # The TorchScript exporter runs the model before it traces it.
    assert (trace.mismatch is not None) == (options is TORCHSCRIPT) or kind is CountsPlainly


@BOTH
def test_several_outputs_of_one_operator(options):
    """The parts of a split agree, each by itself."""
    trace = verified(Sequences(), (torch.randn(6, 3),), **options)
    assert trace.mismatch is None, trace.mismatch.screen()
    assert trace.exports[0].get(c.VERIFY_STEPS) > 0


@torch_facts.needs_dynamo
@pinned
def test_a_branch_that_the_file_keeps():
    """Both branches of torch.cond are in the file, and both agree."""
    trace = verified(Conditional(), (torch.randn(2, 3),), **DYNAMO)
    assert trace.mismatch is None, trace.mismatch.screen()
    assert trace.exports[0].get(c.VERIFY_STEPS) > 0


class Signed(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x * 2
        return x * 3


def test_a_branch_on_the_sign_of_a_placeholder():
    """An example of ones is run with negative values too: the branch that tracing fixed is found."""
    trace = verified(Signed(), (torch.ones(2, 3),), shown=True, **TORCHSCRIPT)
    assert trace.mismatch.inputs == "other values"
    assert trace.mismatch.text == "if x.sum() > 0:"


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(_context, x):
        return x * 2

    @staticmethod
    def symbolic(g, x):
        return g.op("own.domain::Twice", x)


class Own(nn.Module):
    def forward(self, x):
        return Twice.apply(x) + 1


def test_an_operator_that_onnxruntime_lacks():
    """The half before ONNX is run, and the span says why the rest was not; nothing is blamed."""
    trace = verified(Own(), (torch.randn(2, 3),), custom_opsets={"own.domain": 1}, **TORCHSCRIPT)
    root = trace.exports[0]
    assert trace.mismatch is None, trace.mismatch.screen()
    assert root.get(c.VERIFY_STEPS) > 0
    assert any("could not be run" in note for note in root.get(c.VERIFY_NOTES))
    said = [span.get(c.VERIFY_SKIPPED) for span in trace.spans if span.get(c.VERIFY_SKIPPED)]
    assert any("own.domain" in text or "Twice" in text for text in said), said


class Unknown(nn.Module):
    def forward(self, x):
        return torch.onnx.ops.symbolic(
            "own.domain::Twice", (x,), dtype=x.dtype, shape=x.shape, version=1
        )


@torch_facts.needs_dynamo
@pinned
def test_an_operator_that_onnxruntime_lacks_by_dynamo():
    """The same for an operator without a body by the dynamo exporter."""
    trace = verified(Unknown(), (torch.zeros(2, 3),), **DYNAMO)
    root = trace.exports[0]
    assert trace.mismatch is None, trace.mismatch.screen()
    assert any("could not be run" in note for note in root.get(c.VERIFY_NOTES))
