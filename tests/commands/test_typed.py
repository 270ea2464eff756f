"""What people type by mistake gets the right answer; a run without -o keeps its trace."""

import os

import pytest
from click.testing import CliRunner
from test_run import both, ended, start, write

import torch_facts
from onnxspan.cli import main
from onnxspan.reading.source.trace import Trace

EXPORT = f"""
import io, torch
torch.onnx.export(torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **{torch_facts.TORCHSCRIPT!r})
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export.py"], "onnxspan run export.py"),
        (["t.jsonl"], "onnxspan show t.jsonl"),
        (["dif"], "Did you mean 'diff'?"),
        (["xyzzy"], "onnxspan --help"),
    ],
)
def test_no_such_command(words, said):
    """A word that is no command is answered with the command that was meant; exit code 2."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("typed", "said"),
    [("--levle", "Did you mean --level?"), ("--xyzzy", "onnxspan run --help"), ("-l", "--help")],
)
def test_no_such_option(typed, said):
    """A mistyped option before the script is answered with the option that was meant."""
    result = CliRunner().invoke(main, ["run", typed, "nodes", "export.py"])
    assert result.exit_code == 2
    assert f"{typed}: there is no such option" in result.output
    assert said in result.output


def test_run_python_script(tmp_path):
    """`onnxspan run python x.py` says what to leave out."""
    write(tmp_path, "pass", "x.py")
    code, _, err = ended(start(tmp_path, "-m", "onnxspan", "run", "python", "x.py"))
    assert code == 2
    assert "onnxspan run x.py" in err


@pytest.mark.parametrize("path", ["./script.py", "script.py", "../{name}/script.py"])
def test_file_is_as_python_has_it(tmp_path, path):
    """`__file__`, the code's file name and tracebacks are those of plain Python, dots and all."""
    write(tmp_path, "import sys\nprint(__file__, sys.argv, __spec__)\nraise ValueError(1)\n")
    plain, traced = both(tmp_path, path.format(name=tmp_path.name))
    assert traced == plain


def test_the_last_trace_is_kept(tmp_path, monkeypatch):
    """Without -o the trace lies in the user's cache, and the last line has a command for it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _, _, err = ended(start(tmp_path, "-m", "onnxspan", "run", write(tmp_path, EXPORT)))
    kept = tmp_path / "cache" / "onnxspan" / "last.jsonl"
    assert err.splitlines()[-1].endswith(f"onnxspan html {kept} --open")
    assert len(Trace.read(kept).exports) == 1
    ended(start(tmp_path, "-m", "onnxspan", "run", "--quiet", write(tmp_path, "print(1)")))
    assert os.listdir(kept.parent) == ["last.jsonl"]
