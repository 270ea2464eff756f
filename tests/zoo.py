"""One small model for each way through the TorchScript exporter, by name."""

from __future__ import annotations

import io
import warnings
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

import models
import torch_facts


class Case(NamedTuple):
    """A model in eval mode, its example inputs, and the options of its export."""

    model: Any
    args: Any
    options: dict[str, Any]


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 4, 2, bidirectional=True)

    def forward(self, x):
        return self.lstm(x)[0]


class Halve(nn.Module):
    def forward(self, x):
        return torch.relu(x) / 2


class Controlled(nn.Module):
    """If, Loop, and a nested If, in script."""

    def __init__(self):
        super().__init__()
        self.halve = Halve()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        y = self.linear(x)
        if bool(x.sum() > 0):
            y = self.halve(y)
        else:
            y = y - 1
        for i in range(int(x.size(0))):
            if i > 1:
                y = y + i
            y = y * 2
        return y, torch.zeros(2, 2) + 1


class Quantized(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = torch.ao.quantization.QuantStub()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU()
        self.dequant = torch.ao.quantization.DeQuantStub()

    def forward(self, x):
        return self.dequant(self.relu(self.convolution(self.quant(x))))


class Keywords(nn.Module):
    """Optional inputs, and a dictionary with a tuple and a list as output."""

    def forward(self, x, y=None, scale=2.0):
        x = x if y is None else x + y
        return {"out": x * scale, "two": (x, [x + 1])}


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.embedding(tokens))


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0) * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient

    @staticmethod
    def symbolic(g, x):
        return g.op("Mul", g.op("Relu", x), g.op("Constant", value_t=torch.tensor(2.0)))


class CustomAutograd(nn.Module):
    def forward(self, x):
        return Double.apply(x) + 1


class Unsupported(nn.Module):
    """erfcx has no symbolic function."""

    def forward(self, x):
        return torch.special.erfcx(x) + 1


class Folding(nn.Module):
    """Work for the passes that seldom have any: prints, chunks, tuples, addmm, slices, ranges."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(10, 4))
        self.other = nn.Parameter(torch.ones(10, 4))

    def forward(self, x):
        a, b = torch.chunk(x, 2, dim=1)
        product = torch.mm(x, self.weight[::2, :].t()) + torch.ones(5)
        z = torch.zeros_like(x)
        z[:, 1] = 3
        z.add_(1)
        pair = (a // 2, b.to(torch.float64))
        return pair, product, z, torch.cat([a, b]), (self.other.t() + 0).sum().item() + a


@torch.jit.script
def _helper(x, flag: bool):
    return torch.nn.functional.linear(x, torch.ones(4, 4)), [x, x + 1], flag


class ScriptedExtras(nn.Module):
    """Prints, function calls, forks, tuples and lists, as only script has them."""

    def halved(self, x):
        return torch.div(x, 2), x

    def forward(self, x):
        print("seen", x.size(0))  # what remove_print removes
        pair = self.halved(x)
        y, many, _ = _helper(pair[0], True)
        future = torch.jit.fork(_helper, x, False)
        a, b = torch.chunk(x, 2, dim=1)
        forked = torch.jit.wait(future)
        assert y.size(0) > 0
        return torch.cat([y, many[1]]), forked[0], torch.cat([a, b], 1)


def _scripted():
    return torch.jit.script(Controlled().eval())


def _quantized():
    model = Quantized().eval()
    model.qconfig = torch.ao.quantization.get_default_qconfig("fbgemm")
    prepared = torch.ao.quantization.prepare(model)
    prepared(torch.ones(1, 3, 8, 8))
    return torch.ao.quantization.convert(prepared)


def _of(model, *args, **options):
    return Case(model.eval(), args, options)


_CASES = {
    "convolutional": lambda: _of(models.Convolutional(), torch.zeros(1, 3, 16, 16)),
    "recurrent": lambda: _of(Recurrent(), torch.zeros(3, 1, 4)),
    "transformer": lambda: Case(*models.transformer(), {}),
    "scripted": lambda: Case(_scripted(), (torch.ones(2, 4),), {}),
    "scripted extras": lambda: Case(
        torch.jit.script(ScriptedExtras().eval()), (torch.ones(2, 4),), {}
    ),
    "quantized": lambda: Case(_quantized(), (torch.zeros(1, 3, 8, 8),), {}),
    "dictionary": lambda: _of(Keywords(), torch.zeros(2), {"y": torch.zeros(2), "unknown": 1}),
    "keywords": lambda: _of(Keywords(), torch.zeros(2), kwargs={"y": torch.zeros(2)}),
    "tied weights": lambda: _of(Tied(), torch.zeros(1, 3, dtype=torch.long)),
    "custom autograd": lambda: _of(CustomAutograd(), torch.zeros(2, 2)),
    "own symbolic": lambda: _of(CustomAutograd(), torch.zeros(2, 2), autograd_inlining=False),
    "fallback": lambda: _of(
        Unsupported(),
        torch.zeros(2, 2),
        operator_export_type=torch.onnx.OperatorExportTypes.ONNX_ATEN_FALLBACK,
    ),
    "dynamic axes": lambda: _of(
        models.Convolutional(),
        torch.zeros(1, 3, 16, 16),
        input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
    ),
    "training": lambda: _of(
        nn.Sequential(nn.Linear(4, 4), nn.Dropout()),
        torch.zeros(1, 4),
        training=torch.onnx.TrainingMode.TRAINING,
        do_constant_folding=False,
    ),
    "folding": lambda: _of(Folding(), torch.ones(2, 4)),
    "old opset": lambda: Case(*models.transformer(), {"opset_version": 9}),
}
NAMES = tuple(_CASES)

_made: dict[str, Case] = {}
_FORGETS = {"scripted", "scripted extras"}
"""torch gives a scripted class's second export in a process other names: the scopes are gone."""


def case(name):
    """The case of that name, built once; of a scripted model, one that was exported before."""
    if name not in _made:
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            made = _CASES[name]()
            unknown = torch_facts.unknown(made.options)
            if unknown:
                pytest.skip(unknown)
            _made[name] = made
            if name in _FORGETS:
                torch.onnx.export(made.model, made.args, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    return _made[name]


def export(name, **options):
    """Export a case by the TorchScript exporter; the bytes of the file."""
    model, args, own = case(name)
    file = io.BytesIO()
    torch.onnx.export(model, args, file, **torch_facts.TORCHSCRIPT, **{**own, **options})
    return file.getvalue()
