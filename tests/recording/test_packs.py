"""Packs: spans for what a script runs before and after its exports."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import onnxspan
import torch_facts
from conftest import attributes
from onnxspan import conventions as c
from onnxspan.reading.source.trace import Trace
from onnxspan.recording import packs as holding
from onnxspan.recording.probes import packs
from torch_facts import TORCHSCRIPT


@pytest.fixture
def model(tmp_path):
    """A file of two Linear and an Identity that nothing needs."""
    path = tmp_path / "m.onnx"
    net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 4))
    torch.onnx.export(net, (torch.zeros(1, 4),), path, input_names=["x"], **TORCHSCRIPT)
    return path


def roots(trace):
    """The outermost spans of a recording, or of a file."""
    return getattr(trace, "result", trace).roots


def names(trace):
    """The names of the outermost spans."""
    return [root.name for root in roots(trace)]


def test_the_steps_after_an_export(model):
    """Each call outside an export is a span, named as people know it, in the order of the calls."""
    with onnxspan.trace(packs=["onnx", "onnxruntime"]) as trace:
        proto = onnx.load(model)
        onnx.checker.check_model(proto)
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        session.run(None, {"x": np.zeros((1, 4), np.float32)})
    assert names(trace) == [
        "onnx.load", "onnx.checker.check_model", "onnxruntime.InferenceSession",
        "onnxruntime.InferenceSession.run",
    ]  # fmt: skip
    assert trace.errors == []
    assert trace.exports == []
    created = roots(trace)[2]
    assert created.get(c.PACK_PROVIDERS) == ["CPUExecutionProvider"]
    assert created.get(c.NODES) == 3
    assert created.get(c.PACK_BYTES) == model.stat().st_size


def test_what_a_step_made_of_the_model(model, tmp_path):
    """Nodes, operators and bytes before and after a step that reads one file and writes another."""
    from onnxruntime import quantization

    with onnxspan.trace(packs=["onnxruntime"]) as trace:
        quantization.quantize_dynamic(model, tmp_path / "q.onnx")
    step = roots(trace)[0]
    before, after = onnx.load(model), onnx.load(tmp_path / "q.onnx")
    assert step.name == "onnxruntime.quantization.quantize_dynamic"
    assert step.get(c.NODES) == len(after.graph.node)
    assert step.get(c.NODES_CHANGE) == len(after.graph.node) - len(before.graph.node)
    changes = dict(each.split("=") for each in step.get(c.PACK_OPERATORS))
    assert int(changes["Gemm"]) == -2
    sizes = model.stat().st_size, (tmp_path / "q.onnx").stat().st_size
    assert step.get(c.PACK_BYTES_CHANGE) == sizes[1] - sizes[0]


def optimised(path, tmp_path):
    """The nodes that onnxruntime itself writes for a file."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "own.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(path, options)
    return len(onnx.load(options.optimized_model_filepath).graph.node)


def test_the_nodes_that_a_session_writes(model, tmp_path):
    """Where the script has the optimised graph written, its nodes are the session's."""
    expected = optimised(model, tmp_path)
    assert expected < 3
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "written.onnx")
    options.log_severity_level = 4
    with onnxspan.trace(packs=["onnxruntime"]) as trace:
        onnxruntime.InferenceSession(model, options)
    created = roots(trace)[0]
    assert created.get(c.PACK_OPTIMIZED) == "optimized_model_filepath"
    assert created.get(c.NODES) == expected
    assert created.get(c.NODES_CHANGE) == expected - 3
    assert "Relu=-1" in created.get(c.PACK_OPERATORS)


def test_at_level_nodes_a_second_session_tells_its_nodes(model, tmp_path):
    """The script's own session keeps its options, and nothing but the span says that there was another."""
    expected = optimised(model, tmp_path)
    files = sorted(tmp_path.iterdir())
    with onnxspan.trace(packs=["onnxruntime"], level="nodes") as trace:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (created,) = roots(trace)
    assert created.children == []
    assert created.get(c.PACK_OPTIMIZED) == "second session"
    assert created.get(c.NODES) == expected
    assert session.get_session_options().optimized_model_filepath == ""
    assert sorted(tmp_path.iterdir()) == files
    assert trace.errors == []


def test_unasked_the_nodes_after_optimisation_are_said_to_be_unknown(model):
    """By default no second session is made: the span counts the given model, and says so."""
    with onnxspan.trace(packs=["onnxruntime"]) as trace:
        onnxruntime.InferenceSession(model)
    created = roots(trace)[0]
    assert created.get(c.PACK_OPTIMIZED).startswith("unknown: record at level nodes")
    assert created.get(c.NODES) == 3


@pytest.mark.parametrize("exporter", [False, True])
def test_inside_an_export_they_are_silent(exporter):
    """What the exporter itself loads, checks and saves has no span of a pack, nor our own reading."""
    net, args = torch.nn.Linear(4, 4), (torch.zeros(1, 4),)
    options = {"dynamo": True, "verbose": False} if exporter else TORCHSCRIPT
    with onnxspan.trace() as plain:
        torch.onnx.export(net, args, io.BytesIO() if not exporter else None, **options)
    with onnxspan.trace(packs=["all"], verify=True) as trace:
        torch.onnx.export(net, args, io.BytesIO() if not exporter else None, **options)
    assert names(trace) == names(plain)
    assert {span.name for span in trace.spans} <= {span.name for span in plain.spans} | {
        "import torch.onnx._internal.exporter"
    }


def test_everything_is_restored(model):
    """The functions of the libraries are the identical objects afterwards."""
    places = [(onnx, "load"), (onnx.checker, "check_model"), (onnxruntime.InferenceSession, "run")]
    before = [getattr(holder, name) for holder, name in places]
    torchs = attributes()
    with onnxspan.trace(packs=["all"]):
        assert onnx.load is not before[0]
        onnx.load(model)
    assert [getattr(holder, name) for holder, name in places] == before
    assert holding._holding == []
    assert attributes() == torchs


def test_a_failing_step(tmp_path):
    """The exception is the user's, untouched; the span is failed, and the screen says where."""
    with onnxspan.trace(packs=["onnx"]) as trace, pytest.raises(FileNotFoundError):
        onnx.load(tmp_path / "nothing.onnx")
    assert roots(trace)[0].error
    assert trace.failure.span.name == "onnx.load"


def test_too_many_calls_are_bounded_aloud(monkeypatch):
    """Of a model that runs a million times some hundred spans are kept, and that is said."""
    probe = next(row for row in packs.PACKS["onnx"] if row.name == "onnx.checker.check_model")
    proto = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []))
    with onnxspan.trace(packs=["onnx"]) as trace:
        for _ in range(probe.most + 5):
            onnx.checker.check_model(proto)
    assert len(trace.spans) == probe.most
    assert any("further ones are not" in line for line in trace.errors)


def test_a_name_that_is_no_pack():
    """The error lists the packs."""
    with pytest.raises(ValueError, match="onnxslim"):
        onnxspan.trace(packs=["onnxslimm"])


def test_every_row_of_an_installed_library_is_found():
    """A place that a library no longer has is a row to mend."""
    import importlib.util

    from onnxspan.recording.patching import resolve

    for name, rows in packs.PACKS.items():
        if importlib.util.find_spec(name) is not None:
            assert [row.name for row in rows if not resolve(row)] == [], name


def test_a_root_of_the_users(tmp_path):
    """`--root`: the exports and steps of the function are in one tree."""
    (tmp_path / "mine.py").write_text(
        "import io, torch, onnx\n"
        "def pipeline():\n"
        f"    options = {TORCHSCRIPT!r}\n"
        "    torch.onnx.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),), 'm.onnx', **options)\n"
        "    onnx.checker.check_model(onnx.load('m.onnx'))\n"
        "    torch.onnx.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),), 'm.onnx', **options)\n"
    )
    (tmp_path / "script.py").write_text("import mine\nmine.pipeline()\n")
    command = [sys.executable, "-m", "onnxspan", "run", "--root", "mine:pipeline", "-o", "t.jsonl"]
    done = subprocess.run(
        [*command, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    trace = Trace.read(tmp_path / "t.jsonl")
    assert names(trace) == ["pipeline"]
    assert [child.name for child in roots(trace)[0].children] == [
        "torch.onnx.export", "onnx.load", "onnx.checker.check_model", "torch.onnx.export",
    ]  # fmt: skip
    assert len(trace.exports) == 2
    assert "in no span" in done.stderr


def test_nothing_is_wrapped_between_the_exports_of_a_step(monkeypatch):
    """An export inside a step of a pack gives its probes back as it ends."""
    from onnxspan.recording import recorder
    from onnxspan.recording.probe import Exporter, Probe

    met = []

    def pipeline():
        torch.onnx.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),), io.BytesIO(), **TORCHSCRIPT)
        targets = recorder.targets_of(Exporter.TORCHSCRIPT, c.Level.PASSES)
        met.append(sum(map(recorder.patches.is_installed, targets)))

    module = sys.modules[__name__]
    module.pipeline = pipeline
    try:
        row = Probe(
            "pipeline",
            (f"{__name__}:pipeline",),
            opens=lambda _: None,
            root=True,
            pack="mine",
            most=9,
        )
        monkeypatch.setitem(packs.PACKS, "mine", (row,))
        with onnxspan.trace(packs=["mine"]) as trace:
            module.pipeline()
    finally:
        del module.pipeline
    assert met == [0]
    assert names(trace) == ["pipeline"]
    assert trace.errors == []


def test_a_run_sees_packs_by_default(tmp_path):
    """What a script does after its export is in the tree, and how much of the script it was."""
    (tmp_path / "script.py").write_text(
        "import io, torch, onnx\n"
        f"options = {TORCHSCRIPT!r}\n"
        "torch.onnx.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),), 'm.onnx', **options)\n"
        "onnx.checker.check_model(onnx.load('m.onnx'))\n"
    )
    command = [sys.executable, "-m", "onnxspan", "run", "-o", "t.jsonl"]
    for more, expected in (
        ([], ["torch.onnx.export", "onnx.load", "onnx.checker.check_model"]),
        (["--pack", "none"], ["torch.onnx.export"]),
    ):
        done = subprocess.run(
            [*command, *more, "script.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        trace = Trace.read(tmp_path / "t.jsonl")
        assert names(trace) == expected
        assert {root.parent_id for root in roots(trace)} == {trace.scripts[0].span_id}
        assert any(one.name == "import torch" for one in trace.scripts[0].children)
        assert "script.py ran for" in done.stderr


def test_a_probe_without_a_span_is_said(tmp_path):
    """A probe on a function that is called outside an export is not passed over in silence."""
    (tmp_path / "script.py").write_text(
        "import io, torch, colorsys\n"
        f"options = {TORCHSCRIPT!r}\n"
        "torch.onnx.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),), 'm.onnx', **options)\n"
        "colorsys.rgb_to_hsv(0, 0, 0)\n"
    )
    command = [
        sys.executable,
        "-m",
        "onnxspan",
        "run",
        "--probe",
        "colorsys:rgb_to_hsv",
        "script.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--root module:function" in done.stderr


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up = torch.nn.Linear(4, 4)

    def forward(self, x):
        return torch.relu(self.up(x)).sum(1)


def profiled(tmp_path, runs=2, **options):
    """A session that the script profiles, run so often; the recording, and what ORT has written."""
    path = tmp_path / "p.onnx"
    torch.onnx.export(Two().eval(), (torch.zeros(1, 4),), path, **options)
    told = onnxruntime.SessionOptions()
    told.enable_profiling = True
    told.profile_file_prefix = str(tmp_path / "profile")
    with onnxspan.trace(packs=["onnxruntime"]) as trace:
        session = onnxruntime.InferenceSession(path, told, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        for _ in range(runs):
            session.run(None, {name: np.ones((1, 4), np.float32)})
        file = session.end_profiling()
    assert trace.errors == []
    events = json.loads(Path(file).read_text(encoding="utf-8"))
    return trace, [one for one in events if one["name"].endswith("_kernel_time")]


def test_onnxruntimes_own_profile(tmp_path):
    """Each node that a profiled session ran is a span below its run, with ORT's own duration."""
    trace, kernels = profiled(tmp_path, **TORCHSCRIPT)
    runs = [root for root in roots(trace) if root.name == "onnxruntime.InferenceSession.run"]
    made = [child for run in runs for child in run.children]
    assert [len(run.children) for run in runs] == [len(kernels) // 2] * 2
    assert [child.name + "_kernel_time" for child in made] == [one["name"] for one in kernels]
    assert [round(child.duration * 1e6) for child in made] == [one["dur"] for one in kernels]
    assert {child.get(c.PACK_PROVIDERS)[0] for child in made} == {"CPUExecutionProvider"}
    assert made[0].get(c.NODE_OPERATOR) == f"onnx::{kernels[0]['args']['op_name']}"


@torch_facts.needs_dynamo
@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_a_profiled_node_names_the_models_line(tmp_path):
    """The dynamo exporter writes module and line into the file: they stand on the node's span."""
    trace, _ = profiled(tmp_path, dynamo=True, verbose=False)
    nodes = [child for root in roots(trace) for child in root.children]
    placed = [one for one in nodes if one.get(c.FILE)]
    assert {one.get(c.FILE) for one in placed} == {__file__}
    assert {one.get(c.NODE_SCOPE) for one in nodes} >= {"up"}


def test_without_a_profile_no_node_is_a_span(model):
    """A session that the script does not profile has runs without children."""
    with onnxspan.trace(packs=["onnxruntime"]) as trace:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        session.run(None, {"x": np.zeros((1, 4), np.float32)})
    assert not [child for root in roots(trace) for child in root.children]


LAZY = {
    "lazy_pack/__init__.py": (
        "import importlib\n"
        "def __getattr__(name):\n"
        "    if name != 'step':\n"
        "        raise AttributeError(name)\n"
        "    return importlib.import_module('lazy_pack.inner').step\n"
    ),
    "lazy_pack/inner.py": "def step():\n    return 1\n",
    "lazy_pack/broken.py": "def __getattr__(name):\n    raise ImportError(name)\n",
}


@pytest.fixture
def lazy(tmp_path, monkeypatch):
    """A package that imports its modules as they are asked for, as optimum and transformers do."""
    (tmp_path / "lazy_pack").mkdir()
    for name, text in LAZY.items():
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.startswith("lazy_pack")]:
        del sys.modules[name]
    holding._found.pop("step", None)


def test_a_row_with_two_places_is_wrapped_once(lazy, monkeypatch):
    """To look at the first place imports the module of the second: the call is one span."""
    from onnxspan.recording.probe import Probe

    row = Probe(
        "step", ("lazy_pack:step", "lazy_pack.inner:step"),
        opens=lambda _: None, root=True, pack="mine", most=9,
    )  # fmt: skip
    monkeypatch.setitem(packs.PACKS, "mine", (row,))
    with onnxspan.trace(packs=["mine"]) as trace:
        import lazy_pack

        assert lazy_pack.step() == 1
    assert [span.name for span in trace.spans] == ["step"]
    assert trace.errors == []


def test_a_place_that_cannot_be_looked_at_is_not_there(lazy):
    """An ImportError of a package's own is no error of ours, and `doctor` goes on."""
    from onnxspan.recording.patching import resolve
    from onnxspan.recording.probe import Probe

    assert resolve(Probe("step", ("lazy_pack.broken:step",))) == []
