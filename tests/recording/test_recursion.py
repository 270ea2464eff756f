"""An export goes as deep traced as untraced."""

import contextlib
import importlib
import inspect
import io
import sys
import warnings

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from onnxspan.recording import recursion


def exported(wrap=contextlib.nullcontext, room=None, model=None):
    """Export with so many frames left; the recording, or None where they were too few."""
    limit = sys.getrecursionlimit()
    try:
        with warnings.catch_warnings(), wrap() as trace:
            warnings.simplefilter("ignore")
            if room is not None:
                sys.setrecursionlimit(len(inspect.stack(0)) + room)
            torch.onnx.export(
                model or nn.ReLU(), (torch.ones(2),), io.BytesIO(), **torch_facts.TORCHSCRIPT
            )
    except RecursionError:
        return None
    finally:
        sys.setrecursionlimit(limit)
    return trace or True


def fewest():
    """With how few frames an untraced export works."""
    low, high = 10, 500
    while high - low > 1:
        middle = (low + high) // 2
        if exported(room=middle) is None:
            low = middle
        else:
            high = middle
    return high


@pytest.mark.parametrize("level", ["stages", "passes", "nodes"])
def test_as_few_frames_are_enough(level):
    """Where the fewest frames are left with which an export works, it works traced, and whole."""
    for wrap in (contextlib.nullcontext, lambda: onnxspan.trace(level)):
        assert exported(wrap) is not None  # what is imported and made once
    room = fewest()
    assert exported(room=room - 1) is None
    trace = exported(lambda: onnxspan.trace(level), room)
    assert trace is not None
    assert trace.errors == []
    assert len(trace.result.exports) == 1


BRANCHES = 40


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """A scripted model of branches inside each other, deeper than ONNX files can be read."""
    folder = tmp_path_factory.mktemp("nested")
    parts = ["import torch\n", "def f0(x, n):\n  # type: (torch.Tensor, torch.Tensor) -> torch.Tensor\n  return x + 1\n"]  # fmt: skip
    parts += [
        f"def f{i}(x, n):\n  # type: (torch.Tensor, torch.Tensor) -> torch.Tensor\n"
        f"  if n.sum() > {i}:\n    x = f{i - 1}(x, n)\n  return x\n"
        for i in range(1, BRANCHES)
    ]
    parts += [f"class Net(torch.nn.Module):\n  def forward(self, x, n):\n    return f{BRANCHES - 1}(x, n)\n"]  # fmt: skip
    (folder / "nested_branches.py").write_text("".join(parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        net = importlib.import_module("nested_branches").Net
    return torch.jit.script(net())


@pytest.mark.parametrize("level", ["passes", "nodes"])
@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_nested_branches_end_as_untraced(level, nested, monkeypatch):
    """The exception of a model that nests too deeply is torch's own, and the screen names its stage."""
    monkeypatch.setattr(recursion, "ROOM", 30)  # so that few branches are many

    def end(wrap):
        with warnings.catch_warnings(), wrap() as trace:
            warnings.simplefilter("ignore")
            with pytest.raises(Exception) as raised:  # whatever torch raises
                torch.onnx.export(
                    nested,
                    (torch.ones(2), torch.tensor(3)),
                    io.BytesIO(),
                    **torch_facts.TORCHSCRIPT,
                )
        return trace, type(raised.value), str(raised.value)

    _, kind, text = end(contextlib.nullcontext)
    trace, *traced = end(lambda: onnxspan.trace(level))
    assert traced == [kind, text]
    assert not issubclass(kind, RecursionError)
    assert trace.errors == []
    assert trace.failure.headline.startswith("The export failed in ")


class Looks(nn.Module):
    """Keeps the limit that it sees, and may set another."""

    def __init__(self, sets=None):
        super().__init__()
        self.sets, self.seen = sets, []

    def forward(self, x):
        self.seen.append(sys.getrecursionlimit())
        if self.sets is not None:
            sys.setrecursionlimit(self.sets)
        return x + 1


def test_the_limit_is_put_back():
    """The limit is higher inside an export alone; one that the model sets stays."""
    limit = sys.getrecursionlimit()
    model = Looks()
    with onnxspan.trace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.ones(2),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
        assert sys.getrecursionlimit() == limit
        assert model.seen[0] == limit + recursion.ROOM
        own = Looks(limit + 7)
        try:
            torch.onnx.export(own, (torch.ones(2),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
            assert sys.getrecursionlimit() == limit + 7
        finally:
            sys.setrecursionlimit(limit)
