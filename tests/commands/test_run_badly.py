"""`onnxspan run` on a bad day: Ctrl-C inside native code, and the logs on request."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import torch_facts
from onnxspan.commands import interrupt

SLOW = torch_facts.spoken("""
import collections, itertools, sys, torch
def endless(*args):  # holds the GIL and never looks at signals, as a native pass does
    print("inside", flush=True)
    collections.deque(itertools.repeat(0, 10**12), maxlen=0)
torch._C._jit_pass_lint = endless
import io
torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
""")
QUICK = torch_facts.spoken("""
import io, structlog, torch, warnings
class Model(torch.nn.Module):
    def forward(self, x):
        structlog.get_logger().warning("mine")
        warnings.warn("look out")
        return x + 1
torch.onnx.export(Model(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
""")


def _command(tmp_path, text, *options):
    script = tmp_path / "script.py"
    script.write_text(text, encoding="utf-8")
    return [sys.executable, "-m", "onnxspan", "run", *options, str(script)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the answer needs a forked process")
def test_ctrl_c_inside_native_code(tmp_path):
    """The first Ctrl-C says where the pass is at once; the second ends the process."""
    output = tmp_path / "slow.jsonl"
    run = subprocess.Popen(
        _command(tmp_path, SLOW, "-o", str(output)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert run.stdout.readline() == "inside\n"
    time.sleep(1)  # from the print into the C code, where no signal is looked at
    os.killpg(run.pid, signal.SIGINT)
    for line in run.stderr:
        if "still runs: it has been in _jit_pass_lint" in line:
            break
    else:
        pytest.fail("nothing was said")
    for line in run.stderr:
        if "again ends it at once" in line:
            break
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(timeout=60) == -signal.SIGKILL
    run.stdout.close()
    run.stderr.close()
    shown = subprocess.run(
        [sys.executable, "-m", "onnxspan", "show", f"{output}.flight"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.startswith("The process ended inside _jit_pass_lint, without a word")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the answer needs a forked process")
@pytest.mark.parametrize(
    ("handler", "watched"), [(signal.SIG_IGN, False), (signal.default_int_handler, True)]
)
def test_a_run_that_ignores_ctrl_c_is_not_ended_by_it(handler, watched, tmp_path, monkeypatch):
    """A background job of a script, which is started with Ctrl-C ignored, has no watcher."""
    started = []
    monkeypatch.setattr(interrupt, "_start", started.append)
    before = signal.signal(signal.SIGINT, handler)
    try:
        interrupt.watched_place(str(tmp_path / "out.jsonl"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert bool(started) is watched


def test_json_log(tmp_path):
    """`--log json` writes JSON lines to stderr, and the script's own lines bear the same ids."""
    done = subprocess.run(
        _command(tmp_path, QUICK, "--quiet", "--log", "json", "--log-level", "debug"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    mine = next(event for event in events if event["event"] == "mine")
    around = next(
        event
        for event in events
        if event["event"] == "entered" and event["span"] == "_trace_and_get_graph_from_model"
    )
    assert (mine["trace_id"], mine["span_id"]) == (around["trace_id"], around["span_id"])
    assert {"entered", "left", "warning"} <= {event["event"] for event in events}
    assert done.stdout == ""


@pytest.mark.parametrize("place", ["run_report.report", "run_report.deliver"])
@pytest.mark.parametrize(
    "error",
    ["MemoryError()", "OSError(12, 'no memory')", "RuntimeError('no thread')", "ImportError()"],
)
def test_a_full_process_ends_by_its_own_exception(tmp_path, place, error):
    """Where memory is used up, ours is one line beside the script's own traceback, and its code."""
    full = torch_facts.spoken(f"""
import io, torch
from onnxspan.commands import run_report
def fails(*args, **options):  # as a process does that has no memory left
    raise {error}
{place} = fails
torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
raise ValueError("mine")
""")
    done = subprocess.run(_command(tmp_path, full), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("Traceback (most recent call last)") == 1, done.stderr
    assert "ValueError: mine" in done.stderr
    (line,) = [
        line for line in done.stderr.splitlines() if "failed, the trace may be lost" in line
    ]
    assert error.partition("(")[0] in line


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of open files")
def test_the_last_descriptor_is_the_exports(tmp_path):
    """Where one more file can be opened, the export has it, and the flight log goes without."""
    full = torch_facts.spoken("""
import io, os, resource, torch
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    os.close(held.pop())
torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), "model.onnx", dynamo=False)
print("exported")
""")
    done = subprocess.run(
        _command(tmp_path, full), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout == "exported\n", done.stderr
    assert "Too many open files" in " ".join(done.stderr.split())  # said of the flight log
