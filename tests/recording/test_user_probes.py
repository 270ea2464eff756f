"""Probes that a user adds: their functions get spans, and nothing of theirs is left wrapped."""

from __future__ import annotations

import dataclasses
import io
import sys
import threading

import pytest
import torch

import onnxspan
import torch_facts
from onnxspan import conventions as c

MINE = """
import tempfile
from pathlib import Path

import torch

def double(x):
    return x * 2

def grow(graph):
    node = graph.create("onnx::Constant", 1)
    node.t_("value", torch.zeros(1))
    graph.appendNode(node)

def make_relu(g, x):
    return g.op("Relu", x)

def symbolic_relu(g, x):
    grow(g.graph)
    return make_relu(g, x)

def export_for_phone(model, x, **options):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        torch.onnx.export(model, (x,), str(file), **options)
        return file.read_bytes()

class Phone:
    def relu(self, g, x):
        return g.op("Relu", x)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of the user's own, as it is before anything is traced."""
    (tmp_path / "mine_of_tests.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine_of_tests

    yield mine_of_tests
    del sys.modules["mine_of_tests"]


class Doubling(torch.nn.Module):
    def __init__(self, mine):
        super().__init__()
        self.mine = mine

    def forward(self, x):
        return self.mine.double(x).relu()


def _export(mine, **options):
    return mine.export_for_phone(
        Doubling(mine), torch.zeros(2, 3), **torch_facts.TORCHSCRIPT, **options
    )


@pytest.fixture(autouse=True)
def own_symbolic(mine):
    """The user's own translation of relu, in the user's own module."""
    torch.onnx.register_custom_op_symbolic("aten::relu", mine.symbolic_relu, 17)
    yield
    torch.onnx.unregister_custom_op_symbolic("aten::relu", 17)


def test_a_place_gives_a_span(mine):
    """`module:function` alone gives each call a span where it was called, and the same bytes."""
    plain, original = _export(mine), mine.make_relu
    with onnxspan.trace(probes=["mine_of_tests:make_relu"]) as trace:
        assert _export(mine) == plain
        assert mine.make_relu is original  # wrapped only while an export runs
    span = next(span for span in trace.spans if span.name == "make_relu")
    assert span.parent.name == "_jit_pass_onnx"
    assert span.get(c.FUNCTION) == "mine_of_tests.make_relu"
    assert trace.errors == []


@pytest.mark.parametrize("exporter", torch_facts.EITHER)
def test_what_forward_calls_stays_bare(mine, exporter):
    """A function that the model's forward calls gets no span: a wrapper would rename the inputs."""
    model, original, seen = Doubling(mine), mine.double, []
    mine.double = lambda x: (seen.append(mine.double is probed), original(x))[1]
    probed = mine.double
    plain = mine.export_for_phone(model, torch.zeros(2, 3), **exporter)
    with onnxspan.trace(probes=["mine_of_tests:double"]) as trace:
        traced = mine.export_for_phone(model, torch.zeros(2, 3), **exporter)
    assert traced == plain
    assert seen
    assert all(seen)
    assert mine.double is probed
    assert "double" not in {span.name for span in trace.spans}
    assert trace.errors == []


def test_a_graph_that_is_handed_over_is_measured(mine):
    """A function that is given a graph says its size and how it changed, like any pass."""
    seen = []

    def after(call, result):
        seen.append((call.argument("graph"), result))
        call.note("mine.said", "so")

    probe = onnxspan.Probe("grow", ("mine_of_tests:grow",), level="passes", after=after)
    with onnxspan.trace(probes=[probe]) as trace:
        _export(mine)
    span = next(span for span in trace.spans if span.name == "grow")
    assert span.get("mine.said") == "so"
    assert span.get(c.NODES_CHANGE) == 1  # a constant that nobody uses
    assert span.get(c.NODES) >= 1
    [(graph, result)] = seen
    assert hasattr(graph, "findAllNodes")
    assert result is None


def test_an_object_without_a_hash_is_read_too(mine, monkeypatch):
    """What is called may be an object of a dataclass; its arguments are known by their names."""
    original, seen = mine.grow, []

    @dataclasses.dataclass
    class Growing:
        def __call__(self, graph):
            return original(graph)

    monkeypatch.setattr(mine, "grow", Growing())
    probe = onnxspan.Probe(
        "grow",
        ("mine_of_tests:grow",),
        level="passes",
        after=lambda call, _result: seen.append(call.argument("graph")),
    )
    with onnxspan.trace(probes=[probe]) as trace:
        _export(mine)
    assert trace.errors == []
    assert hasattr(seen[0], "findAllNodes")


def test_a_root_stands_around_its_exports(mine):
    """With `root=True` a function around an export is the trace's root, and heads its tree."""
    original = mine.export_for_phone
    probe = onnxspan.Probe("export_for_phone", ("mine_of_tests:export_for_phone",), root=True)
    with onnxspan.trace("stages", probes=[probe]) as trace:
        _export(mine)
    assert mine.export_for_phone is original
    [root] = trace.result.roots
    assert root.name == "export_for_phone"
    assert [span.name for span in root.children] == [c.EXPORT]
    [export] = trace.exports
    assert (export.name, export.get(c.EXPORTER)) == (c.EXPORT, "torchscript")
    assert export.get(c.OPSET) is not None
    assert export.get(c.RESULT_NODES) == 3
    out = io.StringIO()
    trace.show(file=out)
    assert f"torch {torch.__version__.split('+')[0]}" in out.getvalue()


def test_it_is_deep_enough_or_not_wrapped(mine):
    """A row of level `nodes` gives no span at `passes`."""
    probe = onnxspan.Probe("make_relu", ("mine_of_tests:make_relu",), level="nodes")
    with onnxspan.trace("passes", probes=[probe]) as trace:
        _export(mine)
    assert "make_relu" not in {span.name for span in trace.spans}


def test_what_a_reader_raises_is_kept_away(mine):
    """A `before` or `after` that raises is counted, and the export's bytes stay the same."""
    plain = _export(mine)

    def breaks(*_args):
        raise ZeroDivisionError("in the user's probe")

    probe = onnxspan.Probe("make_relu", ("mine_of_tests:make_relu",), before=breaks, after=breaks)
    with onnxspan.trace(probes=[probe]) as trace:
        assert _export(mine) == plain
    assert sum("in the user's probe" in line for line in trace.errors) == 2


def test_a_place_that_is_not_there_is_said_once(mine, caplog):
    """A probe without its function says so once, by name and place, and the export goes on."""
    with onnxspan.trace(probes=["mine_of_tests:dobule", "no_such_module:f"]) as trace:
        _export(mine)
        _export(mine)
    assert [line.split(" is not there")[0] for line in trace.errors] == [
        "probe dobule: mine_of_tests:dobule",
        "probe f: no_such_module:f",
    ]
    assert len([r for r in caplog.records if "is not there" in r.getMessage()]) == 2
    assert len(trace.exports) == 2


def test_a_place_of_ours_is_left_alone(mine):
    """Where onnxspan has a span already there is one span still, and the way on is said."""
    with onnxspan.trace(probes=["torch._C:_jit_pass_lower_all_tuples"]) as trace:
        _export(mine)
    with onnxspan.trace() as plain:
        _export(mine)
    assert [span.name for span in trace.spans] == [span.name for span in plain.spans]
    assert "use a hook" in trace.errors[0]


def test_two_recordings_share_a_place(mine):
    """Two recordings with a probe at one place leave the identical object, in any order of ends."""
    original = mine.export_for_phone
    place = ("mine_of_tests:export_for_phone",)
    first = onnxspan.trace(probes=[onnxspan.Probe("first", place, root=True)])
    second = onnxspan.trace(probes=[onnxspan.Probe("second", place, root=True)])
    first.__enter__()
    second.__enter__()
    _export(mine)
    first.__exit__(None, None, None)
    assert mine.export_for_phone is not original
    _export(mine)
    second.__exit__(None, None, None)
    assert mine.export_for_phone is original
    assert [root.name for root in second.result.roots] == ["first", "first"]
    with onnxspan.trace(probes=[onnxspan.Probe("third", place, root=True)]) as third:
        _export(mine)
    assert [root.name for root in third.result.roots] == ["third"]


def test_threads_leave_nothing(mine):
    """Two threads that record with a probe at one place both get spans, and leave nothing."""
    original, found, one_at_a_time = mine.make_relu, [], threading.Lock()  # torch's own limit

    def one():
        with onnxspan.trace(probes=["mine_of_tests:make_relu"]) as trace:
            for _ in range(3):
                with one_at_a_time:
                    _export(mine)
        found.append(sum(span.name == "make_relu" for span in trace.spans))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3, 3]
    assert mine.make_relu is original


def test_a_method_is_put_back(mine):
    """A method of a class is wrapped by `module:Class.method` and put back as it lay there."""
    raw = vars(mine.Phone)["relu"]

    def symbolic(g, x):
        return mine.Phone().relu(g, x)

    torch.onnx.register_custom_op_symbolic("aten::relu", symbolic, 17)
    with onnxspan.trace(probes=["mine_of_tests:Phone.relu"]) as trace:
        _export(mine)
    assert vars(mine.Phone)["relu"] is raw
    assert "relu" in {span.name for span in trace.spans}


@pytest.mark.parametrize("fails_in", ["_trace_and_get_graph_from_model", "_jit_pass_onnx"])
def test_an_export_that_fails_leaves_nothing(mine, fails_in):
    """An export that fails while the model runs, or later, leaves the user's functions bare."""
    originals = mine.double, mine.make_relu
    model = Doubling(mine)
    if fails_in == "_jit_pass_onnx":
        torch.onnx.register_custom_op_symbolic("aten::relu", lambda _g: None, 17)
    else:
        model.forward = lambda x: mine.double(x).no_such_method()
    probes = ["mine_of_tests:double", "mine_of_tests:make_relu"]
    with pytest.raises((AttributeError, TypeError)), onnxspan.trace(probes=probes) as trace:
        mine.export_for_phone(model, torch.zeros(2, 3), **torch_facts.TORCHSCRIPT)
    assert fails_in in {span.name for span in trace.spans if span.error}
    assert (mine.double, mine.make_relu) == originals
    assert trace.errors == []


@pytest.mark.parametrize("wrong", ["mine.double", ":double", "mine:", ""])
def test_a_place_is_checked_at_once(wrong):
    """What is no `module:function` is refused before anything runs, and the form is named."""
    with pytest.raises(ValueError, match="module:function"):
        onnxspan.trace(probes=[wrong])


@pytest.mark.parametrize("wrong", ["mine:double", [len], [None]])
def test_what_is_no_probe_is_refused(wrong):
    """A bare string, or what is neither place nor row, is a TypeError."""
    with pytest.raises(TypeError):
        onnxspan.trace(probes=wrong)
