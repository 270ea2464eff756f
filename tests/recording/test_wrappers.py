"""What stands in torch's place stays out of everybody's way."""

import ast
import functools
import io
import pathlib
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.recording.patching import resolve
from onnxspan.recording.probe import Exporter
from onnxspan.recording.probes import TABLES

RECORDING = pathlib.Path(onnxspan.__file__).parent / "recording"
SOURCES = sorted(RECORDING.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_code_is_executed_from_text(path):
    """No module of the recording half calls `exec` or `eval`: code that is text is read by no tool."""
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"exec", "eval"}


def exported(level, trace=None):
    trace = trace or onnxspan.trace(level)
    with trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            torch.nn.Linear(4, 4), (torch.ones(2, 3, 4),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    return trace


def sums(trace):
    (span,) = (span for span in trace.spans if span.name == "_jit_pass_onnx")
    return {
        key: span.get(key) for key in span.attributes if key.endswith((".operators", ".calls"))
    }


PER_NODE = [row for row in TABLES[Exporter.TORCHSCRIPT] if row.per_node is not None]


@pytest.mark.parametrize("level", ["passes", "nodes"])
@pytest.mark.parametrize("row", PER_NODE, ids=lambda row: row.name)
def test_a_patch_left_on_per_node_work_doubles_nothing(row, level):
    """Somebody patches our wrapper and keeps the patch: the next export counts each node once."""
    found = resolve(row)
    if not found:
        pytest.skip(f"this torch has no {row.name}")
    (target,) = found
    expected = exported(level)
    original = getattr(target.holder, target.attribute)
    trace = onnxspan.trace(level)

    @trace.on_enter("_jit_pass_onnx")
    def patch(_moment):
        ours = getattr(target.holder, target.attribute)

        @functools.wraps(ours)
        def theirs(*args, **kwargs):
            return ours(*args, **kwargs)

        setattr(target.holder, target.attribute, theirs)

    try:
        exported(level, trace)
        again = exported(level)
        assert again.errors == []
        assert sums(again) == sums(expected)
        assert [s.name for s in again.spans if s.get(c.LEVEL) == "nodes"] == [
            s.name for s in expected.spans if s.get(c.LEVEL) == "nodes"
        ]
    finally:
        setattr(target.holder, target.attribute, original)
