"""What a failed C++ pass says of the graph it was given."""

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


class Narrow(torch.autograd.Function):
    """A Function that reads a constant tensor, which `_jit_pass_peephole` does not survive."""

    @staticmethod
    def symbolic(g, x, start, amount):
        return g.op("Slice", x, start, amount)

    @staticmethod
    def forward(ctx, x, start, amount):
        return x[:, int(start) : int(start) + int(amount)] * 1


class Window(nn.Module):
    def __init__(self):
        super().__init__()
        self.amount = torch.tensor(3)  # no buffer

    def forward(self, x, start):
        return Narrow.apply(x, start, self.amount)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.window = Window()

    def forward(self, x, start):
        return self.window(x, start)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_a_failed_pass_names_the_autograd_functions_of_its_graph(tmp_path, capsys):
    """A message such as `Argument passed to at() was not in the map` names no node of the graph."""
    with onnxspan.trace() as trace, pytest.raises(IndexError):
        torch.onnx.export(
            Net(), (torch.randn(2, 8), torch.tensor(2)), tmp_path / "model.onnx", dynamo=False
        )
    assert trace.failure.span.get(c.AUTOGRAD_FUNCTIONS) == ["Narrow in window (Window)"]
    assert any("Narrow in window (Window)" in hint for hint in trace.failure.hints)
    assert trace.errors == []
    capsys.readouterr()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_failed_pass_of_a_graph_without_functions_says_none(tmp_path, monkeypatch):
    """A pass that fails on a graph of plain operators names no autograd Function."""

    def fails(graph, *_rest):
        raise RuntimeError("planted")

    monkeypatch.setattr(torch._C, "_jit_pass_peephole", fails)
    with onnxspan.trace() as trace, pytest.raises(RuntimeError, match="planted"):
        torch.onnx.export(nn.ReLU(), (torch.zeros(2),), tmp_path / "model.onnx", dynamo=False)
    assert trace.failure.pass_name == "_jit_pass_peephole"
    assert trace.failure.span.get(c.AUTOGRAD_FUNCTIONS) is None
