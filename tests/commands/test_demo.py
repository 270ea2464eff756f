"""`onnxspan demo`: two real exports, and their trees."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

import torch_facts
from onnxspan.cli import main


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
    assert shown.stdout.count("_optimize_graph") == 2
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
