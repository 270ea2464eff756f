"""`onnxspan run --otlp`: an unchanged script's exports arrive at a collector."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

import torch_facts
from collectors import GrpcCollector, HttpCollector
from onnxspan.cli import main
from onnxspan.reading.source.trace import Trace

SCRIPT = torch_facts.spoken("""
import io, os, torch
torch.onnx.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),), io.BytesIO(), dynamo=False)
if os.fork() == 0:  # a child has nothing to send and nothing to wait for
    raise SystemExit
os.wait()
""")


def test_arrives(tmp_path):
    """The spans arrive once, by gRPC and with the header; the script's exit code is its own."""
    (tmp_path / "export.py").write_text(SCRIPT)
    with GrpcCollector() as collector:
        options = ["--otlp", collector.url, "--protocol", "grpc", "--header", "x-token=1"]
        done = subprocess.run(  # our own script
            [sys.executable, "-c", "from onnxspan.cli import main; main()", "run", *options,
             "--quiet", "export.py"],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "torch.onnx.export Linear (torchscript)" in {span.name for span in collector.spans}
        assert len(collector.spans) == len(collector.ids)
        assert collector.headers[0]["x-token"] == "1"
        imported = {span.name for span in collector.spans if span.name.startswith("import ")}
        assert imported  # of the script alone: what sends the spans is imported meanwhile
        assert all(name.startswith(("import torch", "import onnx")) for name in imported), imported
    assert [path.name for path in tmp_path.iterdir()] == ["export.py"]


def test_bad_address(tmp_path):
    """Exit code 2 before the script runs."""
    (tmp_path / "export.py").write_text("raise RuntimeError('ran')")
    result = CliRunner().invoke(main, ["run", "--otlp", "localhost", str(tmp_path / "export.py")])
    assert result.exit_code == 2
    assert "http://localhost:4318" in result.output


class Stuck(HttpCollector):
    """Answers no request before it is told to."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def takes(self, *arguments, **keywords):
        self.go_on.wait(100)
        return super().takes(*arguments, **keywords)


FAILING = torch_facts.spoken("""
import io, torch
torch.onnx.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),), io.BytesIO(), dynamo=False)
raise ValueError("of the script")
""")


@pytest.mark.parametrize("interrupt", [False, True], ids=["in the end", "Ctrl-C"])
def test_a_slow_server_is_waited_for_last(tmp_path, interrupt):
    """Traceback, tree and file are there before the wait, which is said; Ctrl-C loses no span."""
    (tmp_path / "export.py").write_text(FAILING)
    command = "from onnxspan.cli import main; main()"
    with Stuck() as collector:
        options = ["--otlp", collector.url, "-o", "t.jsonl"]
        run = subprocess.Popen(  # our own script
            [sys.executable, "-c", command, "run", *options, "export.py"],
            cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        said = []
        for line in run.stderr:
            said.append(line)
            if line.startswith("onnxspan: waiting for "):
                break
        text = "".join(said)
        assert "ValueError: of the script" in text
        assert text.index("ValueError: of the script") < text.index("└ _export")
        assert collector.url.rpartition(":")[2] in said[-1]
        saved = Trace.read(tmp_path / "t.jsonl")
        if interrupt:
            run.send_signal(signal.SIGINT)
        else:
            collector.go_on.set()
        rest = run.stderr.read()
        code = run.wait(100)
        collector.go_on.set()
    assert code == 1  # as the script ended
    if interrupt:
        assert "did not reach" in rest
        assert "t.jsonl" in rest
    else:
        assert len(collector.spans) > len(saved.spans)
        assert "did not reach" not in rest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.py", "t.jsonl"]


def started(folder, *words, **environment):
    """Run `onnxspan run` in a folder; what it said."""
    done = subprocess.run(  # our own script
        [sys.executable, "-c", "from onnxspan.cli import main; main()", "run", *words],
        cwd=folder, capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_child_processes_exported_arrives(tmp_path):
    """The spans of a process that the script starts are sent too, and its files are removed then."""
    (tmp_path / "child.py").write_text(SCRIPT)
    (tmp_path / "export.py").write_text(
        "import subprocess, sys\nsubprocess.run([sys.executable, 'child.py'], check=True)\n"
    )
    with HttpCollector() as collector:
        started(tmp_path, "--otlp", collector.url, "--quiet", "-o", "t.jsonl", "export.py")
        names = [span.name for span in collector.spans]
    assert "torch.onnx.export Linear (torchscript)" in names
    assert {path.name for path in tmp_path.iterdir()} == {"child.py", "export.py", "t.jsonl"}
    assert len(Trace.read(tmp_path / "t.jsonl").exports) == 1


def test_an_address_in_the_environment_alone(tmp_path):
    """Where only `OTEL_EXPORTER_OTLP_ENDPOINT` names an address, nothing is sent, and that is said."""
    (tmp_path / "export.py").write_text(SCRIPT)
    said = started(tmp_path, "export.py", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert "nothing was sent" in said
    assert "--otlp" in said
    assert "http://127.0.0.1:9" not in said  # a password may be in it
