"""Verification changes nothing: the file, the model, random states, warnings and output."""

import copy
import io
import random
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
import torch
from faulty import BOTH, DYNAMO, TORCHSCRIPT, deep, pinned, verified
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c

pytest.importorskip("onnxruntime")


def untraced(model, args, **options):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, file, **options)
    return file.getvalue()


@BOTH
@pytest.mark.parametrize("mode", ["passes", "stages"])
def test_same_bytes(options, mode):
    """The file is byte for byte that of an untraced export."""
    model, args = deep()
    file = io.BytesIO()
    verified(model, args, file=file, verify=mode, **options)
    assert file.getvalue() == untraced(model, args, **options)


@BOTH
def test_same_bytes_in_training_mode(options):
    """Batch norm's running statistics, which each run changes, are those of an untraced export."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    args = (torch.randn(2, 3, 8, 8),)
    if options is TORCHSCRIPT:  # earlier torch has no argument `dynamo`
        options = {**options, "training": torch.onnx.TrainingMode.TRAINING}
    other, file = copy.deepcopy(model), io.BytesIO()
    verified(model, args, file=file, **options)
    assert file.getvalue() == untraced(other, args, **options)
    assert torch.equal(model[1].running_mean, other[1].running_mean)
    assert torch.equal(model[1].running_var, other[1].running_var)


class Stateful(nn.Module):
    """Counts its runs in a buffer, an attribute and a list, draws, warns and prints."""

    def __init__(self):
        super().__init__()
        self.register_buffer("runs", torch.zeros(1))
        self.calls = 0
        self.log = []

    def forward(self, x):
        self.runs += 1
        self.calls += 1
        self.log.append(len(self.log))
        warnings.warn("forward runs", UserWarning, stacklevel=1)
        print("forward")
        return x * 2


def after_an_export(model, x, export, capsys):
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002  # the global state is what is tested
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        export(model, (x,))
    states = (torch.rand(1).item(), random.random(), np.random.rand())  # noqa: NPY002, S311  # as above
    told = [(one.category.__name__, str(one.message)) for one in caught]
    printed = capsys.readouterr()
    state = (model.runs.item(), model.calls, list(model.log))
    return states, told, (printed.out, printed.err), state, model.training


def test_the_process_is_as_untraced(capsys):
    """Random states, warnings, output, buffers and attributes are those of an untraced export."""

    def plain(model, args):
        torch.onnx.export(model, args, io.BytesIO(), **TORCHSCRIPT)

    def with_verification(model, args):
        with onnxspan.trace(verify=True) as trace:
            plain(model, args)
        assert trace.mismatch is None
        assert trace.errors == []

    # A module of its own for each: Python shows a warning of one place once.
    x = torch.ones(2, 2)
    expected = after_an_export(Stateful(), x, plain, capsys)
    sys.modules[__name__].__dict__.pop("__warningregistry__", None)
    assert after_an_export(Stateful(), x, with_verification, capsys) == expected


def test_two_answers_are_told_apart():
    """A model that draws by itself is reported as such, and no pass is blamed."""
    found = verified(
        nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)),
        (torch.randn(8, 4),),
        training=torch.onnx.TrainingMode.TRAINING,
        **TORCHSCRIPT,
    ).mismatch
    assert found.nondeterministic
    assert found.pass_name is None
    assert "two answers" in found.screen()


def test_off_costs_nothing():
    """Without `verify`, no module of verification and no onnxruntime is imported."""
    code = """
        import io, sys, warnings
        warnings.simplefilter("ignore")
        import torch, onnxspan
        with onnxspan.trace():
            torch.onnx.export(torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **OPTIONS)
        print([name for name in sys.modules if "onnxspan.recording.verify" in name or name == "onnxruntime"])
    """
    code = textwrap.dedent(code).replace("OPTIONS", repr(TORCHSCRIPT))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_onnxruntime(monkeypatch):
    """Without onnxruntime the half before ONNX is verified, and the trace says so."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    trace = verified(*deep(), **TORCHSCRIPT)
    root = trace.exports[0]
    assert trace.mismatch is None
    assert root.get(c.VERIFY_STEPS) > 2
    assert any("onnxruntime is not installed" in note for note in root.get(c.VERIFY_NOTES))


class Outputs(nn.Module):
    def forward(self, x):
        return {"mean": x.mean(), "empty": x[:0], "above": x > 0, "index": x.argmax(-1)}


class Optional(nn.Module):
    def forward(self, x):
        return x + 1, [x * 2, x.int()]


class Failing(nn.Module):
    def forward(self, x):
        if x.shape[0] != 2:
            raise ValueError("two rows only")
        return x * 2


class WritesIntoInput(nn.Module):
    def forward(self, x):
        x.add_(1)
        return x * 2


class Named(nn.Module):
    def forward(self, x, other=None):
        return x - other


class Looping(nn.Module):
    def forward(self, x):
        for number in range(int(x.shape[0])):
            x = x + number
        return x


CASES = {
    "outputs of several types": (Outputs(), (torch.randn(3, 4),), {}),
    "a list inside a tuple": (Optional(), (torch.randn(2),), {}),
    "half precision": (nn.Linear(4, 4).half(), (torch.randn(2, 4).half(),), {}),
    "bfloat16": (nn.Linear(4, 4).bfloat16(), (torch.randn(2, 4).bfloat16(),), {}),
    "double": (nn.Linear(4, 4).double(), (torch.randn(2, 4).double(),), {}),
    "an empty tensor": (nn.ReLU(), (torch.zeros(0, 3),), {}),
    "fails on other sizes": (
        Failing(),
        (torch.randn(2, 3),),
        {"input_names": ["x"], "dynamic_axes": {"x": {0: "n"}}},
    ),
    "a scripted loop": (torch.jit.script(Looping()), (torch.randn(3, 2),), {}),
    "a scripted branch": (
        torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.Dropout())).eval(),
        (torch.randn(3, 2),),
        {},
    ),
    "an input that is written into": (WritesIntoInput(), (torch.ones(2, 3),), {}),
    "keyword arguments": (
        Named(),
        (torch.randn(3, 2), {"other": torch.randn(3, 2)}),
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_right_models_agree(case):
    """Models of many kinds agree, or the trace says what could not be run; none is blamed."""
    model, args, options = CASES[case]
    trace = verified(model, args, **options, **TORCHSCRIPT)
    assert trace.mismatch is None, trace.mismatch.screen()
    root = trace.exports[0]
    assert root.get(c.VERIFY_STEPS, 0) > 0 or root.get(c.VERIFY_NOTES)


DYNAMO_CASES = [
    "outputs of several types",
    "a list inside a tuple",
    "half precision",
    "bfloat16",
    "double",
]


@torch_facts.needs_dynamo
@pinned
@pytest.mark.parametrize("case", DYNAMO_CASES)
def test_right_models_agree_by_dynamo(case):
    """The same for the dynamo exporter."""
    model, args, options = CASES[case]
    trace = verified(model, args, **options, **DYNAMO)
    assert trace.mismatch is None, trace.mismatch.screen()
    assert trace.exports[0].get(c.VERIFY_STEPS, 0) > 0


@torch_facts.needs_dynamo
@pinned
def test_dynamic_shapes_are_tried():
    """Declared dynamic dimensions of the dynamo exporter are run with other sizes."""
    batch = torch.export.Dim("batch", min=1, max=64)
    trace = verified(
        nn.Linear(4, 4).eval(), (torch.randn(3, 4),), dynamic_shapes=({0: batch},), **DYNAMO
    )
    assert trace.mismatch is None
    assert not trace.exports[0].get(c.VERIFY_NOTES) or not any(
        "other sizes" in note for note in trace.exports[0].get(c.VERIFY_NOTES)
    )


@torch_facts.needs_dynamo
@pinned
def test_a_program_given_by_the_user():
    """An ExportedProgram is verified against itself, eager."""
    program = torch.export.export(nn.Linear(4, 4).eval(), (torch.randn(3, 4),))
    trace = verified(program, (), **DYNAMO)
    assert trace.mismatch is None
    assert trace.exports[0].get(c.VERIFY_STEPS) > 0
