"""Inputs that were given or named and are no inputs of the exported model are said."""

import io
import warnings

import onnx
import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c

NAMES = ["x", "mask", "factor", "unused"]


class Partly(nn.Module):
    def forward(self, x, mask=None, factor=2.0, unused=None):
        return x * factor


class Nested(nn.Module):
    def forward(self, x, pair):
        return x + pair[0]


def exported(model, args, **options):
    """The root of an export and the names of the file's inputs."""
    file = io.BytesIO()
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, file, **options)
    assert trace.errors == []
    names = [value.name for value in onnx.load_from_string(file.getvalue()).graph.input]
    return trace, trace.result.exports[0], names


ARGS = (torch.ones(2, 3), torch.ones(2, 3), 3.0, torch.ones(1))


@pytest.mark.parametrize("options", [{"input_names": NAMES}, {}], ids=["named", "unnamed"])
def test_what_the_torchscript_exporter_drops(options, capsys):
    """An input that nothing uses is left out of the file: it is named, in the tree too."""
    trace, root, names = exported(Partly(), ARGS, **options, **torch_facts.TORCHSCRIPT)
    assert root.get(c.RESULT_INPUTS) == names
    assert root.get(c.INPUTS_MISSING) == ["mask", "unused"]
    trace.show()
    assert "inputs that are not in the model: mask, unused" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "args", "options"),
    [
        (nn.Linear(3, 2), (torch.ones(2, 3),), {}),
        (nn.Linear(3, 2), (torch.ones(2, 3),), {"input_names": ["given"]}),
        (Nested(), (torch.ones(2), (torch.ones(2), torch.ones(2))), {}),
    ],
    ids=["one", "named", "nested"],
)
def test_nothing_is_said_where_nothing_is_known_to_miss(model, args, options):
    """All inputs are there, or which one is missing cannot be known."""
    _, root, names = exported(model, args, **options, **torch_facts.TORCHSCRIPT)
    assert root.get(c.RESULT_INPUTS) == names
    assert root.get(c.INPUTS_MISSING) is None


@torch_facts.needs_dynamo
def test_names_that_have_moved():
    """The dynamo exporter gives names in order: with one input less they stand for others."""
    _, root, names = exported(Partly(), ARGS, input_names=NAMES, dynamo=True, verbose=False)
    assert root.get(c.RESULT_INPUTS) == names
    if len(names) < len(NAMES):  # the number became a constant
        (said,) = root.get(c.INPUTS_MISSING)
        assert said.startswith("unused (4 names for 3 inputs")


@torch_facts.needs_dynamo
def test_a_tensor_that_is_no_input_by_dynamo():
    """Without names every tensor that was given is an input, and nothing is said."""
    _, root, names = exported(Partly(), ARGS, dynamo=True, verbose=False)
    assert root.get(c.RESULT_INPUTS) == names
    assert root.get(c.INPUTS_MISSING) is None
