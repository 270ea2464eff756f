"""`onnxspan demo`: two real exports, and their trees."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

import torch_facts
from onnxspan import Trace
from onnxspan.cli import main
from onnxspan.commands import program as program_name


@pytest.fixture(scope="module")
def shown():
    """What the demo prints."""
    arguments = ["demo", "--level", "stages", "--exporter", "torchscript"]
    done = CliRunner().invoke(main, arguments, env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    return done


def test_both_models_are_shown(shown):
    """Both models are exported, and both trees are there with their stages."""
    assert "convolutional model, torchscript exporter" in shown.stdout
    assert "transformer model, torchscript exporter" in shown.stdout
    assert len(re.findall(r"^torch\.onnx\.export ", shown.stdout, re.MULTILINE)) == 2
    assert len(re.findall(r"^[│├└ ]*_optimize_graph ", shown.stdout, re.MULTILINE)) == 2
    assert len(re.findall(r"^tracing took .* of this export$", shown.stdout, re.MULTILINE)) == 2


def test_it_fits_a_pipe(shown):
    """The trees are on stdout, in 80 columns, without colours and without failures."""
    assert "\x1b" not in shown.stdout
    assert "✗" not in shown.stdout
    assert "_jit_pass" not in shown.stdout  # the level is `stages`
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert shown.stderr == ""


@pytest.mark.skipif(not torch_facts.DYNAMO, reason=torch_facts.NO_DYNAMO)
def test_both_exporters_stand_side_by_side():
    """Each model has a table with a column an exporter, and its steps in one of them or both."""
    done = CliRunner().invoke(main, ["demo", "--level", "stages"], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    tables = done.stdout.split(" model, side by side ──")[1:]
    assert len(tables) == 2
    for table in tables:
        rows = [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()]
        lines = {row[0]: row[1:] for row in rows}
        assert len(lines["capture the model"]) == 2
        assert len(lines["written"]) == 2
        # Dynamo alone has that step, and not in its first versions.
        assert len(lines.get("optimize", ())) == (1 if torch_facts.OPTIMIZES else 0)


def test_it_leaves_a_trace_and_a_report(tmp_path, monkeypatch):
    """With --save both files are there, they hold every export, and the commands named exist."""
    monkeypatch.chdir(tmp_path)
    arguments = ["demo", "--level", "stages", "--exporter", "torchscript", "--save", "made/here"]
    done = CliRunner().invoke(main, arguments, env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    assert len(Trace.read("made/here/demo.jsonl").exports) == 2
    assert "<html" in (tmp_path / "made/here/demo.html").read_text(encoding="utf-8")
    assert "`onnxspan walk made/here/demo.jsonl`" in done.stdout


def test_it_says_why_it_cannot_save(tmp_path):
    """A folder that cannot be made is an error before anything is exported."""
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["demo", "--save", str(tmp_path / "file" / "below")])
    assert done.exit_code == 2
    assert "file/below" in done.output
    assert "── " not in done.output


def test_the_command_is_named_as_it_was_typed(tmp_path, monkeypatch):
    """A program that is not on the path is named by its path from here."""
    program = tmp_path / ".venv" / "bin" / "onnxspan"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program_name, "_TYPED", str(program))
    assert program_name.as_typed() == ".venv/bin/onnxspan"
    monkeypatch.setenv("PATH", str(program.parent))
    assert program_name.as_typed() == "onnxspan"
