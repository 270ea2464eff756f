"""A model exports to the same bytes with and without tracing."""

from __future__ import annotations

import io
import os

import onnx
import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
import zoo
from conftest import quiet

LEVELS = ("stages", "passes", "nodes")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", zoo.NAMES)
def test_the_bytes_are_the_same(name, level, untraced, traced):
    """Each way through the exporter gives the same file at each level, and no error of ours."""
    data, trace = traced(name, level)
    assert data == untraced(name)
    assert trace.errors == []
    assert len(trace.result.exports) == 1


def _in_a_fork(function):
    """What `function()` returns in a child process: torch exports modules as functions once."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with quiet():
                data = function()
            with os.fdopen(writer, "wb") as stream:
                stream.write(data)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    assert os.waitpid(child, 0)[1] == 0
    return data


def _as_functions():
    torch.manual_seed(0)
    file = io.BytesIO()
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    arguments = (torch.zeros(2, 2),)
    torch.onnx.export(
        model,
        arguments,
        file,
        export_modules_as_functions=True,
        opset_version=15,
        **torch_facts.TORCHSCRIPT,
    )
    return file.getvalue()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="torch can do it once a process")
@pytest.mark.skipif(
    bool(torch_facts.unknown(["export_modules_as_functions"])),
    reason=torch_facts.unknown(["export_modules_as_functions"]),
)
def test_modules_as_functions_are_the_same():
    """`export_modules_as_functions` gives the same file when it is traced."""

    def recorded():
        with onnxspan.trace("nodes") as trace:
            data = _as_functions()
        assert trace.errors == []
        return data

    plain = _in_a_fork(_as_functions)
    assert onnx.load_from_string(plain).functions
    assert _in_a_fork(recorded) == plain


def test_verbose_differs_by_our_frames_alone():
    """With `verbose=True` torch writes the Python frames of the export call, ours among them.

    They are the only difference: torch reads the interpreter's stack while the model is traced.
    """
    model, args, _ = zoo.case("convolutional")

    def verbose():
        file = io.BytesIO()
        torch.onnx.export(model, args, file, **torch_facts.TORCHSCRIPT, verbose=True)
        return onnx.load_from_string(file.getvalue())

    with quiet():
        exported = [verbose()]
        with onnxspan.trace():
            exported.append(verbose())
    lines = [[node.doc_string.splitlines() for node in one.graph.node] for one in exported]
    # The test's own frames differ by the two lines that call `verbose`.
    ours = [[line for line in node if not line.startswith("<onnxspan")] for node in lines[1]]
    own = f"{__file__}("
    assert any(len(left) < len(right) for left, right in zip(ours, lines[1], strict=True))
    for left, right in zip(lines[0], ours, strict=True):
        assert [line.split("(")[0] if own in line else line for line in left] == [
            line.split("(")[0] if own in line else line for line in right
        ]
    for one in exported:
        for node in one.graph.node:
            node.ClearField("doc_string")
    assert exported[0].SerializeToString() == exported[1].SerializeToString()
