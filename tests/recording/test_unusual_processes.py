"""What applications do to a process while a trace is open: threads, forks, descriptors, factories."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import threading
import warnings

import pytest
import torch

import onnxspan
from onnxspan.reading.source.trace import Trace
from onnxspan.recording import session
from onnxspan.recording.outputs.saved import read
from tiny import export
from torch_facts import TORCHSCRIPT


def left_in_a_thread(trace):
    """Enter here, leave in another thread."""
    trace.__enter__()
    leaving = threading.Thread(target=trace.__exit__, args=(None, None, None))
    leaving.start()
    leaving.join()


def left_in_a_task(trace):
    """Enter in one asyncio task, leave in another."""

    async def enter():
        trace.__enter__()

    async def leave():
        trace.__exit__(None, None, None)

    async def both():
        await enter()
        await asyncio.create_task(leave())

    asyncio.run(both())


def left_crossed(trace):
    """Leave before the trace that was entered inside."""
    other = onnxspan.trace()
    trace.__enter__()
    other.__enter__()
    trace.__exit__(None, None, None)
    trace.__enter__()
    other.__exit__(None, None, None)
    trace.__exit__(None, None, None)


def left_by_generators(trace):
    """Two generators that are closed in the order in which they were begun."""

    def inside(one):
        with one:
            yield

    first, second = inside(trace), inside(onnxspan.trace())
    next(first), next(second)
    first.close(), second.close()


@pytest.mark.parametrize(
    "leave", [left_in_a_thread, left_in_a_task, left_crossed, left_by_generators]
)
def test_a_trace_may_be_entered_again_whatever_the_order(leave):
    """No order of entering and leaving makes a session its own parent: what follows is recorded."""
    trace = onnxspan.trace()
    for _ in range(3):
        leave(trace)
    with trace:
        assert len(session.receiving()) == 1
        export()
    assert len(trace.exports) == 1
    assert session._open == []


def wrap_factory():
    """As logging's cookbook does."""
    old = logging.getLogRecordFactory()

    def factory(*args, **kwargs):
        record = old(*args, **kwargs)
        record.request = "-"
        return record

    logging.setLogRecordFactory(factory)


def wrap_showwarnmsg():
    """Wrap what shows a warning, as it was found."""
    old = warnings._showwarnmsg

    def show(message):
        old(message)

    warnings._showwarnmsg = show


class Doing(torch.nn.Module):
    """Calls a function once, inside its forward."""

    def __init__(self, do):
        super().__init__()
        self.do = [do]

    def forward(self, x):
        if self.do:
            self.do.pop()()
        return torch.relu(x)


def exported(model):
    torch.onnx.export(model, (torch.zeros(2),), io.BytesIO(), **TORCHSCRIPT)


@pytest.mark.parametrize("wrap", [wrap_factory, wrap_showwarnmsg])
def test_what_others_wrap_meanwhile_stays_theirs(wrap, caplog):
    """A factory that is set during an export is not led through itself by the next one."""
    before = logging.getLogRecordFactory(), warnings._showwarnmsg
    try:
        for _ in range(3):
            with onnxspan.trace() as trace:
                exported(Doing(wrap))
            assert trace.errors == []
        with onnxspan.trace() as trace:
            logging.getLogger("app").warning("between")
            exported(Doing(lambda: logging.getLogger("torch.onnx").warning("inside")))
            exported(Doing(lambda: warnings.warn("a warning", UserWarning, stacklevel=1)))
        logging.getLogger("app").warning("after")
    finally:
        logging.setLogRecordFactory(before[0])
        warnings._showwarnmsg = before[1]
    assert [record.getMessage() for record in caplog.records] == ["between", "inside", "after"]
    events = [event for span in trace.spans for event in span.events]
    told = [str(event.attributes) for event in events]
    assert sum("inside" in text for text in told) == 1
    assert sum("a warning" in text for text in told) == 1


def test_the_flight_log_never_goes_into_a_file_of_the_users(tmp_path):
    """Whoever closes all descriptors and opens files finds in them what they wrote, and no more."""
    with onnxspan.trace("nodes", save=tmp_path / "t.jsonl") as trace:
        export()
        log = tmp_path / "t.jsonl.flight"
        descriptors = [
            int(name)
            for name in os.listdir("/proc/self/fd")
            if os.path.exists(f"/proc/self/fd/{name}")
            and os.readlink(f"/proc/self/fd/{name}") == str(log)
        ]
        assert len(descriptors) == 1
        mine = os.open(tmp_path / "mine.bin", os.O_RDWR | os.O_CREAT)
        os.dup2(mine, descriptors[0])
        export()
        assert (tmp_path / "mine.bin").stat().st_size == 0
        assert log.stat().st_size > 0
    os.fstat(descriptors[0])  # it is the user's, and stays open
    os.close(descriptors[0])
    os.close(mine)
    assert trace.errors == []
    assert not log.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_where_the_flight_log_should_be_is_not_waited_for(tmp_path):
    """The log goes elsewhere, and the pipe stays."""
    os.mkfifo(tmp_path / "t.jsonl.flight")
    with onnxspan.trace(save=tmp_path / "t.jsonl") as trace:
        export()
    assert trace.errors == []
    assert (tmp_path / "t.jsonl.flight").is_fifo()


def test_a_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    """Where a file or a dangling link has the folder's name, the logs go into a fresh one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"onnxspan-{os.getuid()}").symlink_to(tmp_path / "nowhere" / "x")
    with onnxspan.trace() as trace:
        export()
    assert trace.errors == []


def test_a_log_that_another_process_writes_is_left_alone(tmp_path, monkeypatch):
    """Two processes with one name for the trace keep a log each."""
    theirs = tmp_path / "t.jsonl.flight"
    import socket

    header = json.dumps({"pid": os.getppid(), "host": socket.gethostname()}) + "\n"
    theirs.write_text(header)
    with onnxspan.trace(save=tmp_path / "t.jsonl"):
        export()
    assert theirs.read_text() == header


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_leaves_the_parents_log_alone(tmp_path):
    """The child that exports and leaves the trace takes away a log of its own, not its parent's."""
    with onnxspan.trace(save=tmp_path / "t.jsonl"):
        export()
        log = tmp_path / "t.jsonl.flight"
        before = log.read_bytes()
        child = os.fork()
        if child == 0:
            try:
                export()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert log.read_bytes() == before
        assert [path.name for path in tmp_path.glob("*.flight")] == [log.name]


def test_text_that_is_not_utf8_keeps_no_batch_back(tmp_path):
    """A lone surrogate in an exception's text is escaped once: the spans can be sent and read."""

    class Fails(torch.nn.Module):
        def forward(self, x):
            raise ValueError("caf\udce9")

    with (
        onnxspan.trace(save=tmp_path / "t.jsonl") as trace,
        pytest.raises(ValueError),
    ):  # the model's own
        exported(Fails())
    assert "caf\\udce9" in trace.failure.message
    spans = read(tmp_path / "t.jsonl")
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    assert len(spans) == len(trace.spans)
    assert encode_spans(spans).SerializeToString()
    assert "caf" in Trace.read(tmp_path / "t.jsonl").failure.message


def test_a_propagator_that_is_not_installed_stops_nothing(monkeypatch):
    """Recording needs no propagator, whatever OTEL_PROPAGATORS says."""
    import subprocess
    import sys

    code = "import onnxspan\nwith onnxspan.trace(): print('entered')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OTEL_PROPAGATORS": "b3_nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "entered\n", done.stderr
