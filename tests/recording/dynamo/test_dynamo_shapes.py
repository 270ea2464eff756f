"""A dynamic shape that is lost shows where: in the span, and in the tree."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.export import Dim

import onnxspan
import torch_facts
from dynamo_models import by_name, export
from onnxspan import conventions as c
from onnxspan.recording.graphs import dynamo
from onnxspan.recording.probes.dynamo.shapes import named_dimensions
from onnxspan.recording.probes.dynamo.sizes import ask_dynamic, note_program

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


class Reshapes(nn.Module):
    """Its output has always two rows, which only the optimizer finds out."""

    def forward(self, x):
        return x.reshape(2, 4)


class Fixes(nn.Module):
    """Goes through the rows in Python: the capture makes their number a constant."""

    def forward(self, x):
        return sum(x[row] for row in range(x.shape[0]))


def losing(trace):
    """The spans in which a dimension was lost."""
    return {
        span.name: span.get(c.DYNAMIC_LOST) for span in trace.spans if span.get(c.DYNAMIC_LOST)
    }


@pytest.mark.parametrize(
    ("level", "name"), [("stages", "ONNXProgram.optimize"), ("passes", "FoldConstantsPass")]
)
def test_a_dimension_lost_in_a_pass(example, level, name, capsys):
    """The innermost span says which output lost which symbol, and its count falls."""
    with onnxspan.trace(level) as trace:
        export(Reshapes(), example, dynamic_shapes={"x": {0: Dim.AUTO}})
    (_capture, (found, [lost])) = losing(trace).items()
    assert found == name
    assert re.fullmatch(r"output 0:0 was s\d+", lost)
    [translated] = by_name(trace, "_exported_program_to_onnx_program")
    [optimized] = by_name(trace, "ONNXProgram.optimize")
    assert (translated.get(c.DYNAMIC_INPUTS), translated.get(c.DYNAMIC_OUTPUTS)) == (1, 1)
    assert (optimized.get(c.DYNAMIC_INPUTS), optimized.get(c.DYNAMIC_OUTPUTS)) == (1, 0)
    trace.show()
    assert f"dynamic dimensions lost here: {lost}" in capsys.readouterr().err
    assert trace.errors == []


def test_a_dimension_that_the_capture_fixed(example):
    """A symbol that torch keeps, though one number alone fits, is said where it is captured."""
    with onnxspan.trace() as trace:
        export(Fixes(), example, dynamic_shapes={"x": {0: Dim.AUTO, 1: Dim.STATIC}})
    [(found, [lost])] = losing(trace).items()
    assert found == "_export_for_training"
    assert re.fullmatch(r"s\d+ can only be 2 \(input 0:0\)", lost)
    assert trace.result.roots[0].get(c.DYNAMIC_SHAPES) == ["x:0"]


def test_a_dimension_that_was_asked_for_and_is_a_number():
    """A capture with fewer symbolic dimensions than asked for says so, once."""
    export = SimpleNamespace(notes={}, outermost=SimpleNamespace(attributes={}))
    call = SimpleNamespace(attributes={}, export=export)
    ask_dynamic(call, ["x:0=rows", "x:1"])
    program = torch.export.export(
        nn.ReLU(), (torch.zeros(2, 4),), dynamic_shapes={"input": {0: Dim("rows")}}
    )
    note_program(SimpleNamespace(attributes=call.attributes, export=export, scratch=None), program)
    assert call.attributes[c.DYNAMIC_LOST] == ["1 of 2 asked for (x:0=rows, x:1)"]
    again = SimpleNamespace(attributes={}, export=export, scratch=None)
    note_program(again, program)
    assert c.DYNAMIC_LOST not in again.attributes


def test_nothing_is_lost_that_was_kept(example):
    """A batch that stays dynamic, a symbolic integer and a shared output are no loss."""

    class Kept(nn.Module):
        def forward(self, x, rows):
            return x[:rows] * 2, x, x

    with onnxspan.trace() as trace:
        shapes = {"x": {0: Dim.DYNAMIC}, "rows": Dim.DYNAMIC}
        export(Kept(), (*example, 2), dynamic_shapes=shapes, verify=True)
    assert losing(trace) == {}
    [program] = by_name(trace, "torch.export.export")
    assert (program.get(c.DYNAMIC_INPUTS), program.get(c.DYNAMIC_OUTPUTS)) == (1, 3)
    assert trace.errors == []


def test_names_of_what_was_asked():
    """Names, `Dim`s and hints are listed by their place; numbers and static ones are not."""
    shapes = {
        "x": {0: Dim.AUTO, 1: Dim.STATIC, 2: "rows", 3: Dim("width"), 4: None, 5: 7},
        "y": (None, Dim.DYNAMIC),
        "z": None,
        "past": [{0: "batch"}],
    }
    assert named_dimensions(shapes) == [
        "x:0", "x:2=rows", "x:3=width", "y:1", "past:0:0=batch",
    ]  # fmt: skip
    assert named_dimensions(None) == []


def test_loss_of_unlike_shapes_is_counted():
    """Where tensors came or went, only the number of lost dimensions can be said."""
    assert dynamo.lost("output", [["s0", None], ["s1"]], [["s0", None]]) == ["1 of the outputs"]
    assert dynamo.lost("output", [["s0"]], [["s0"], [None]]) == []


class Branches(nn.Module):
    """Python compares the number of rows with a number, which is true for the example."""

    def forward(self, x):
        if x.shape[0] == 4:
            return x + 1
        return x


class Adds(nn.Module):
    """Adds a table of four rows to pairs of rows."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(4, 8))

    def forward(self, x):
        rows = x.shape[0]
        pairs = x.reshape(rows // 2, 2, 8)
        return pairs.flatten(0, 1) + self.table


class Compares(nn.Module):
    """Takes another way for few rows."""

    def forward(self, x):
        if x.shape[0] > 3:
            return x + 1
        return x


@pytest.mark.parametrize(
    ("model", "condition", "line"),
    [
        (Branches, r"s\d+ = 4", "if x.shape[0] == 4:"),
        (Adds, r"\(s\d+//2\) = 2", "return pairs.flatten(0, 1) + self.table"),
        (Compares, r"s\d+ >= 4", "if x.shape[0] > 3:"),
    ],
)
def test_the_line_that_requires_a_size(model, condition, line, capsys):
    """A capture that cannot keep a dimension dynamic says which line of the model forbids it."""
    example = torch.zeros(4, 8)
    with onnxspan.trace() as trace:
        export(model(), (example,), dynamic_shapes={"x": {0: Dim("rows", max=64)}})
    (found,) = trace.exports[0].get(c.DYNAMIC_REQUIRED)
    text, _, place = found.rstrip(")").rpartition(" (")
    assert re.fullmatch(condition, text)
    file, _, number = place.rpartition(":")
    assert Path(file).read_text(encoding="utf-8").splitlines()[int(number) - 1].strip() == line
    trace.show()
    assert f"the model requires of a dynamic dimension: {text}" in capsys.readouterr().err
    assert trace.errors == []


def test_no_condition_where_every_size_fits(example):
    """A model that allows every size is not said to require one."""
    with onnxspan.trace() as trace:
        export(nn.ReLU(), example, dynamic_shapes={"input": {0: Dim("rows")}})
    assert not any(span.get(c.DYNAMIC_REQUIRED) for span in trace.spans)
