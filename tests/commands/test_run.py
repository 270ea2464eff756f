"""`onnxspan run`: a script under it ends, prints and fails exactly as under plain python."""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import torch_facts
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.tree import tree

SOURCE = str(Path(__file__).parents[2] / "src")


def start(folder, *arguments):
    """Begin an interpreter in the folder."""
    environment = {**os.environ, "PYTHONPATH": SOURCE, "COLUMNS": "80"}
    environment.pop("FORCE_COLOR", None)
    return subprocess.Popen(  # our own interpreter
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    """Its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def both(folder, *arguments):
    """What plain python and `onnxspan run --quiet` give: exit code, stdout, stderr."""
    plain = start(folder, *arguments)
    traced = start(folder, "-m", "onnxspan", "run", "--quiet", *arguments)
    return ended(plain), ended(traced)


def write(folder, source, name="script.py"):
    """Put a script into the folder; its name."""
    (folder / name).write_text(source, encoding="utf-8")
    return name


SCRIPTS = {
    "success": "print('out'); import sys; print('err', file=sys.stderr)",
    "exit code": "import sys; print('before', flush=True); sys.exit(7)",
    "exit text": "import sys; sys.exit('a text')",
    "exit none": "import sys; sys.exit()",
    "uncaught": "def f():\n    raise ValueError('no')\nf()",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('x') from e",
    "not an Exception": "class Stop(BaseException): pass\nraise Stop('now')",
    "syntax error": "x = (1,\nprint(",
    "missing import": "import there_is_no_such_module",
    "own excepthook": "import sys\nsys.excepthook = lambda *a: print('mine', a[1])\n1 / 0",
    "onnxspan's own error": "from onnxspan.reading.source.trace import Trace\nTrace.read('missing')",
    "unraised click": "import click\nraise click.UsageError('from the script')",
    "warnings": "import warnings\nwarnings.warn('old', DeprecationWarning)",
    "atexit": "import atexit\natexit.register(print, 'at the end')\nprint('first')",
    "a thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()",
    "closed stdout": "import sys\nsys.stdout.close()",
    "closed stderr": "import os\nos.close(2)",
    "names of main": "print(sorted(globals()), type(__loader__).__name__, __loader__.path)\nx: int = 1",
    "what main is": "import sys, __main__\n"
    "print(__name__, __file__, __spec__, sys.argv, sys.path[0], __main__.__dict__ is globals())",
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_like_plain_python(name, tmp_path):
    """Output, messages and exit code are those of plain python."""
    plain, traced = both(tmp_path, write(tmp_path, SCRIPTS[name]), "--level", "-x", "--", "-o")
    assert traced == plain


def test_a_module(tmp_path):
    """-m runs a module of the current folder, with its arguments."""
    (tmp_path / "package").mkdir()
    write(tmp_path / "package", "", "__init__.py")
    source = "import sys\nfrom . import __name__ as n\nprint(n, __name__, sys.argv, sys.path[0])"
    write(tmp_path / "package", source + "\nsys.exit(3)", "tool.py")
    plain, traced = both(tmp_path, "-m", "package.tool", "-v", "--output=x")
    assert plain[0] == 3
    assert traced == plain


@pytest.mark.parametrize("source", ["import no_such", "raise ImportError('mine')"])
def test_a_module_that_cannot_import(source, tmp_path):
    """What a module of the user's cannot import is its own error, as under python."""
    write(tmp_path, source, "tool.py")
    plain, traced = both(tmp_path, "-m", "tool")
    shown = [line for line in plain[2].splitlines() if "<frozen runpy>" not in line]
    assert traced[0] == plain[0] == 1
    assert traced[2].splitlines() == shown


def test_a_spawned_child(tmp_path):
    """A child of multiprocessing finds the script's functions, and runs it once."""
    source = """
import multiprocessing

def double(x):
    return 2 * x

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]))
"""
    plain, traced = both(tmp_path, write(tmp_path, source))
    assert plain == (0, "[2, 4]\n", "")
    assert traced == plain


def test_ctrl_c(tmp_path):
    """SIGINT ends the process by the signal, after the script's own clean-up."""
    source = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    print("cleaned up")
"""
    name = write(tmp_path, source)
    results = []
    for before in ((), ("-m", "onnxspan", "run", "--quiet")):
        process = start(tmp_path, *before, name)
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)  # from the print to the sleep, so that both are met at the same line
        process.send_signal(signal.SIGINT)
        results.append(ended(process))
    assert results[0][0] == -signal.SIGINT
    assert results[1] == results[0]


EXPORT = """
import os, sys
assert "torch" not in sys.modules, "torch was imported before the script"
os.environ["OMP_NUM_THREADS"] = "1"
import io, warnings
import torch
from torch import nn

assert torch.get_num_threads() == 1
print("threads", torch.get_num_threads(), sys.argv)


class Fails(nn.Module):
    def forward(self, x):
        raise RuntimeError("the model's own")


def export(model, file):
    torch.onnx.export(model, (torch.zeros(1, 2),), file, dynamo=False)


export(nn.Linear(2, 2).eval(), "model.onnx")
print("size", os.path.getsize("model.onnx"))
export(Fails(), io.BytesIO())
"""


@pytest.fixture(scope="module")
def exporting(tmp_path_factory):
    """A script that exports, then fails in a forward: plain, and traced with -o."""
    folder = tmp_path_factory.mktemp("exporting")
    name = write(folder, torch_facts.spoken(EXPORT))
    plain = start(folder, name, "-o", "x")
    traced = start(folder, "-m", "onnxspan", "run", "-o", "t.jsonl", name, "-o", "x")
    return folder, ended(plain), ended(traced)


def test_the_tree_comes_after_the_scripts_output(exporting):
    """A script with an export that fails in the model prints and ends as untraced.

    torch is imported by the script, after it has set the environment; the trees go to stderr
    after all of the script's own output, and stdout is untouched.
    """
    _, plain, traced = exporting
    assert plain[0] == 1
    assert "the model's own" in plain[2]
    assert traced[:2] == plain[:2]
    assert traced[2].startswith(plain[2])
    added = traced[2].removeprefix(plain[2])
    assert added.count("\n✗ torch.onnx.export ") == 1
    assert added.count("\ntorch.onnx.export ") == 1
    assert "RuntimeError: the model's own" in added


def test_the_saved_file(exporting):
    """-o writes the spans that the tree shows; `show` reads them."""
    folder, _, traced = exporting
    trace = Trace.read(folder / "t.jsonl")
    assert f"onnxspan: {len(trace.spans)} spans in t.jsonl; " in traced[2]
    assert traced[2].endswith("onnxspan walk t.jsonl\n")
    shown = io.StringIO()
    tree.show(trace, file=shown, width=80)
    assert shown.getvalue() in traced[2]
    assert [root.error for root in trace.roots] == [False, True]
    assert [len(trace.exports), len(trace.roots)] == [2, 2]
    assert list(folder.glob(".*")) == []


def test_a_probe_of_the_users_own(tmp_path):
    """--probe gives a function of a module beside the script a span of its own."""
    write(tmp_path, "def relu(g, x):\n    return g.op('Relu', x)\n", "mine.py")
    script = "import io, torch, mine\ntorch.onnx.register_custom_op_symbolic('aten::relu',"
    script += " lambda g, x: mine.relu(g, x), 17)\ntorch.onnx.export(torch.nn.ReLU(),"
    script += " (torch.zeros(2),), io.BytesIO(), opset_version=17, dynamo=False)"
    name = write(tmp_path, torch_facts.spoken(script))
    options = ["--probe", "mine:relu", "-o", "t.jsonl"]
    code, _, err = ended(start(tmp_path, "-m", "onnxspan", "run", *options, name))
    assert code == 0, err
    assert "relu" in {span.name for span in Trace.read(tmp_path / "t.jsonl").spans}


def test_no_export_at_all(tmp_path):
    """Without an export the script still runs, and it is said that nothing was recorded."""
    name = write(tmp_path, "print('ran')")
    run = start(tmp_path, "-m", "onnxspan", "run", "-o", "t.jsonl", name)
    code, out, err = ended(run)
    assert (code, out) == (0, "ran\n")
    assert "made no torch.onnx.export" in err
    assert not (tmp_path / "t.jsonl").exists()


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_without_a_stream(closed, tmp_path):
    """A stream that was closed before it began is no reason to fail."""
    name = write(tmp_path, "import sys; sys.exit(5)")
    line = f"{shlex.quote(sys.executable)} -m onnxspan run {name} {closed}"
    done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.py"], "missing.py: there is no such file"),
        (["-o", "no/such/t.jsonl", "script.py"], "no/such/t.jsonl: cannot be written"),
        (["-o", ".", "script.py"], ".: cannot be written"),
        (["-o", "/dev/null", "script.py"], "/dev/null: cannot be written there (is a device"),
        (["-o", "n" * 300, "script.py"], "cannot be written there (File name too long)"),
        (["-m", "no_such_module"], "No module named no_such_module"),
        (["-m", "no_such.module"], "No module named 'no_such'"),
        (["a\x1b[31m.py"], r"a\x1b[31m.py: there is no such file"),
        (["--level", "deep", "script.py"], "'deep' is not one of"),
        (["--probe", "mine.f", "script.py"], "'mine.f' is no place of a function"),
        (["-m", "no_such_module"], "No module named no_such_module. Give"),
        (["-m", "no.such"], "No module named 'no'). Give a module that"),
        (["-m", "opentelemetry.sdk.trace"], "cannot be directly executed. Give a module that"),
    ],
)
def test_bad_input(arguments, said, tmp_path):
    """What cannot work is refused with exit code 2 before the script runs."""
    write(tmp_path, "print('ran')")
    code, out, err = ended(start(tmp_path, "-m", "onnxspan", "run", *arguments))
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert "\x1b" not in err
