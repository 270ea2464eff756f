"""`-o` never replaces what a stream of the process leads to."""

import subprocess
import sys

import pytest

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
