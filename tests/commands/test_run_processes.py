"""`onnxspan run` records what the processes that a script starts export, however they are started."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time

import pytest

from onnxspan.reading.source.trace import Trace

EXPORT = """
import io, os, sys, torch

def export(size=2):
    model = torch.nn.Linear(size, size)
    torch.onnx.export(model, (torch.zeros(1, size),), io.BytesIO(), DYNAMO)
""".replace("DYNAMO", "**TORCHSCRIPT")

HOW = {
    "subprocess": """
        subprocess.run([sys.executable, "-W", "ignore", "child.py"], check=True)
    """,
    "fork": """
        process = multiprocessing.get_context("fork").Process(target=export)
        process.start(); process.join()
    """,
    "spawn": """
        process = multiprocessing.get_context("spawn").Process(target=export)
        process.start(); process.join()
    """,
    "forkserver": """
        process = multiprocessing.get_context("forkserver").Process(target=export)
        process.start(); process.join()
    """,
    "os.fork": """
        child = os.fork()
        if child == 0:
            export(); os._exit(0)
        os.waitpid(child, 0)
    """,
    "executor": """
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            pool.submit(export).result()
    """,
    "grandchild": """
        code = "import subprocess, sys; subprocess.run([sys.executable, 'child.py'], check=True)"
        subprocess.run([sys.executable, "-c", code], check=True)
    """,
}


def script(tmp_path, body, own=True):
    """Write the helper, the child and the script; the script's path."""
    from torch_facts import TORCHSCRIPT

    helper = EXPORT.replace(
        "**TORCHSCRIPT", ", ".join(f"{k}={v!r}" for k, v in TORCHSCRIPT.items())
    )
    (tmp_path / "helper.py").write_text(helper)
    (tmp_path / "child.py").write_text("from helper import export\nexport(3)\n")
    lines = "\n".join(
        f"    {line.strip()}" if not line.startswith(" " * 12) else f"        {line.strip()}"
        for line in body.strip("\n").splitlines()
        if line.strip()
    )
    text = (
        "import concurrent.futures, multiprocessing, os, subprocess, sys\n"
        "from helper import export\n"
        f"if __name__ == '__main__':\n    {'export(4)' if own else 'pass'}\n{lines}\n"
    )
    (tmp_path / "script.py").write_text(text)
    return tmp_path / "script.py"


def run(tmp_path, *arguments, **options):
    """Run `onnxspan run` in the folder; the finished process."""
    command = [sys.executable, "-m", "onnxspan", "run", "--level", "stages", *arguments]
    return subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, **options
    )


@pytest.mark.parametrize("how", HOW)
def test_a_childs_exports_are_in_the_file(tmp_path, how):
    """All stand in one trace, the child's spans once, with its own process id."""
    script(tmp_path, HOW[how])
    done = run(tmp_path, "-o", "t.jsonl", "script.py")
    assert done.returncode == 0, done.stderr
    trace = Trace.read(tmp_path / "t.jsonl")
    assert len(trace.exports) == 2
    assert len({span.trace_id for span in trace.spans}) == 1
    assert len({span.span_id for span in trace.spans}) == len(trace.spans)
    own, child = trace.exports
    assert own.resource["process.pid"] != child.resource["process.pid"]
    assert trace.scripts[0].span_id == own.parent_id == child.parent_id
    assert f"process {child.resource['process.pid']}" in done.stderr
    assert "2 exports" in done.stderr
    assert sorted(path.name for path in tmp_path.glob("t.jsonl*")) == ["t.jsonl"]


def test_only_the_child_exports(tmp_path):
    """A script without an export of its own has a file and a tree all the same."""
    script(tmp_path, HOW["subprocess"], own=False)
    done = run(tmp_path, "-o", "t.jsonl", "script.py")
    assert len(Trace.read(tmp_path / "t.jsonl").exports) == 1
    assert "made no torch.onnx.export" not in done.stderr
    assert "1 export" in done.stderr


def test_a_fork_inside_an_export_is_nobody_elses(tmp_path):
    """A child that is forked in `forward` and exports: each span once, the parent's trace whole."""
    (tmp_path / "script.py").write_text(
        "import io, os, torch\n"
        "class Forks(torch.nn.Module):\n"
        "    done = False\n"
        "    def forward(self, x):\n"
        "        if not Forks.done:\n"
        "            Forks.done = True\n"
        "            child = os.fork()\n"
        "            if child == 0:\n"
        "                from helper import export\n"
        "                export()\n"
        "                os._exit(0)\n"
        "            os.waitpid(child, 0)\n"
        "        return torch.relu(x)\n"
        "from torch_arguments import ARGUMENTS\n"
        "torch.onnx.export(Forks(), (torch.zeros(2),), io.BytesIO(), **ARGUMENTS)\n"
    )
    from torch_facts import TORCHSCRIPT

    kept = (tmp_path / "script.py").read_text()
    script(tmp_path, HOW["fork"])
    (tmp_path / "script.py").write_text(kept)
    (tmp_path / "torch_arguments.py").write_text(f"ARGUMENTS = {TORCHSCRIPT!r}\n")
    done = run(tmp_path, "-o", "t.jsonl", "script.py")
    assert done.returncode == 0, done.stderr
    spans = Trace.read(tmp_path / "t.jsonl").spans
    assert len({span.span_id for span in spans}) == len(spans)
    exports = [span for span in spans if span.name == "torch.onnx.export"]
    assert len(exports) == 2
    assert all(span.end for span in spans)
    assert "errors in onnxspan" not in done.stderr


def test_a_child_that_is_killed_is_told(tmp_path):
    """Where a killed child was stands at the end of the run."""
    script(tmp_path, HOW["subprocess"])
    (tmp_path / "child.py").write_text(
        "import os, signal, io, torch\n"
        "class Dies(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "from helper import export\n"
        "torch.nn.Linear.forward = Dies.forward\n"
        "export()\n"
    )
    text = (tmp_path / "script.py").read_text().replace("check=True", "check=False")
    (tmp_path / "script.py").write_text(text)
    done = run(tmp_path, "-o", "t.jsonl", "script.py")
    assert "The process ended inside" in done.stderr
    assert len(Trace.read(tmp_path / "t.jsonl").exports) == 1


def test_what_cannot_be_followed_is_said(tmp_path):
    """A child under `python -I` leaves nothing, and the run names the command that would work."""
    body = """
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()}
        busy = "import time\\nwhile time.process_time() < 1: pass"  # however fast the machine is
        subprocess.run([sys.executable, "-c", busy], env=env, check=True)
    """
    script(tmp_path, body, own=False)
    done = run(tmp_path, "script.py")
    assert "nothing was recorded" in done.stderr
    assert "onnxspan run -o FILE.jsonl" in done.stderr


def test_an_interpreter_without_onnxspan_is_said(tmp_path):
    """A child that exports where onnxspan cannot be imported leaves a note."""
    body = """
        blocked = "import sys; sys.modules['onnxspan'] = None; import torch.onnx"
        subprocess.run([sys.executable, "-c", blocked], check=True)
    """
    script(tmp_path, body, own=False)
    done = run(tmp_path, "-o", "t.jsonl", "script.py")
    assert "was not recorded" in done.stderr


def test_no_follow(tmp_path):
    """`--no-follow` leaves the environment of children alone."""
    script(tmp_path, "print(os.environ.get('ONNXSPAN_FOLLOW'), os.environ.get('PYTHONPATH'))")
    done = run(tmp_path, "--no-follow", "script.py")
    assert done.stdout.split()[0] == "None"


def test_the_environment_is_given_back_and_sitecustomize_stays(tmp_path, monkeypatch):
    """A child finds the user's own sitecustomize, and no entry of ours on its path."""
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.mine = 'mine'\n")
    body = """
        code = "import sys; print(mine, [p for p in sys.path if 'processes' in p])"
        subprocess.run([sys.executable, "-c", code], check=True)
    """
    script(tmp_path, body)
    done = run(
        tmp_path,
        "script.py",
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        },
    )
    assert done.stdout.strip() == "mine []"


def test_an_executor_that_is_not_shut_down(tmp_path):
    """The run ends as Python does: the idle threads of an executor keep nobody waiting."""
    script(tmp_path, "pool = concurrent.futures.ThreadPoolExecutor(1); pool.submit(print, 'done')")
    done = run(tmp_path, "script.py", timeout=120)
    assert done.stdout.strip() == "done"


def test_torchrun(tmp_path):
    """Each rank of a real torchrun is in the trace, with its rank."""
    script(tmp_path, "", own=True)
    arguments = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "script.py"]
    done = run(tmp_path, "-o", "t.jsonl", *arguments)
    assert done.returncode == 0, done.stderr
    exports = Trace.read(tmp_path / "t.jsonl").exports
    assert sorted(span.resource["process.rank"] for span in exports) == [0, 1]
    assert {span.resource["process.world_size"] for span in exports} == {2}


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
def test_ray(tmp_path):
    """The tasks of a real Ray cluster on this machine are in the trace."""
    script(tmp_path, "", own=False)
    (tmp_path / "script.py").write_text(
        "import ray\n"
        "ray.init(num_cpus=1, logging_level='ERROR', include_dashboard=False)\n"
        "@ray.remote\n"
        "def task(size):\n"
        "    from helper import export\n"
        "    export(size)\n"
        "ray.get([task.remote(2), task.remote(3)])\n"
        "ray.shutdown()\n"
    )
    done = run(tmp_path, "-o", "t.jsonl", "script.py", timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(Trace.read(tmp_path / "t.jsonl").exports) == 2


def test_the_tree_of_a_child_that_outlives_the_run(tmp_path):
    """A process that still exports is named, and its folder is left."""
    body = """
        subprocess.Popen([sys.executable, "child.py"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (os.path.isdir("t.jsonl.processes") and any(n.endswith(".flight") for n in os.listdir("t.jsonl.processes"))): pass
    """
    script(tmp_path, body)
    (tmp_path / "child.py").write_text(
        "import os, time, torch\n"
        "from helper import export\n"
        "def slow(self, x):\n"
        "    while not os.path.exists('go'): time.sleep(0.01)\n"
        "    return x\n"
        "torch.nn.Linear.forward = slow\n"
        "os.makedirs('t.jsonl.processes', exist_ok=True)\n"
        "export()\n"
    )
    done = run(tmp_path, "-o", "t.jsonl", "script.py", timeout=300)
    try:
        assert "still runs" in done.stderr
        assert (tmp_path / "t.jsonl.processes").is_dir()
    finally:
        (tmp_path / "go").touch()
    deadline = time.monotonic() + 60
    while not list((tmp_path / "t.jsonl.processes").glob("*.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
