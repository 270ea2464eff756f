"""A file is written whole or not at all."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from onnxspan import files
from onnxspan.reading.source.trace import Trace


def test_what_is_written_reads_back(traced, tmp_path):
    """The file holds the same tree as memory, and nothing lies beside it."""
    trace = traced("convolutional")[1]
    trace.save(tmp_path / "a.jsonl")
    read = Trace.read(tmp_path / "a.jsonl")
    assert [(s.name, s.attributes) for s in read.spans] == [
        (s.name, s.attributes) for s in trace.spans
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_failure_leaves_the_old_file(traced, tmp_path, monkeypatch):
    """When writing fails halfway the old file is untouched and no part is left."""
    target = tmp_path / "a.jsonl"
    target.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        traced("convolutional")[1].save(target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_link_stays_one(traced, tmp_path):
    """What a link points to is written, and no device is replaced by a file."""
    link = tmp_path / "link.jsonl"
    link.symlink_to("real.jsonl")
    traced("convolutional")[1].save(link)
    assert link.is_symlink()
    assert Trace.read(tmp_path / "real.jsonl").spans
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a file"):
        traced("convolutional")[1].save(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_a_name_as_long_as_can_be(traced, tmp_path):
    """A name of 255 bytes is written, though its temporary name has an ending more."""
    traced("convolutional")[1].save(tmp_path / ("\N{SNOWMAN}" * 83 + ".jsonl"))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_an_os_error(traced, tmp_path):
    """A folder that is not there is an OSError, and is not made."""
    with pytest.raises(OSError, match="missing"):
        traced("convolutional")[1].save(tmp_path / "missing" / "a.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_file_size_limit_leaves_nothing(tmp_path):
    """The system's own refusal, in the midst of the file, leaves nothing of it."""
    code = f"""
import resource, signal
from opentelemetry.sdk.trace import TracerProvider
from onnxspan.recording.outputs.outputs import write_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
tracer = TracerProvider().get_tracer("onnxspan")
spans = [tracer.start_span("x" * 100) for _ in range(2000)]
for span in spans:
    span.end()
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, {resource.RLIM_INFINITY}))
try:
    write_file({str(tmp_path / "a.jsonl")!r}, spans)
except OSError as error:
    print("refused:", error)
"""
    done = subprocess.run(  # our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("refused: "), done.stderr
    assert "File too large" in done.stdout  # the system's reason, and no traceback beside it
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_told_by_the_users_path(tmp_path):
    """The error names the file that was asked for, not the temporary one beside it."""
    wanted = tmp_path / "nodir" / "x.jsonl"
    with pytest.raises(FileNotFoundError) as caught, files.whole(wanted):
        pass
    assert caught.value.filename == str(wanted)
    assert ".part" not in str(caught.value)
