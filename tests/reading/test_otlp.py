"""Reading trace files, and what is said of files that are none."""

import gzip
import json
import os
import sys

import pytest

import synthetic
from onnxspan import otlp_json
from onnxspan.errors import TraceFileError
from onnxspan.reading.source.trace import Trace


def lines(count=20):
    """A small trace as text."""
    return synthetic.lines(synthetic.export(count), batch=8)


FOREIGN = {
    "gzip": (gzip.compress(lines().encode()), "is gzip", "gunzip"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(50), "is zstd", "unzstd"),
    "onnx model": (b"\x08\x08\x12\x07pytorch" * 40, "first line is not JSON", "onnxspan run"),
    "empty": (b"", "holds no span.", "onnxspan run"),
    "chrome trace": (b'{"traceEvents": []}\n', "Chrome trace", "onnxspan run"),
    "logs only": (b'{"resourceLogs": []}\n', "holds no span.", "onnxspan run"),
    "another tool": (
        synthetic.lines([synthetic.span(1, 0, "GET", 0, 5)], scope="requests").encode(),
        "its spans are of requests",
        "onnxspan run",
    ),
    "pretty": (json.dumps({"resourceSpans": []}, indent=1).encode(), "several lines", "jq -c"),
    "wrong types": (b'{"resourceSpans": [{"scopeSpans": 5}]}\n', "line 1 is not", "onnxspan run"),
    "null": (b'{"resourceSpans": null}\n', "line 1 is not", "onnxspan run"),
    "huge int": (
        lines().replace('"startTimeUnixNano": "17', '"startTimeUnixNano": "x', 1).encode(),
        "line 1 is not",
        "onnxspan run",
    ),
    "nested": (b'{"a":' + b"[" * 200_000 + b"\n", "line 1 is not JSON", "onnxspan run"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_no_trace(case, tmp_path):
    """Each kind of wrong file is named, with the way on."""
    data, problem, next_step = FOREIGN[case]
    path = tmp_path / "file.jsonl"
    path.write_bytes(data)
    with pytest.raises(TraceFileError) as caught:
        Trace.read(path)
    assert problem in str(caught.value)
    assert next_step in str(caught.value)
    assert str(path) in str(caught.value)


def test_half_a_file(tmp_path):
    """A file that was cut in a line says in which, and how to read what is whole."""
    text = lines()
    cut = text[: text.index("\n") + 200]
    path = tmp_path / "half.jsonl"
    path.write_text(cut)
    with pytest.raises(TraceFileError, match=r"ends in the middle of line 2.*head -n 1 "):
        Trace.read(path)
    path.write_text(text.splitlines(keepends=True)[0])
    assert len(Trace.read(path).spans) == 8


def test_too_large_is_not_opened(tmp_path):
    """A file of 500 MB is refused by its size, without reading it."""
    path = tmp_path / "large.jsonl"
    with path.open("wb") as stream:
        stream.truncate(500_000_000)
    with pytest.raises(TraceFileError, match=r"has 477 MiB.*level `passes`"):
        Trace.read(path)


def test_one_endless_line(tmp_path, monkeypatch):
    """A line without an end is not read into memory beyond a limit."""
    monkeypatch.setattr(otlp_json, "MAX_LINE_BYTES", 1000)
    path = tmp_path / "line.jsonl"
    path.write_text("{" + " " * 5000)
    with pytest.raises(TraceFileError, match="line 1 is longer"):
        Trace.read(path)


def test_missing_folder_and_unreadable(tmp_path):
    """What cannot be opened says why."""
    with pytest.raises(TraceFileError, match="does not exist"):
        Trace.read(tmp_path / "none.jsonl")
    with pytest.raises(TraceFileError, match="is a folder"):
        Trace.read(tmp_path)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may read every file"
)
def test_no_permission(tmp_path):
    """A file that may not be read says so."""
    path = tmp_path / "secret.jsonl"
    path.write_text(lines())
    path.chmod(0)
    with pytest.raises(TraceFileError, match="no permission"):
        Trace.read(path)


def test_permission_error_is_told(tmp_path, monkeypatch):
    """The refusal of the system is put in words, whoever runs the tests."""
    path = tmp_path / "secret.jsonl"
    path.write_text(lines())

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(TraceFileError, match="no permission"):
        Trace.read(path)


def test_circles_lose_no_span(tmp_path):
    """Spans that are each other's parents are shown all the same."""
    spans = [synthetic.span(1, 2, "a", 0, 9), synthetic.span(2, 1, "b", 1, 8)]
    spans += [synthetic.span(3, 2, "c", 2, 3), synthetic.span(4, 4, "self", 5, 6)]
    path = tmp_path / "circle.jsonl"
    path.write_text(synthetic.lines(spans))
    assert sorted(span.name for span in Trace.read(path).spans) == ["a", "b", "c", "self"]


def test_other_signals_between(tmp_path):
    """Lines of logs and metrics between those of spans are passed over."""
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"resourceLogs": []}\n' + lines() + '\n{"resourceMetrics": []}\n')
    assert len(Trace.read(path).spans) == 20
