"""Diffs of graphs: only what really changed shows."""

import hashlib
import json

import pytest

import synthetic
from onnxspan.reading.source import snapshots
from onnxspan.reading.source.trace import Trace

GRAPH = """graph(%x.1 : Float(4), %w : Float(4)):
  %5 : int = prim::Constant[value=1]()
  %6 : Float(4) = aten::mul(%x.1, %w) # /home/me/model.py:3:0
  %7 : Float(4) = aten::add(%6, %w, %5), scope: Model:: # /home/me/model.py:4:0
  %8 : Float(4) = aten::relu(%7)
  return (%8)
"""
RENUMBERED = (
    GRAPH.replace("%5", "%1").replace("%6", "%2").replace("%7", "%3").replace("%8", "%4")
    .replace("%x.1", "%0")
)  # fmt: skip


def changes(diff):
    """The changed lines of a diff."""
    return [line for line in diff.splitlines()[2:] if line[0] in "+-"]


def test_renumbering_is_no_change():
    """A graph whose values all got other names has an empty diff."""
    assert snapshots.unified(GRAPH, RENUMBERED) == ""


def test_a_change_among_renumbered_values_shows_alone():
    """One replaced operator in a renumbered graph is the only change that shows."""
    after = RENUMBERED.replace("aten::relu(%3)", "aten::gelu(%3)")
    assert changes(snapshots.unified(GRAPH, after)) == [
        "-  %8 : Float(4) = aten::relu(%7)",
        "-  return (%8)",
        "+  %4 : Float(4) = aten::gelu(%7)",
        "+  return (%4)",
    ]


def test_another_input_is_a_change():
    """The same operator on another value shows, though the masked line is the same."""
    after = RENUMBERED.replace("aten::relu(%3)", "aten::relu(%2)")
    assert changes(snapshots.unified(GRAPH, after)) == [
        "-  %8 : Float(4) = aten::relu(%7)",
        "+  %8 : Float(4) = aten::relu(%6)",
    ]


def test_another_result_is_a_change():
    """A graph that returns another value shows that, and nothing else."""
    after = RENUMBERED.replace("return (%4)", "return (%3)")
    assert changes(snapshots.unified(GRAPH, after)) == ["-  return (%8)", "+  return (%7)"]


def test_a_new_value_never_takes_an_old_name():
    """A value that is new, and by chance called as an old one, gets a name of its own."""
    after = GRAPH.replace("aten::relu(%7)", "aten::relu(%9)").replace(
        "  %8 :", "  %9 : Float(4) = aten::neg(%7)\n  %8 :"
    )
    assert changes(snapshots.unified(GRAPH, after)) == [
        "-  %8 : Float(4) = aten::relu(%7)",
        "+  %9 : Float(4) = aten::neg(%7)",
        "+  %8 : Float(4) = aten::relu(%9)",
    ]


def test_onnx_ir_line_numbers_are_no_change():
    """onnx_ir numbers its lines; a node less does not change the lines below it."""
    before = ' 0 |  %"a"<F> ⬅️ ::Add(%"x", %"y")\n 1 |  %"b"<F> ⬅️ ::Relu(%"a")\n'
    after = ' 0 |  %"v"<F> ⬅️ ::Relu(%"a")\n'
    assert changes(snapshots.unified(before, after)) == ['-  %"a"<F> ⬅️ ::Add(%"x", %"y")']


def trace_with(tmp_path, name, digest):
    """A trace with one pass that names a snapshot."""
    span = synthetic.span(1, 0, "_jit_pass_x", 0, 9, {
        "torch.onnx.snapshot.before.file.name": name,
        "torch.onnx.snapshot.before.sha256": digest,
        "torch.onnx.snapshot.after.file.name": name,
        "torch.onnx.snapshot.after.sha256": digest,
    })  # fmt: skip
    path = tmp_path / "t.jsonl"
    path.write_text(synthetic.lines([span]))
    return Trace.read(path)


def test_a_missing_or_changed_file_is_said(tmp_path):
    """A snapshot that is not there, or not the one recorded, is an error that says so."""
    digest = hashlib.sha256(GRAPH.encode()).hexdigest()
    name = f"{digest[:16]}.txt"
    trace = trace_with(tmp_path, name, digest)
    with pytest.raises(snapshots.SnapshotError, match="is not there"):
        snapshots.diff(trace, trace.spans[0])
    folder = tmp_path / "t.snapshots"
    folder.mkdir()
    (folder / name).write_text("other")
    with pytest.raises(snapshots.SnapshotError, match="SHA-256"):
        snapshots.diff(trace, trace.spans[0])
    (folder / name).write_text(GRAPH)
    assert snapshots.diff(trace, trace.spans[0]) == ""


def test_a_trace_cannot_name_other_files(tmp_path):
    """A file outside the folder is never read, whatever the trace says."""
    (tmp_path / "t.snapshots").mkdir()
    (tmp_path / "secret").write_text(json.dumps("secret"))
    trace = trace_with(tmp_path, "../secret", "0")
    with pytest.raises(snapshots.SnapshotError, match="is not there"):
        snapshots.diff(trace, trace.spans[0])
