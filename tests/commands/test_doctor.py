"""`onnxspan doctor`: where each probe is found, and what is wrapped."""

from __future__ import annotations

import importlib.metadata
import json
import sys

import pytest
import torch
from click.testing import CliRunner

import onnxspan
import torch_facts
from onnxspan.cli import main
from onnxspan.recording.probes import ENTRY_POINTS, TABLES


def report():
    """What the doctor says, as JSON."""
    done = CliRunner().invoke(main, ["doctor", "--json"])
    assert done.exit_code == 0
    return json.loads(done.stdout)


def test_every_probe_is_listed():
    """Each row of the tables is there once, with its level and where it was found."""
    found = report()
    tables = {"openers": ENTRY_POINTS} | {kind.value: rows for kind, rows in TABLES.items()}
    listed = [(row["table"], row["name"]) for row in found["probes"]]
    assert listed == [(table, probe.name) for table, probes in tables.items() for probe in probes]
    places = {row["name"]: row["place"] for row in found["probes"]}
    assert places["torch.onnx.export"] == "torch.onnx:export"
    assert found["versions"]["torch"] == importlib.metadata.version("torch")
    assert found["versions"]["onnxspan"] == onnxspan.__version__


def test_torchscript_probes_are_found():
    """No probe of the TorchScript exporter is missing, nor an opener in the pinned torch."""
    tables = {"torchscript"} if torch_facts.OLDER else {"openers", "torchscript"}
    missing = [
        row["name"] for row in report()["probes"] if row["table"] in tables and not row["found"]
    ]
    assert missing == []


def test_what_is_wrapped_now():
    """Inside a trace the openers are wrapped, and nothing else; outside nothing is."""
    assert not any(row["installed"] for row in report()["probes"])
    with onnxspan.trace():
        wrapped = {row["table"] for row in report()["probes"] if row["installed"]}
    assert wrapped == {"openers"}


def test_a_missing_place_is_said(monkeypatch):
    """A probe without a place in this torch is named in the table and at the end."""
    monkeypatch.delattr(torch.onnx, "export")
    done = CliRunner().invoke(main, ["doctor"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "missing in this torch" in done.stdout
    _, _, names = done.stdout.partition("not in this torch, and skipped: ")
    assert "torch.onnx.export" in names.replace(",", " ").split()
    assert "\x1b" not in done.stdout


def test_an_exporter_without_probes_is_named(monkeypatch):
    """Where torch has `dynamo_export`, the doctor says that it is not traced."""
    monkeypatch.setattr(torch.onnx, "dynamo_export", lambda: None, raising=False)
    assert "torch.onnx.dynamo_export" in report()["untraced"]
    done = CliRunner().invoke(main, ["doctor"], env={"COLUMNS": "200"})
    assert "torch.onnx.dynamo_export is not traced: an earlier exporter" in done.stdout
    monkeypatch.delattr(torch.onnx, "dynamo_export")
    assert report()["untraced"] == {}


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_without_torch_it_says_what_is_here(monkeypatch, words):
    """Where torch cannot be imported the versions are listed all the same; exit code 2."""
    monkeypatch.setitem(sys.modules, "torch.onnx", None)
    done = CliRunner().invoke(main, ["doctor", *words])
    assert done.exit_code == 2
    assert importlib.metadata.version("onnx") in done.stdout
    assert "torch cannot be imported" in done.stderr
    if words:
        assert "onnxspan" in json.loads(done.stdout)["versions"]
