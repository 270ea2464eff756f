"""Real models whose export fails, and how each is exported; the screens are in a text file."""

from __future__ import annotations

import torch
from torch import nn

from torch_facts import CUSTOM_OP, TORCHSCRIPT


class Airy(nn.Module):
    def forward(self, x):
        return torch.special.airy_ai(x) + 1


class WrongView(nn.Module):
    def forward(self, x):
        return x.view(7, 7)


class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x + 1
        return x - 1


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


class Box:
    def __init__(self, tensor):
        self.tensor = tensor


class Unboxes(nn.Module):
    def forward(self, box):
        return box.tensor + 1


class GridSample(nn.Module):
    def forward(self, x, grid):
        return torch.nn.functional.grid_sample(x, grid, align_corners=False)


class Inverse(nn.Module):
    def forward(self, x):
        return torch.linalg.inv(x)


class RaisingSymbolic(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def symbolic(g, x):
        raise KeyError("no such attribute")


class OwnFunction(nn.Module):
    def forward(self, x):
        return RaisingSymbolic.apply(x)


class Bessel(torch.autograd.Function):
    """Its forward has an operator that the exporter lacks, and it has no symbolic function."""

    @staticmethod
    def forward(ctx, x):
        return torch.special.i0e(x) * 2


class OwnBessel(nn.Module):
    def forward(self, x):
        return Bessel.apply(x)


class Hidden(nn.Module):
    """Keeps a module where torch does not look for one; its buffer is written to."""

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "net", nn.BatchNorm1d(4))

    def forward(self, x):
        return self.net(x).softmax(-1)


if CUSTOM_OP:

    @torch.library.custom_op("onnxspan_failing::twice", mutates_args=())
    def twice(x: torch.Tensor) -> torch.Tensor:
        """An operator that no exporter knows."""
        return x * 2


class OwnOperator(nn.Module):
    def forward(self, x):
        return torch.ops.onnxspan_failing.twice(x)


class WithoutData(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 4, device="meta")

    def forward(self, x):
        return self.head(x)


class ReturnsText(nn.Module):
    def forward(self, x):
        return x + 1, "and words"


class Loop(nn.Module):
    def forward(self, x):
        y = x[0]
        for row in range(int(x.shape[0])):
            y = y + torch.special.airy_ai(x[row])
        return y


class Block(nn.Module):
    """Its own name has a number, and its part's name says nothing of it."""

    def __init__(self):
        super().__init__()
        self.mix = Airy()

    def forward(self, x):
        return self.mix(x)


class Blocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def no_module(x):
    return x + 1


def _quantized():
    return torch.ao.quantization.quantize_dynamic(Inner(nn.Linear(4, 4)), {nn.Linear})


class Inner(nn.Module):
    """Puts the failing part two levels deep, so that a module path is worth reading."""

    def __init__(self, part):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 4), part)

    def forward(self, x):
        return self.encoder(x)


def _rows():
    return (torch.zeros(2, 4),)


def _grid():
    return torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 2, 2)


FAILING = {
    "unsupported operator, torchscript": lambda: (Inner(Airy()), _rows(), TORCHSCRIPT),
    "unsupported operator in a list, torchscript": lambda: (Blocks(), _rows(), TORCHSCRIPT),
    "unsupported operator in a list, dynamo": lambda: (Blocks(), _rows(), {"dynamo": True}),
    "unsupported operator, dynamo": lambda: (Inner(Airy()), _rows(), {"dynamo": True}),
    "operator of a later opset, torchscript": lambda: (
        GridSample(), _grid(), {**TORCHSCRIPT, "opset_version": 15},
    ),
    "wrong shape in the model, torchscript": lambda: (
        Inner(WrongView()), _rows(), TORCHSCRIPT,
    ),
    "wrong shape in the model, dynamo": lambda: (Inner(WrongView()), _rows(), {"dynamo": True}),
    "DataParallel, torchscript": lambda: (
        nn.DataParallel(nn.Linear(4, 4)), _rows(), TORCHSCRIPT,
    ),
    "unflattenable input, torchscript": lambda: (
        Unboxes(), (Box(torch.zeros(2)),), TORCHSCRIPT,
    ),
    "unflattenable input, dynamo": lambda: (Unboxes(), (Box(torch.zeros(2)),), {"dynamo": True}),
    "data-dependent control flow, dynamo": lambda: (Inner(Branch()), _rows(), {"dynamo": True}),
    "unknown dynamic axis, dynamo": lambda: (
        nn.Linear(4, 4),
        _rows(),
        {"dynamo": True, "input_names": ["x"], "dynamic_axes": {"nope": {0: "batch"}}},
    ),
    "opset too new, torchscript": lambda: (
        nn.Linear(4, 4), _rows(), {**TORCHSCRIPT, "opset_version": 99},
    ),
    "missing input, torchscript": lambda: (TwoInputs(), _rows(), TORCHSCRIPT),
    "missing input, dynamo": lambda: (TwoInputs(), _rows(), {"dynamo": True}),
    "script module, dynamo": lambda: (
        torch.jit.script(nn.Linear(4, 4)), _rows(), {"dynamo": True},
    ),
    "pooling that does not divide, torchscript": lambda: (
        Inner(nn.AdaptiveAvgPool2d(3)), (torch.zeros(1, 3, 7, 4),), TORCHSCRIPT,
    ),
    "own symbolic function that raises, torchscript": lambda: (
        Inner(OwnFunction()), _rows(), TORCHSCRIPT,
    ),
    "own operator, torchscript": lambda: (Inner(OwnOperator()), _rows(), TORCHSCRIPT),
    "own operator without a fake, dynamo": lambda: (
        Inner(OwnOperator()), _rows(), {"dynamo": True},
    ),
    "unsupported operator in a script, torchscript": lambda: (
        torch.jit.script(Loop()), _rows(), TORCHSCRIPT,
    ),
    "weights without data, torchscript": lambda: (WithoutData(), _rows(), TORCHSCRIPT),
    "weights without data, dynamo": lambda: (WithoutData(), _rows(), {"dynamo": True}),
    "text returned, dynamo": lambda: (ReturnsText(), _rows(), {"dynamo": True}),
    "quantized, dynamo": lambda: (_quantized(), _rows(), {"dynamo": True}),
    "a function, torchscript": lambda: (no_module, _rows(), TORCHSCRIPT),
    "dynamic axis out of range, torchscript": lambda: (
        nn.Linear(4, 4),
        _rows(),
        {**TORCHSCRIPT, "input_names": ["x"], "dynamic_axes": {"x": {5: "batch"}}},
    ),
    "dynamic axis out of range, dynamo": lambda: (
        nn.Linear(4, 4),
        _rows(),
        {"dynamo": True, "input_names": ["x"], "dynamic_axes": {"x": {5: "batch"}}},
    ),
    "unknown name in dynamic shapes, dynamo": lambda: (
        nn.Linear(4, 4), _rows(), {"dynamo": True, "dynamic_shapes": {"nope": {0: "batch"}}},
    ),
    "misspelt keyword": lambda: (
        nn.Linear(4, 4), _rows(), {**TORCHSCRIPT, "dynamic_axis": {"x": {0: "batch"}}},
    ),
    "no such folder, dynamo": lambda: (
        nn.Linear(4, 4), _rows(), {"dynamo": True, "f": "no-such-folder/model.onnx"},
    ),
    "failure that torch goes on after, torchscript": lambda: (
        Inner(OwnBessel()), _rows(), TORCHSCRIPT,
    ),
    "constant that is written to, dynamo": lambda: (Hidden(), _rows(), {"dynamo": True}),
    "unsupported linear algebra, dynamo": lambda: (
        Inverse(), (torch.eye(3)[None],), {"dynamo": True},
    ),
}  # fmt: skip
"""Each case gives the model, its example inputs, and the keywords of the export."""


class Unsupported(nn.Module):
    """Has an operator that no exporter knows."""

    def forward(self, x):
        return torch.linalg.eigvals(x).real
