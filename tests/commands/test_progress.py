"""The stage that runs now: on a terminal only, erased, and never in the script's way."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

import onnxspan
import torch_facts
from onnxspan.commands.progress import PATIENCE, Progress

SOURCE = str(Path(__file__).parents[2] / "src")
SCRIPT = torch_facts.spoken("""
import io, sys, time
import torch
from torch import nn

class Slow(nn.Module):
    def forward(self, x):
        print("forward", file=sys.stderr)
        time.sleep(%f)
        return x + 1

torch.onnx.export(Slow(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
print("done", file=sys.stderr)
""")


def on_a_terminal(arguments, folder):
    """What the command writes to a terminal as its stderr, and its stdout."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # our own interpreter
        [sys.executable, "-W", "ignore", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == 0, seen
    return seen.decode().replace("\r\n", "\n"), out


DRAWN = re.compile(r"\x1b7\x1b\[\?7l\x1b\[K([^\x1b\n]*)\x1b\[\?7h\x1b8")


def test_on_a_terminal(tmp_path):
    """Stages are drawn after a while, each without moving the cursor, and erased at the end.

    Without what was drawn and erased, the terminal holds the script's own output alone.
    """
    (tmp_path / "script.py").write_text(SCRIPT % (PATIENCE + 0.1), encoding="utf-8")
    seen, out = on_a_terminal(["-m", "onnxspan", "run", "--quiet", "script.py"], tmp_path)
    drawn = DRAWN.findall(seen)
    assert any("_optimize_graph" in line for line in drawn)
    assert all(re.match(r" +\d+\.\d s  \w", line) for line in drawn)
    before, _, after = DRAWN.sub("<drawn>", seen).rpartition("<drawn>")
    assert after.startswith("\x1b[K")  # erased before the script goes on
    rest = DRAWN.sub("", seen).replace("\x1b[K", "")
    assert rest == "forward\ndone\n"
    assert "done" not in before
    assert out == b""


class Broken:
    """A terminal that is gone."""

    def write(self, text):
        raise OSError(5, "Input/output error")

    def flush(self):
        """Never reached."""


class Named:
    runs_model = calls_python = False

    def __init__(self, name, parent=None):
        self.name = name
        self.probe, self.parent, self.export = self, parent, self
        self.root = self if parent is None else parent.root


def test_a_terminal_that_is_gone(monkeypatch):
    """When the terminal cannot be written to any more, nothing is raised."""
    monkeypatch.setattr("onnxspan.commands.progress.PATIENCE", 0.0)
    progress = Progress(Broken())
    root = Named("torch.onnx.export")
    progress.entered(root)
    progress.entered(Named("_model_to_graph", root))
    progress.left(root, None)
    progress.finished(root)


def drawn_in(monkeypatch, model, **options):
    """The lines that are drawn in an export, when each is drawn at once."""
    monkeypatch.setattr("onnxspan.commands.progress.PATIENCE", 0.0)
    monkeypatch.setattr("onnxspan.commands.progress.EVERY", 0.0)
    stream = io.StringIO()
    with warnings.catch_warnings(), onnxspan.trace() as trace:
        warnings.simplefilter("ignore")
        trace._session.listeners.append(Progress(stream))
        torch.onnx.export(model, (torch.zeros(2),), io.BytesIO(), **options)
    assert trace.errors == []
    return DRAWN.findall(stream.getvalue())


MODEL = torch.nn.Sequential(*(torch.nn.ReLU() for _ in range(9)))


@pytest.mark.parametrize("options", torch_facts.EITHER)
def test_how_far_the_conversion_is(monkeypatch, options):
    """While nodes are converted the line says which of how many, and how long it will take."""
    # Another test may have left a function of its own in torch's registry.
    monkeypatch.setattr("onnxspan.commands.progress.has_user_functions", lambda _call: False)
    nodes = [line for line in drawn_in(monkeypatch, MODEL, **options) if "  node " in line]
    assert len(nodes) == 9
    assert re.search(r"> \S+  node 1 of 9, about \d+ s left$", nodes[0])
    assert nodes[-1].endswith("node 9 of 9, about 0 s left")


def test_nothing_is_drawn_where_the_users_functions_convert(monkeypatch):
    """A function that the user registered may print: no line is drawn around it."""

    def relu(g, x):
        return g.op("Relu", x)

    torch.onnx.register_custom_op_symbolic("aten::relu", relu, 17)
    try:
        drawn = drawn_in(monkeypatch, MODEL, **torch_facts.TORCHSCRIPT)
    finally:
        torch.onnx.unregister_custom_op_symbolic("aten::relu", 17)
    assert drawn
    assert not [line for line in drawn if "  node " in line]


class Printing(torch.nn.Module):
    def forward(self, x):
        NOTED.append(STREAM.getvalue())
        return x + 1


NOTED, STREAM = [], io.StringIO()


@pytest.mark.parametrize("options", torch_facts.EITHER)
def test_nothing_is_drawn_while_the_model_runs(monkeypatch, options):
    """Whenever `forward` runs inside the export, what was drawn is erased."""
    monkeypatch.setattr("onnxspan.commands.progress.PATIENCE", 0.0)
    NOTED.clear()
    with warnings.catch_warnings(), onnxspan.trace() as trace:
        warnings.simplefilter("ignore")
        trace._session.listeners.append(Progress(STREAM))
        torch.onnx.export(Printing(), (torch.zeros(2),), io.BytesIO(), **options)
    assert NOTED
    for seen in NOTED:
        assert DRAWN.sub("<drawn>", seen).rpartition("<drawn>")[2].startswith("\x1b[K") or not seen
