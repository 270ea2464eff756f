"""`onnxspan run --otlp`: an unchanged script's exports arrive at a collector."""

from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

import torch_facts
from collectors import GrpcCollector
from onnxspan.cli import main

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
    assert [path.name for path in tmp_path.iterdir()] == ["export.py"]


def test_bad_address(tmp_path):
    """Exit code 2 before the script runs."""
    (tmp_path / "export.py").write_text("raise RuntimeError('ran')")
    result = CliRunner().invoke(main, ["run", "--otlp", "localhost", str(tmp_path / "export.py")])
    assert result.exit_code == 2
    assert "http://localhost:4318" in result.output
