"""`onnxspan send`: a saved trace, whole, to a collector."""

from __future__ import annotations

import io
import socket

import pytest
import torch
from click.testing import CliRunner
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanKind, StatusCode

import onnxspan
import torch_facts
from collectors import BOTH, HttpCollector
from models import convolutional
from onnxspan.cli import main
from onnxspan.recording.outputs import delivery


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A trace in a file."""
    path = tmp_path_factory.mktemp("send") / "saved.jsonl"
    model, inputs = convolutional()
    with onnxspan.trace(save=path):
        torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    return path


def send(*arguments):
    """Run `onnxspan send`."""
    return CliRunner().invoke(main, ["send", *map(str, arguments)])


@pytest.mark.parametrize("kind", BOTH)
def test_arrives_as_if_sent_at_once(kind, tmp_path):
    """Byte for byte the same spans come from the file as from the recording itself."""
    path = tmp_path / "saved.jsonl"
    model, inputs = convolutional()
    with kind() as live, kind() as later:
        with onnxspan.trace(otlp=live.url, protocol=kind.protocol, save=path):
            torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)
        result = send(path, "--otlp", later.url, "--protocol", kind.protocol)
    assert result.exit_code == 0, result.output
    assert f"{len(live.spans)} spans" in result.output
    expected = {span.span_id: span for span in live.spans}
    assert len(later.spans) == len(expected)
    for span in later.spans:
        assert span == expected[span.span_id]
    assert later.groups[0].resource == live.groups[0].resource


def test_kinds_links_and_states_survive(tmp_path):
    """Also what onnxspan itself does not make: kind, links, trace state, a status of OK."""
    from onnxspan.recording.outputs.outputs import write_file
    from onnxspan.recording.outputs.saved import read

    tracer = TracerProvider().get_tracer("scope", "1.0", attributes={"a": 1})
    with tracer.start_as_current_span("outer", kind=SpanKind.CONSUMER) as outer:
        pass
    link = Link(outer.get_span_context(), {"why": "test"})
    with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT, links=[link]) as inner:
        inner.set_status(StatusCode.OK)
        inner.add_event("seen", {"times": [1, 2]})
    write_file(tmp_path / "t.jsonl", [outer, inner])
    first, second = read(tmp_path / "t.jsonl")
    assert (first.kind, second.kind) == (SpanKind.CONSUMER, SpanKind.CLIENT)
    assert second.links[0].context.span_id == outer.get_span_context().span_id
    assert dict(second.links[0].attributes) == {"why": "test"}
    assert second.status.status_code.name == "OK"
    assert list(second.events[0].attributes["times"]) == [1, 2]
    assert dict(second.instrumentation_scope.attributes) == {"a": 1}


def test_headers(saved):
    """`--header` goes with the request."""
    with HttpCollector() as collector:
        assert send(saved, "--otlp", collector.url, "--header", "x-token=s=1").exit_code == 0
        assert {k.lower(): v for k, v in collector.headers[0].items()}["x-token"] == "s=1"


def test_nobody_listens(saved, monkeypatch):
    """Exit code 1, and one line that says how many, where and why."""
    monkeypatch.setattr(delivery, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = send(saved, "--otlp", f"http://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert f"did not reach http://127.0.0.1:{port}: " in result.output
    assert "refused" in result.output


def test_bad_address(saved):
    """Exit code 2 with an address that would do."""
    result = send(saved, "--otlp", "localhost:4318")
    assert result.exit_code == 2
    assert "http://localhost:4318" in result.output


def test_bad_header(saved):
    """Exit code 2, and what may be a secret is not repeated."""
    result = send(saved, "--otlp", "http://localhost:4318", "--header", "hunter2")
    assert result.exit_code == 2
    assert "NAME=VALUE" in result.output
    assert "hunter2" not in result.output
