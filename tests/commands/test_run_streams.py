"""`-o` never replaces what a stream leads to; a script's own streams and widths break no run."""

import os
import subprocess
import sys

import pytest

import torch_facts

SCRIPT = "print('mine')\nraise SystemExit(3)\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_stream_is_refused_before_the_script_runs(tmp_path, name):
    """The file that stdout leads to stays the script's, and the message says what to give."""
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    with (tmp_path / "out.txt").open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "onnxspan", "run", "-o", name, "script.py"],
            cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"{name}: cannot be written there" in done.stderr
    assert "Give -o a file" in done.stderr
    assert (tmp_path / "out.txt").read_text() == ""


TEE = """
import io, sys, torch, warnings
class Tee:  # as scripts write it: without `closed`, `encoding` and the like
    def __init__(self, stream):
        self.stream = stream
    def write(self, text):
        return self.stream.write(text)
    def flush(self):
        self.stream.flush()
setattr(sys, NAME, Tee(getattr(sys, NAME)))
warnings.simplefilter("ignore")
torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
raise SystemExit(7)
"""


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_scripts_own_stream(tmp_path, name):
    """A stream of the script's own that only writes loses neither the trace nor the exit code."""
    text = torch_facts.spoken(TEE.replace("NAME", repr(name)))
    (tmp_path / "script.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "onnxspan", "run", "-o", "t.jsonl", "script.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    assert (tmp_path / "t.jsonl").exists()
    assert "Traceback" not in done.stderr


def test_no_columns_at_all(tmp_path):
    """`COLUMNS=0` is no width: the tree is shown, and the script ends as it did."""
    text = torch_facts.spoken(TEE.partition("class Tee")[0] + TEE.partition("NAME)))")[2])
    (tmp_path / "script.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "onnxspan", "run", "script.py"],
        cwd=tmp_path, env={**os.environ, "COLUMNS": "0"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    assert "Traceback" not in done.stderr
