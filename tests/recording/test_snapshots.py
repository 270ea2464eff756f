"""Snapshots: the graph's text before and after passes, in a folder beside the trace."""

import hashlib
import shutil
import warnings
from pathlib import Path

import pytest
import torch

import models
import onnxspan
import torch_facts
import zoo
from onnxspan import conventions as c
from onnxspan import graph_record
from onnxspan.reading.source import snapshots as diffs
from onnxspan.reading.source.trace import Trace
from onnxspan.recording.graphs import script_records, sources
from onnxspan.recording.listeners import snapshots
from onnxspan.recording.options import Options


def export(path, **options):
    """Export the same small model every time, traced."""
    torch.manual_seed(0)
    model, args = models.convolutional()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(**options) as trace:
            torch.onnx.export(model, args, path, **torch_facts.TORCHSCRIPT)
    assert trace.errors == []
    return trace


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """An export with the snapshots of what changed, saved."""
    folder = tmp_path_factory.mktemp("snapshots")
    trace = export(folder / "model.onnx", snapshots="changed")
    trace.save(folder / "export.jsonl")
    return folder, trace


def test_only_changes_are_kept(kept):
    """Every pass that changed the graph has both texts, and no other pass has any."""
    _, trace = kept
    passes = [span for span in trace.spans if c.SNAPSHOT_CHANGED in span.attributes]
    assert len(passes) > 30
    for span in passes:
        assert diffs.has_snapshot(span) == span.get(c.SNAPSHOT_CHANGED)
    for span in passes:
        if span.get(c.NODES_CHANGE):
            assert span.get(c.SNAPSHOT_CHANGED), span.name


def test_files_are_what_the_spans_say(kept):
    """The folder holds exactly the named files, each with the SHA-256 on its span."""
    folder, _ = kept
    trace = Trace.read(folder / "export.jsonl")
    named = {}
    for span in trace.spans:
        for name, digest in (
            (c.SNAPSHOT_BEFORE, c.SNAPSHOT_BEFORE_HASH),
            (c.SNAPSHOT_AFTER, c.SNAPSHOT_AFTER_HASH),
        ):
            if span.get(name):
                named[span.get(name)] = span.get(digest)
    records = {
        span.get(key)
        for span in trace.spans
        for key in (
            c.SNAPSHOT_GRAPH_BEFORE,
            c.SNAPSHOT_GRAPH_AFTER,
            c.SNAPSHOT_GRAPH_FILE,
            c.SNAPSHOT_SOURCE,
        )
        if span.get(key)
    }
    files = {file.name: file.read_bytes() for file in (folder / "export.snapshots").iterdir()}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert {name: digest for name, digest in digests.items() if name.endswith(".txt")} == named
    assert {name for name in digests if name.endswith(".json")} == records
    assert all(digests[name].startswith(name.partition(".")[0]) for name in records)


def test_the_diff_shows_the_pass(kept):
    """The diff of the conversion takes aten operators out and puts onnx ones in."""
    folder, trace = kept
    for read in (Trace.read(folder / "export.jsonl"), trace.result):
        (span,) = [span for span in read.spans if span.name == "_jit_pass_onnx"]
        lines = diffs.diff(read, span).splitlines()
        assert any(line.startswith("-") and "aten::_convolution" in line for line in lines)
        assert any(line.startswith("+") and "onnx::Conv" in line for line in lines)
        assert not any(line.startswith("+") and "aten::" in line for line in lines)


def test_the_model_is_the_same(kept, tmp_path):
    """Snapshots change no byte of the exported model, and none are taken when they are off."""
    folder, _ = kept
    trace = export(tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == (folder / "model.onnx").read_bytes()
    assert not any(
        key.startswith("torch.onnx.snapshot") for s in trace.spans for key in s.attributes
    )
    trace.save(tmp_path / "export.jsonl")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["export.jsonl", "model.onnx"]


def test_lines_of_the_model_are_kept(kept, tmp_path):
    """The lines that the nodes come from are kept with their neighbours; damage to them is said."""
    folder, trace = kept
    (root,) = trace.result.exports
    lines = diffs.source_lines(trace.result, root)
    ((file, found),) = [(file, one) for file, one in lines.items() if file.endswith("models.py")]
    written = Path(file).read_text(encoding="utf-8").splitlines()
    assert all(text == written[int(number) - 1] for number, text in found.items())
    assert len(found) < len(written)
    for text in ("{}", "[]", "no JSON", '{"format": "onnxspan.source", "files": {"a": 1}}'):
        name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        shutil.copytree(folder / "export.snapshots", tmp_path / "t.snapshots", dirs_exist_ok=True)
        (tmp_path / "t.snapshots" / name).write_text(text)
        changed = (folder / "export.jsonl").read_text().replace(root.get(c.SNAPSHOT_SOURCE), name)
        (tmp_path / "t.jsonl").write_text(changed)
        read = Trace.read(tmp_path / "t.jsonl")
        with pytest.raises(diffs.SnapshotError, match="cannot be read: it"):
            diffs.source_lines(read, read.exports[0])


def test_lines_of_the_model_are_bounded(monkeypatch):
    """Of a large model the first lines are kept, and a long line is cut."""
    monkeypatch.setattr(sources, "MAX_LINES", 10)
    monkeypatch.setattr(sources, "MAX_LENGTH", 5)
    text = sources.lines_around({(__file__, 5), (__file__, 40), ("/nowhere/model.py", 3)})
    ((file, lines),) = graph_record.load_source(text).items()
    assert file == __file__
    assert len(lines) == 10
    assert max(map(len, lines.values())) == 5


def test_a_pattern_keeps_the_named_passes(tmp_path, monkeypatch):
    """A pattern keeps both texts of the passes it names; what goes over a limit is said."""
    monkeypatch.setattr(snapshots, "MAX_FILES", 1)
    trace = export(tmp_path / "model.onnx", snapshots="*peephole")
    with_texts = [span for span in trace.spans if c.SNAPSHOT_CHANGED in span.attributes]
    assert {span.name for span in with_texts} == {
        "_jit_pass_peephole", "_jit_pass_onnx_peephole", "_jit_pass_onnx_eval_peephole"
    }  # fmt: skip
    omitted = [span for span in with_texts if c.SNAPSHOT_OMISSION in span.attributes]
    assert omitted
    assert "1 texts" in omitted[0].get(c.SNAPSHOT_OMISSION)
    assert trace.result.exports[0].get(c.SNAPSHOT_OMISSIONS) >= len(omitted)


def test_taking_them_is_not_counted_as_the_pass(tmp_path, monkeypatch):
    """The text is made before the span begins and after it ended, by the recorder's clock."""
    taken = []
    real = snapshots.graph_text.text

    def text(graph):
        taken.append(1)
        return real(graph)

    clock = iter(range(0, 10**12, 1000))
    seen = {}

    def ticking():
        now = next(clock)
        seen[now] = len(taken)
        return now

    monkeypatch.setattr(snapshots.graph_text, "text", text)
    model, args = models.convolutional()
    with onnxspan.Tracing(Options(snapshots="_jit_pass_cse", clock=ticking, epoch=0)) as trace:
        torch.onnx.export(model, args, tmp_path / "m.onnx", **torch_facts.TORCHSCRIPT)
    (span,) = [span for span in trace.spans if span.name == "_jit_pass_cse"]
    assert len(taken) == 2
    assert seen[span.start] == seen[span.end] == 1


@pytest.mark.parametrize("name", ["transformer", "recurrent", "custom autograd", "tied weights"])
def test_a_node_that_looks_the_same_is_written_the_same(name, monkeypatch):
    """What is taken from the record before is what reading the node again would give."""

    def kept():
        with onnxspan.trace(snapshots="changed") as trace:
            zoo.export(name)
        store = trace._store
        return {file: store.get(file) for file in store._kept}, trace.errors

    reused = kept()
    taken = []
    monkeypatch.setattr(script_records, "looks_of_nodes", lambda text: taken.append(text) or [])
    assert kept() == reused
    assert len(taken) > 2
    assert reused[1] == []
