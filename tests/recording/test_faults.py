"""An error in onnxspan's own code changes no byte, is counted, and leaves nothing patched."""

from __future__ import annotations

import pytest

import onnxspan
from conftest import attributes, changed
from onnxspan import conventions as c
from onnxspan.recording import cpu_time, memory, recorder, spans
from onnxspan.recording import session as session_module
from onnxspan.recording.graphs import torchscript
from onnxspan.recording.opening import close_session, open_session
from onnxspan.recording.probes import ENTRY_POINTS, TABLES
from onnxspan.recording.probes.torchscript import counting as graphs
from onnxspan.recording.session import Session
from tiny import broken, export, targets


@pytest.fixture(scope="module")
def plain():
    """The untraced bytes."""
    return export()


def errors_of(trace):
    """The errors counted on the roots, and on the session."""
    counted = sum(root.get(c.TRACING_ERRORS, 0) for root in trace.result.roots)
    return max(counted, len(trace.errors))


PLACES = [
    (spans, "start"),
    (spans, "end"),
    (spans, "detach"),
    (memory, "resident"),
    (memory, "peak"),
    (cpu_time, "begin"),
    (cpu_time, "end"),
    (cpu_time, "watch"),
    (cpu_time, "unwatch"),
    (torchscript, "graph_size"),
    (torchscript, "input_shapes"),
    (torchscript, "tensors_size"),
    (torchscript, "operators"),
    (torchscript, "constants_size"),
    (torchscript, "is_graph"),
    (graphs, "count"),
    (graphs, "note_size"),
    (graphs, "note_parameters"),
    (recorder, "_finish"),
    (recorder, "_conclude"),
    (recorder, "_hold_exporter"),
    (recorder, "receiving"),
    (recorder, "Export"),
    (recorder, "Call"),
    (session_module, "tracer"),
    (Session, "collect"),
]


@pytest.mark.parametrize("level", ["passes", "nodes"])
@pytest.mark.parametrize(("holder", "name"), PLACES, ids=[name for _, name in PLACES])
def test_a_fault_of_ours_is_kept_away(holder, name, level, monkeypatch, plain):
    """An exception in our own code changes no byte, is counted, and leaves nothing patched."""
    before = attributes()
    with onnxspan.trace(level) as trace:
        if holder is not Session and holder is recorder and not hasattr(holder, name):
            pytest.fail(f"{name} is no longer there: name what took its place")
        monkeypatch.setattr(holder, name, broken)
        data = export()
        monkeypatch.undo()
    assert data == plain
    assert errors_of(trace) > 0
    assert any("injected" in line for line in trace.errors)
    assert changed(before) == []


def _rows():
    rows = [*ENTRY_POINTS, *(row for table in TABLES.values() for row in table)]
    for row in rows:
        for what in ("before", "after", "opens"):
            if getattr(row, what) is not None:
                yield pytest.param(row, what, id=f"{row.name}-{what}")
        for what in ("describe", "operator"):
            if row.per_node is not None and getattr(row.per_node, what) is not None:
                yield pytest.param(row.per_node, what, id=f"{row.name}-{what}")


@pytest.mark.parametrize(("row", "what"), list(_rows()))
def test_a_fault_in_any_probe_is_kept_away(row, what, plain):
    """What a row of the table raises changes no byte, at the deepest level."""
    original = getattr(row, what)
    hit = []

    def faulty(*args):
        hit.append(what)
        broken()

    with onnxspan.trace("nodes") as trace:
        object.__setattr__(row, what, faulty)
        for target in targets():  # a wildcard's targets have copies of the row
            if target.probe.name != row.name if hasattr(row, "name") else True:
                continue
            object.__setattr__(target.probe, what, faulty)
        try:
            data = export()
        finally:
            object.__setattr__(row, what, original)
            for target in targets():
                if getattr(target.probe, what, None) is faulty:
                    object.__setattr__(target.probe, what, original)
    assert data == plain
    assert not hit or any("injected" in line for line in trace.errors)


@pytest.mark.parametrize("after", [0, 1, 5, 50, 151, 300])
def test_a_faulty_clock_is_kept_away(after, plain):
    """A clock that fails from its n-th reading on changes no byte and leaves nothing patched."""
    readings = iter(range(after))
    session = Session(clock=lambda: next(readings))
    open_session(session)
    try:
        assert export() == plain
    finally:
        close_session(session)
    assert session.errors


def test_a_faulty_listener_is_kept_away(plain):
    """A listener that always raises is counted, call by call."""

    class Listener:
        entered = left = finished = broken

    session = Session(listeners=[Listener()])
    open_session(session)
    try:
        assert export() == plain
    finally:
        close_session(session)
    assert len(session.errors) > 100


@pytest.mark.parametrize("method", ["on_start", "on_end"])
def test_a_faulty_span_processor_is_kept_away(method, plain):
    """A span processor of the user's that raises loses no span and changes no byte."""
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    class Processor(SpanProcessor):
        pass

    setattr(Processor, method, broken)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Processor())
    with onnxspan.trace(tracer_provider=provider) as trace:
        assert export() == plain
    assert trace.errors
    assert len(trace.result.roots[0].children) == 1
    assert "_jit_pass_onnx" in [span.name for span in trace.spans]
