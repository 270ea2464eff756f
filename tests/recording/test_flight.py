"""The flight log, with real kills."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import torch_facts
from onnxspan import conventions as c
from onnxspan.errors import TraceFileError
from onnxspan.reading.source.trace import Trace
from onnxspan.recording.listeners.flight import _remove_old

CHILD = Path(__file__).parent.parent / "killed.py"


def _run(how, folder, *inside):
    return subprocess.run(
        [sys.executable, CHILD, how, folder, *inside],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("how", "codes"),
    [("kill", {-9}), ("exit", {3}), ("segfault", {-11}), ("memory", {-11, -9, -6})],
)
def test_dead_process_tells_where_it_was(how, codes, tmp_path):
    """Whatever ends the process inside a pass, the log names that pass, and the tree so far."""
    assert _run(how, tmp_path).returncode in codes
    trace = Trace.read(tmp_path / "export.flight")
    assert trace.ending.last.name == "_jit_pass_onnx_peephole"
    assert not trace.ending.runs
    assert trace.ending.memory > 10**7
    never = [span.name for span in trace.spans if not span.end]
    assert never == [
        "torch.onnx.export", "_export", "_model_to_graph", "_optimize_graph",
        "_jit_pass_onnx_peephole",
    ]  # fmt: skip
    done = next(span for span in trace.spans if span.name == "_jit_pass_onnx")
    assert done.end > done.start
    assert done.get(c.NODES) > 0
    assert trace.roots[0].get(c.MODEL_CLASS) == "__main__.Model"
    screen = trace.ending.screen()
    assert screen.startswith("The process ended inside _jit_pass_onnx_peephole, without a word")
    assert "iB resident at that moment" in screen


def test_killed_at_a_node(tmp_path):
    """At level `nodes` the log names the operator, and the memory when it began."""
    assert _run("node", tmp_path).returncode == -9
    trace = Trace.read(tmp_path / "export.flight")
    assert trace.ending.last.name == "aten::relu"
    assert trace.ending.memory > 10**7
    assert "inside    torch.onnx.export > " in trace.ending.screen()


_KILLED_AT_A_NODE = """
import io, os, signal, sys, warnings
import torch
import onnxspan
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.listeners import flight

warnings.simplefilter("ignore")
flight._EVERY = 0.0
model = torch.nn.Sequential(*(torch.nn.ReLU() for _ in range(9)))


class Kill(Listener):
    nodes = 0

    def converted(self, call, args, result):
        self.nodes += 1
        if self.nodes == 5:
            os.kill(os.getpid(), signal.SIGKILL)


tracing = onnxspan.trace("passes", flight="export")
with tracing:
    tracing._session.listeners.append(Kill())
    torch.onnx.export(model, (torch.zeros(2),), io.BytesIO(), %s)
"""


@pytest.mark.parametrize(
    "options",
    [
        ", ".join(f"{key}={value}" for key, value in torch_facts.TORCHSCRIPT.items()),
        pytest.param("dynamo=True, verbose=False", marks=torch_facts.needs_dynamo),
    ],
    ids=["torchscript", "dynamo"],
)
def test_how_far_the_conversion_was(options, tmp_path):
    """A process that is killed in a conversion tells how many nodes of how many were converted."""
    script = tmp_path / "script.py"
    script.write_text(_KILLED_AT_A_NODE % options, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    ending = Trace.read(tmp_path / "export.flight").ending
    assert ending.last.name in ("_jit_pass_onnx", "_translate_fx_graph", "_add_nodes")
    assert ending.converted.startswith("node 5 of 9 at ")
    assert "converted node 5 of 9 at " in " ".join(ending.screen().split())


@pytest.mark.skipif(not torch_facts.DYNAMO, reason=torch_facts.NO_DYNAMO)
def test_dynamo_export_killed_in_decomposition(tmp_path):
    """The dynamo exporter's log names the decomposition, and has the capture before it whole."""
    assert _run("kill", tmp_path, "run_decompositions").returncode == -9
    trace = Trace.read(tmp_path / "export.flight")
    assert trace.ending.last.name == "run_decompositions"
    assert trace.roots[0].get(c.EXPORTER) == "dynamo"
    done = {span.name: span for span in trace.spans if span.end}
    assert done["torch.export.export"].get(c.NODES) > 0
    assert "torch.onnx.export" not in done
    screen = " ".join(trace.ending.screen().split())
    assert "_core.export > _prepare_exported_program_for_export" in screen
    assert "native_log" not in screen  # there is no C++ pass to ask


def test_full_disk(tmp_path):
    """When the log cannot be written on, the export goes on, and the trace says what misses."""
    done = _run("full", tmp_path)
    assert done.returncode == 0, done.stderr
    sizes, errors, rest = done.stdout.splitlines()
    model, log = map(int, sizes.split())
    assert model > 100
    assert log == 2000
    assert errors.count("the flight log ends here") == 1
    assert rest == f"{rest.split()[0]} False"
    assert int(rest.split()[0]) > 40


def test_clean_end_leaves_nothing(tmp_path):
    """A process that ends well, or an export that only fails, leaves no file."""
    done = _run("none", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "False"
    assert list(tmp_path.iterdir()) == []


def test_torn_last_line(tmp_path):
    """A last line that was cut while it was written is counted, and the rest is read."""
    log = tmp_path / "export.flight"
    header = b'{"onnxspan.flight":1,"pid":1,"host":"elsewhere","at":1,"limit":0}\n'
    entered = b'{"e":"01","p":"","t":5,"m":7,"n":"torch.onnx.export","l":"stages"}\n'
    whole = header + entered + b'{"e":"02","p":"01","t":6,"m":8,"n":"_export","l":"stages"}\n'
    log.write_bytes(whole[:-20])
    trace = Trace.read(log)
    assert trace.ending.unreadable == 1
    assert "could not be read" in trace.ending.screen()
    first = whole.splitlines(keepends=True)[0]
    log.write_bytes(first)
    with pytest.raises(TraceFileError, match="without an export"):
        Trace.read(log)
    log.write_bytes(b'{"onnxspan.flight":1, "pid": [\n')
    with pytest.raises(TraceFileError, match="line 1"):
        Trace.read(log)


def test_running_process_is_told_from_a_dead_one(tmp_path):
    """The log of a process that still runs says so: that is how a hang is looked at."""
    log = tmp_path / "now.flight"
    import json
    import socket
    import time

    header = {
        c.FLIGHT_FORMAT: 1, "pid": os.getpid(), "host": socket.gethostname(),
        "at": time.time_ns(), "limit": 2**33,
    }  # fmt: skip
    entered = {
        "e": "01",
        "p": "",
        "t": time.time_ns(),
        "m": 2**20,
        "n": "torch.onnx.export",
        "l": "stages",
    }
    log.write_text(f"{json.dumps(header, separators=(',', ':'))}\n{json.dumps(entered)}\n")
    ending = Trace.read(log).ending
    assert ending.runs
    assert f"Process {os.getpid()} still runs" in ending.screen()
    assert "py-spy" in ending.screen()


def test_logs_that_vanish_do_not_cost_the_own_log(tmp_path, monkeypatch):
    """Old logs go, new ones stay; one that another process removes meanwhile is nobody's loss."""
    for name, age in (("old", 90), ("new", 0)):
        log = tmp_path / f"{name}.flight"
        log.touch()
        os.utime(log, (time.time() - age * 86400,) * 2)
    listed = [tmp_path / "vanished.flight", *tmp_path.iterdir()]
    monkeypatch.setattr(type(tmp_path), "glob", lambda _folder, _pattern: iter(listed))
    _remove_old.__wrapped__(tmp_path)
    assert [log.name for log in tmp_path.iterdir()] == ["new.flight"]
