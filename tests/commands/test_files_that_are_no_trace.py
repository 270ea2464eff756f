"""Every command that takes a file of spans reads the same files, and says the same of the others."""

from __future__ import annotations

import gzip
import json

import pytest
from click.testing import CliRunner

import synthetic
from collectors import HttpCollector
from onnxspan import conventions as c
from onnxspan.cli import main

TEXT = synthetic.lines(synthetic.export(20), batch=8)
FIRST = TEXT.splitlines(keepends=True)[0]
NOT_SPANS = "is not a line of OTLP JSON spans"
PLAIN = (
    ("show",),
    ("html",),
    ("walk",),
    ("convert", "--to", "perfetto"),
    ("growth", "--json"),
    ("diff",),
)

BAD = {
    "empty": (b"", "holds no span."),
    "gzip": (gzip.compress(TEXT.encode()), "is gzip. Unpack it first"),
    "no JSON": (b"nonsense\n", "its first line is not JSON"),
    "a list": (b"[1]\n", "is not a trace"),
    "no ids": (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]}\n', f"line 1 {NOT_SPANS}"),
    "a number": (
        TEXT.replace('"startTimeUnixNano": "17', '"startTimeUnixNano": "x', 1).encode(),
        f"line 1 {NOT_SPANS}",
    ),
    "cut off": ((FIRST + "{" * 9).encode(), "ends in the middle of line 2"),
    "damaged inside": ((FIRST + "{" * 9 + "\n" + FIRST).encode(), "line 2 is not JSON"),
    "pretty": (json.dumps(json.loads(FIRST), indent=1).encode(), "jq -c"),
    "logs only": (b'{"resourceLogs": []}\n', "holds no span."),
    "Chrome trace": (b'{"traceEvents": []}\n', "is a Chrome trace"),
}  # fmt: skip


def command(collector, path, *start):
    """Run one command on the file."""
    files = [str(path)] * (2 if start == ("diff",) else 1)
    address = ["--otlp", collector.url] if start == ("send",) else []
    return CliRunner().invoke(main, [*start, *files, *address])


@pytest.mark.parametrize("case", BAD)
def test_one_sentence(case, tmp_path):
    """Each command ends with code 2 and the same sentence, and `send` sends nothing."""
    data, said = BAD[case]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(data)
    with HttpCollector() as collector:
        results = [command(collector, path, *start) for start in (*PLAIN, ("send",))]
        assert collector.paths == []
    assert {result.exit_code for result in results} == {2}
    assert len({result.output for result in results}) == 1, [result.output for result in results]
    assert str(path) in results[0].output
    assert said in results[0].output


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_no_file(what, tmp_path):
    """What is no file at all is named by each command in the same words."""
    path = tmp_path / "x.jsonl"
    if what == "folder":
        path.mkdir()
    with HttpCollector() as collector:
        results = [command(collector, path, *start) for start in (*PLAIN, ("send",))]
    assert {result.exit_code for result in results} == {2}
    assert len({result.output for result in results}) == 1, [result.output for result in results]


def test_flight_log(tmp_path):
    """`send` says of a flight log that it is one; the views read it."""
    path = tmp_path / "x.flight"
    path.write_text(f'{{"{c.FLIGHT_FORMAT}": 1}}\n')
    with HttpCollector() as collector:
        result = command(collector, path, "send")
    assert result.exit_code == 2
    assert "is a flight log, not OTLP JSON lines" in result.output


def test_other_signals_first(tmp_path):
    """A Collector's file with logs and metrics before the spans is shown, converted and sent."""
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"resourceLogs": []}\n{"resourceMetrics": []}\n\n' + TEXT)
    with HttpCollector() as collector:
        for start in (("show",), ("html",), ("convert", "--to", "speedscope"), ("send",)):
            result = command(collector, path, *start)
            assert result.exit_code == 0, (start, result.output)
        assert len(collector.spans) == 20
