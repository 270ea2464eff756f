"""The report as a file: what is in it, and that nothing gets out of it."""

import html
import io
import json
import os
import re
import warnings

import pytest
import torch

import onnxspan
import synthetic
import torch_facts
from models import convolutional
from onnxspan.reading import answer, report
from onnxspan.reading.source.trace import Trace


def data_of(page):
    """The report's block of JSON."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_data_is_json_for_machines(tmp_path):
    """The block of JSON holds every span with its parent, times and attributes."""
    trace = synthetic.read(tmp_path, synthetic.export(200))
    data = data_of(report.render(trace))
    assert data["format"] == "onnxspan.report"
    assert len(data["spans"]) == len(trace.spans) == 200
    for row, span in zip(data["spans"], trace.spans, strict=True):
        assert row["name"] == span.name
        assert row["duration"] == span.end - span.start
        assert {**data["places"][row["place"]], **row["attributes"]} == span.attributes
        parent = data["spans"][row["parent"]]["id"] if row["parent"] >= 0 else ""
        assert parent == span.parent_id


def test_nothing_from_a_trace_is_markup(tmp_path):
    """No text of a hostile trace ends the data, opens an element, or breaks the encoding."""
    page = report.render(synthetic.read(tmp_path, synthetic.hostile()))
    page.encode()
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert data_of(page)["spans"][0]["name"] == synthetic.HOSTILE


def test_the_policy_forbids_the_network(tmp_path):
    """The page allows its own script and style by their hashes, and nothing else."""
    page = report.render(synthetic.read(tmp_path, synthetic.export(20)))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https:" not in page


def test_a_default_trace_is_small(tmp_path):
    """The report of a trace of 200 spans has less than 2 MB."""
    assert len(report.render(synthetic.read(tmp_path, synthetic.export(200)))) < 2_000_000


def test_missing_spans_are_said(tmp_path):
    """When the root counted more spans than there are, the report says so first."""
    spans = synthetic.export(50)
    assert data_of(report.render(synthetic.read(tmp_path, spans)))["notices"] == []
    (notice,) = data_of(report.render(synthetic.read(tmp_path, spans[:40])))["notices"]
    assert "began 50" in notice
    assert "holds 40" in notice


def test_a_killed_process_is_said(tmp_path):
    """The report of a flight log says first where the process was, and says it once."""
    log = tmp_path / "export.flight"
    log.write_text(
        '{"onnxspan.flight":1,"pid":1,"host":"elsewhere","at":1,"limit":0}\n'
        '{"e":"01","p":"","t":5,"m":7,"n":"torch.onnx.export","l":"stages"}\n'
        '{"e":"02","p":"01","t":6,"m":8,"n":"_export","l":"stages"}\n'
    )
    page = report.render(Trace.read(log))
    assert "The process ended inside _export, without a word\n" in page
    assert data_of(page)["notices"] == []


def test_whole_or_not_at_all(tmp_path, monkeypatch):
    """When writing fails, neither the report nor a part of it is left."""
    trace = synthetic.read(tmp_path, synthetic.export(20))
    folder = tmp_path / "out"
    folder.mkdir()

    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        report.save(trace, folder / "x.html")
    assert list(folder.iterdir()) == []


def test_nothing_recorded():
    """A trace without spans says what to do instead of making an empty page."""
    with pytest.raises(ValueError, match="no export was recorded"):
        report.render(Trace([]))


def test_notebook_says_all_that_the_terminal_says():
    """The answer, the header, shares and figures of a real export; the failure screen of another."""
    model, args = convolutional()
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    shown = trace._repr_html_()
    export = trace.exports[0]
    for sentence in answer.sentences(export):
        assert html.escape(answer.text(sentence)) in shown
    assert f"torch {torch.__version__}"[:10] in shown
    assert ">100 %<" in shown
    assert "_jit_pass_onnx_eval_peephole" in shown
    with onnxspan.trace() as trace, warnings.catch_warnings(), pytest.raises(RuntimeError):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            torch.nn.Linear(2, 2), (torch.ones(3),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    shown = trace._repr_html_()
    assert html.escape(trace.failure.screen(width=100).partition("\n")[0]) in shown
    tree = shown.split(">time<")[1]
    assert tree.count(html.escape(trace.failure.span.description.partition("\n")[0])) == 1
    assert "failed inside" in tree


def test_notebook_folds_as_the_terminal(tmp_path):
    """Short and repeated passes share a line, closed, with the terminal's words; inside is each."""
    shown = synthetic.read(tmp_path, synthetic.export(200))._repr_html_()
    words = re.search(
        r"<details><summary[^>]*>(?:(?!</summary>).)*… (\d+) more (?:passes|spans)", shown
    )
    inside = shown[words.end() :].split("</details>")[0]
    assert inside.count("_jit_pass_number") == int(words[1]) > 3


def test_notebook(tmp_path):
    """In a notebook the tree is plain HTML with every text escaped, and bounded."""
    shown = synthetic.read(tmp_path, synthetic.export(3000))._repr_html_()
    assert shown.startswith("<div")
    assert "torch.onnx.export" in shown
    assert "of 3,000 spans" in shown
    assert len(shown) < 400_000
    escaped = synthetic.read(tmp_path, synthetic.hostile())._repr_html_()
    assert "<img" not in escaped
    assert "<script" not in escaped
    assert "&lt;img" in escaped
