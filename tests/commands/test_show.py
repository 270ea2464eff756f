"""`onnxspan show`: the tree of a file, and its JSON."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

import handmade
import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.cli import main
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.trace_json import as_json
from onnxspan.reading.tree import tree
from onnxspan.recording.outputs.outputs import write_file


@pytest.fixture
def saved(tmp_path):
    """A saved trace of an export that folds, and one span that never ended."""
    builder = handmade.Builder()
    top = handmade.export(builder)
    builder.add("_jit_pass_killed", 995, None, top, handmade.PASS)
    path = tmp_path / "export.jsonl"
    write_file(path, builder.spans)
    return path


def invoke(*arguments, **options):
    """Call the command in this process."""
    return CliRunner().invoke(main, ["show", *map(str, arguments)], **options)


def test_the_tree_is_that_of_memory(saved, capsys, monkeypatch):
    """`show` prints to stdout what `trace.show()` prints from memory."""
    monkeypatch.setenv("COLUMNS", "80")
    done = invoke(saved)
    tree.show(Trace.read(saved), width=80)
    assert (done.exit_code, done.stdout) == (0, capsys.readouterr().err)
    assert done.stderr == ""


def test_unfold_and_width(saved):
    """--unfold gives each lint its line; --width is kept."""
    folded, unfolded = invoke(saved, "--width", 60), invoke(saved, "--unfold", "--width", 60)
    assert folded.stdout.count("_lint") == 1
    assert unfolded.stdout.count("_lint") == 10
    assert max(map(cell_len, unfolded.stdout.splitlines())) <= 60


def test_json(saved):
    """--json prints every span, nested, with seconds and null for what never ended."""
    done = invoke(saved, "--json")
    document = json.loads(done.stdout)
    assert document["source"] == str(saved)
    (root,) = document["roots"]
    assert (root["name"], root["duration_s"], root["status"]) == ("torch.onnx.export", 1.0, "ok")
    assert root["attributes"][c.MODEL_PARAMETERS] == 1_234_567
    killed = root["children"][-1]
    assert (killed["name"], killed["end"], killed["duration_s"]) == (
        "_jit_pass_killed",
        None,
        None,
    )

    def count(span):
        return 1 + sum(map(count, span["children"]))

    assert count(root) == len(Trace.read(saved).spans)


@given(st.text(max_size=8), st.floats() | st.lists(st.floats(), max_size=2))
@settings(max_examples=50, deadline=None)
def test_json_is_strict_and_plain(text, value):
    """Whatever a trace holds, the JSON is strict ASCII without control characters."""
    builder = handmade.Builder()
    builder.add(text, 0, 1, None, {"value": value}, error=text or None)
    dumped = json.dumps(as_json(Trace.from_spans(builder.spans)), allow_nan=False)
    assert dumped.isascii()
    assert dumped.isprintable()


def test_json_has_the_failures():
    """A failure in JSON has what its screen shows, with the span that it is of."""

    class Missing(torch.nn.Module):
        def forward(self, x):
            return torch.linalg.eigvals(x)

    with onnxspan.trace() as trace, contextlib.suppress(Exception):
        torch.onnx.export(Missing(), (torch.ones(2, 2),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
    (failure,) = json.loads(json.dumps(as_json(trace.result)))["failures"]
    assert failure["operator"] == "aten::linalg_eigvals"
    assert failure["line"] > 0
    assert failure["hints"]
    assert failure["span_id"] in [span.span_id for span in trace.result.spans]


def test_a_deep_trace(tmp_path):
    """Spans nested deeper than JSON can be written by Python: shown, or refused in words."""
    builder = handmade.Builder()
    parent = builder.add("torch.onnx.export", 0, 9000, None, handmade.root())
    for depth in range(1, 1200):
        parent = builder.add("deep", depth, 9000 - depth, parent)
    write_file(tmp_path / "deep.jsonl", builder.spans)
    shown = invoke(tmp_path / "deep.jsonl")
    assert (shown.exit_code, shown.stdout.count(" deep ")) == (0, 1200)  # one in the answer
    done = invoke(tmp_path / "deep.jsonl", "--json")
    assert done.exit_code == 2
    assert "deep.jsonl: has spans nested too deep for JSON" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "does not exist"),
        ("hello\n", "its first line is not JSON"),
        ('{"resourceSpans": 1}\n', "line 1 is not a line of OTLP JSON spans"),
    ],
)
def test_bad_files(data, said, tmp_path):
    """A file that is no trace: exit code 2, a message that names it, no traceback, no escapes."""
    path = tmp_path / "evil\x1b[31m.jsonl"
    if data is not None:
        path.write_text(data, encoding="utf-8")
    done = invoke(path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert r"evil\x1b[31m.jsonl" in done.stderr
    assert done.stderr.startswith("onnxspan: ")


def test_usage():
    """No file, or a width that is too small, is a usage error."""
    assert invoke().exit_code == 2
    assert invoke("x", "--width", 10).exit_code == 2
