"""Damaged and hostile files: every command ends with a message, or does its work."""

from __future__ import annotations

import contextlib
import io
import json

import pytest

import fuzzing
from onnxspan.cli import main
from onnxspan.reading.source import checked


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Real files, made once."""
    folder = tmp_path_factory.mktemp("bases")
    with contextlib.redirect_stdout(io.StringIO()):
        return fuzzing.bases(folder)


@pytest.mark.parametrize("seed", range(4))
def test_mutations_of_real_files(bases, tmp_path, seed):
    """No command raises on a mutated trace or flight log; `make fuzz` tries many more."""
    found = fuzzing.fuzz(bases, tmp_path, 100, seed)
    assert list(found.values()) == []


FLIGHT = {"onnxspan.flight": 1, "pid": 1, "host": "h", "at": 1, "limit": 1}


@pytest.mark.parametrize("key", ["pid", "at", "limit"])
@pytest.mark.parametrize("value", ["Infinity", "NaN", "1e999", "9" * 400, "null", "[]", "-1"])
def test_numbers_of_a_flight_logs_head(bases, tmp_path, key, value):
    """A head with a number that is none is refused; one that is odd is read."""
    log = next(path for path in bases if path.suffix == ".flight")
    head, *lines = log.read_text().splitlines()
    document = {**json.loads(head), key: "VALUE"}
    text = json.dumps(document).replace('"VALUE"', value)
    (tmp_path / "t.flight").write_text("\n".join([text, *lines]))
    assert fuzzing.problem(["show", str(tmp_path / "t.flight")]) == ""


def test_an_attribute_of_another_type_is_left_out():
    """A number where text is documented, and the reverse, reach no view."""
    found = checked.attributes(
        {
            "code.line.number": "12",
            "torch.onnx.level": 3,
            "torch.onnx.cpu.duration": float("inf"),
            "torch.onnx.memory.rss": 2**70,
            "another.key": object,
        }
    )
    assert found == {"another.key": object}


def test_millions_of_events_are_refused(bases, tmp_path, capsys):
    """A span with more events than anybody looks at is refused, before they take the memory."""
    base = next(path for path in bases if path.suffix == ".jsonl")
    document = json.loads(base.read_text().splitlines()[0])
    span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["events"] = [{}] * 20_000
    (tmp_path / "t.jsonl").write_text(json.dumps(document))
    with pytest.raises(SystemExit) as ended:
        main(["show", str(tmp_path / "t.jsonl")])
    assert ended.value.code == 2
    assert "events" in capsys.readouterr().err
