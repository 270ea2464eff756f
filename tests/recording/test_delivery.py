"""Spans on their way to backends, from real exports over real sockets."""

from __future__ import annotations

import io
import itertools
import logging
import re
import socket
import sys
import threading

import pytest
import torch
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import onnxspan
import torch_facts
from collectors import BOTH, HttpCollector
from models import convolutional
from onnxspan.errors import OnnxspanError
from onnxspan.reading.source.trace import Trace
from onnxspan.recording.light_span import LightSpan
from onnxspan.recording.options import Options
from onnxspan.recording.outputs import delivery


def export():
    """A real export of a small model."""
    model, inputs = convolutional()
    torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)


def ids(spans):
    """Their span ids."""
    return {span.span_id for span in spans}


def unused_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sender:
    """Of a delivery that is tested alone."""

    def __init__(self, send):
        self.send = send

    def close(self):
        """There is nothing to let go of."""


@pytest.fixture(autouse=True)
def _in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # A place that never answers is given up sooner than a user would.
    monkeypatch.setattr(delivery, "PATIENCE", 0.2)


@pytest.mark.parametrize("kind", BOTH)
def test_arrives_whole(kind):
    """Every span arrives once, under its own parent, with attributes and times as recorded."""
    with kind() as collector:
        with onnxspan.trace(otlp=collector.url, protocol=kind.protocol) as trace:
            export()
        arrived = {span.span_id.hex(): span for span in collector.spans}
    assert len(collector.spans) == len(trace.spans) > 30
    root = arrived[trace.result.roots[0].span_id]
    assert root.name == "torch.onnx.export Convolutional (torchscript)"
    for span in trace.spans:
        other = arrived[span.span_id]
        assert other.parent_span_id.hex() == span.parent_id
        assert other.name.startswith(span.name)
        assert (other.start_time_unix_nano, other.end_time_unix_nano) == (span.start, span.end)
        assert {entry.key for entry in other.attributes} == set(span.attributes)
    (report,) = trace.deliveries
    assert (report.emitted, report.missing, report.problem) == (len(trace.spans), 0, "")
    assert report.file is None


def test_resource(monkeypatch):
    """A backend is told the service, the host, the versions and the commit."""
    with HttpCollector() as collector:
        with onnxspan.trace(otlp=collector.url):
            export()
        found = collector.resource
    assert found["service.name"] == "onnxspan"
    assert found["host.name"] == socket.gethostname()
    assert found["telemetry.distro.version"] == onnxspan.__version__
    assert found["process.runtime.version"].startswith("3.")


@pytest.mark.parametrize("kind", BOTH)
def test_headers(kind, monkeypatch):
    """Headers go with each request, those of the environment beside those that were given."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=vision")
    with kind() as collector:
        with onnxspan.trace(
            otlp=collector.url, protocol=kind.protocol, headers={"X-Token": "secret"}
        ):
            export()
        headers = {key.lower(): value for key, value in collector.headers[0].items()}
    assert headers["x-token"] == "secret"
    assert headers["x-team"] == "vision"


def test_several_at_once(tmp_path):
    """Two collectors, an exporter, the file and memory all get every span."""
    memory = InMemorySpanExporter()
    with HttpCollector() as first, HttpCollector() as second:
        with onnxspan.trace(
            otlp=[first.url, second.url], outputs=[memory], save=tmp_path / "t.jsonl"
        ) as trace:
            export()
        expected = ids(trace.spans)
        assert first.ids == second.ids == expected
    assert {
        format(span.context.span_id, "016x") for span in memory.get_finished_spans()
    } == expected
    assert ids(Trace.read(tmp_path / "t.jsonl").spans) == expected
    assert [report.missing for report in trace.deliveries] == [0, 0, 0]


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_refused_connection(protocol, caplog, monkeypatch):
    """With nobody listening the export succeeds, one warning says so, and a file has all spans."""
    url = f"http://127.0.0.1:{unused_port()}"
    with (
        caplog.at_level(logging.DEBUG, "onnxspan"),
        onnxspan.trace(otlp=url, protocol=protocol) as trace,
    ):
        export()
    (report,) = trace.deliveries
    assert (report.delivered, report.missing) == (0, len(trace.spans))
    assert ids(Trace.read(report.file).spans) == ids(trace.spans)
    warnings = [entry for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert len(warnings) == 1
    text = warnings[0].getMessage()
    assert url in text
    assert str(report.file) in text
    assert "refused" in text.lower()
    assert ("--protocol grpc" in text) == (protocol == "grpc")


def test_wrong_path(caplog):
    """An address that answers 404 is given up at once, and the message asks about the path."""
    with HttpCollector() as collector, onnxspan.trace(otlp=collector.url + "/wrong") as trace:
        export()
    (report,) = trace.deliveries
    assert report.problem == (
        "it answered 404 Not Found at /wrong/v1/traces: is this an OTLP/HTTP address?"
    )
    assert report.missing == len(trace.spans)


def test_the_answer_is_passed_on():
    """What a backend says of a request that it refuses stands in the report."""
    with (
        HttpCollector(wanted="x-project") as collector,
        onnxspan.trace(otlp=collector.url) as trace,
    ):
        export()
    (report,) = trace.deliveries
    assert report.problem == (
        'it answered 422 Unprocessable Entity: {"detail": "x-project is missing"}'
    )


def test_silent_collector(monkeypatch):
    """One that accepts a connection and never answers costs the bounded wait and no more."""
    monkeypatch.setenv("OTEL_BSP_EXPORT_TIMEOUT", "300")
    with socket.create_server(("127.0.0.1", 0)) as server:
        with onnxspan.trace(otlp=f"http://127.0.0.1:{server.getsockname()[1]}") as trace:
            export()
    (report,) = trace.deliveries
    assert report.missing == len(trace.spans)
    assert "no time" in report.problem
    assert ids(Trace.read(report.file).spans) == ids(trace.spans)


def test_saved_file_is_not_written_twice(tmp_path):
    """When `save` has all spans already, the message points there and no second file appears."""
    saved = tmp_path / "saved.jsonl"
    with onnxspan.trace(otlp=f"http://127.0.0.1:{unused_port()}", save=saved) as trace:
        export()
    assert trace.deliveries[0].file == saved
    assert list(tmp_path.iterdir()) == [saved]


def test_unavailable_half_of_the_time():
    """A refused batch is sent again until it is taken."""
    with HttpCollector(refuse=lambda number: number % 2 == 0) as collector:
        with onnxspan.trace(otlp=collector.url) as trace:
            export()
        assert collector.ids == ids(trace.spans)
    assert trace.deliveries[0].missing == 0


def test_an_output_is_held_while_an_export_runs(monkeypatch):
    """From each export's first call to its last, and let go between two."""
    happened = []
    really = delivery.Delivery.hold

    def hold(self, held):
        happened.append("held" if held else "let go")
        really(self, held)

    monkeypatch.setattr(delivery.Delivery, "hold", hold)
    tracing = onnxspan.Tracing(Options(outputs=[InMemorySpanExporter()]))
    model, inputs = convolutional()
    model.register_forward_pre_hook(lambda *_: happened.append("forward"))
    with tracing:
        for _ in range(3):
            torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    changes = [what for what, _ in itertools.groupby(happened)]
    # The output is opened by the first spans, which come when the first export has ended.
    assert changes == ["forward", "let go", *(["held", "forward", "let go"] * 2)]
    assert tracing.deliveries[0].missing == 0


def test_nothing_is_begun_while_held(monkeypatch):
    """A batch is kept back, even one that was being made readable when an export began."""
    sent = []
    converted = threading.Event()

    def send(batch):
        sent.append((queue._held, [*batch]))
        return delivery.Outcome()

    def readable(span):
        if not converted.is_set():
            queue.hold(True)  # the export begins here
            converted.set()
        return span

    monkeypatch.setattr(delivery, "readable", readable)
    monkeypatch.setattr(delivery, "cut", lambda spans: iter([list(spans)]))
    queue = delivery.Delivery("somewhere", lambda: Sender(send))
    queue.add(["first", "second"])
    assert converted.wait(10)
    while queue._under_way:  # until it is put back
        assert not sent
    queue.wait(10)
    assert queue.stop() == []
    assert sent == [(False, ["first", "second"])]
    assert queue.delivered == 2


@pytest.mark.parametrize("before", [[], ["fine"]], ids=["first", "later"])
def test_a_span_that_cannot_be_made_readable_is_told(before, monkeypatch):
    """The thread does not end without a word, and nobody waits for it, whatever came before."""
    waited_for = threading.Event()

    def readable(span):
        if span == "span":
            assert waited_for.wait(10)
            raise RuntimeError(f"broken {span}")
        return span

    monkeypatch.setattr(delivery, "readable", readable)
    monkeypatch.setattr(delivery, "cut", lambda spans: iter([list(spans)]))
    queue = delivery.Delivery("somewhere", lambda: Sender(lambda _batch: delivery.Outcome()))
    queue.add(before)
    queue.wait(10)
    is_settled = queue._is_settled
    monkeypatch.setattr(queue, "_is_settled", lambda: (waited_for.set(), is_settled())[1])
    queue.add(["span"])
    queue.wait(10_000)  # it returns at once, or the test is ended
    assert queue.problem == "RuntimeError: broken span"
    assert queue.delivered == len(before)


def test_the_export_makes_no_spans_of_the_sdk(monkeypatch):
    """What an export hands over is as it was kept; the thread that sends makes it readable."""
    makers = set()
    build = LightSpan._build

    def watched(span):
        makers.add(threading.current_thread().name)
        return build(span)

    monkeypatch.setattr(LightSpan, "_build", watched)
    with HttpCollector() as collector, onnxspan.trace(otlp=collector.url):
        export()
    assert makers == {"onnxspan-delivery"}


def test_an_output_that_raises(caplog):
    """The user's exporter may raise: the export does not notice, and the user is told."""

    class Broken(SpanExporter):
        def export(self, spans):
            raise OSError("disk on fire")

    with onnxspan.trace(outputs=[Broken()]) as trace:
        export()
    assert "disk on fire" in trace.deliveries[0].problem
    assert "disk on fire" in caplog.text
    assert trace.deliveries[0].file.exists()


def test_reenters_after_close():
    """A recording that is entered again sends what is new, once."""
    memory = InMemorySpanExporter()
    trace = onnxspan.trace("stages", outputs=[memory])
    for _ in range(2):
        with trace:
            export()
    finished = [span.context.span_id for span in memory.get_finished_spans()]
    assert len(finished) == len(set(finished)) == len(trace.spans)


@pytest.mark.parametrize("bad", ["", "localhost:4318", "http://", "ftp://host", "http://host:x"])
def test_bad_address(bad):
    """What cannot be an address is refused before an export begins, with an example."""
    with pytest.raises(ValueError, match=re.escape("http://localhost:4318")):
        onnxspan.trace(otlp=bad)


def test_bad_protocol():
    """An unknown protocol is refused with the known ones."""
    with pytest.raises(ValueError, match="http/protobuf, grpc"):
        onnxspan.trace(otlp="http://localhost:4318", protocol="http/json")


@pytest.mark.parametrize(("protocol", "word"), [("http/protobuf", "http"), ("grpc", "grpc")])
def test_a_missing_exporter_is_named(protocol, word, monkeypatch):
    """Where the protocol's exporter is not installed, the error says which package to install."""
    module = f"opentelemetry.exporter.otlp.proto.{word}.trace_exporter"
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OnnxspanError, match=f"pip install .*-otlp-proto-{word}$"):
        onnxspan.trace(otlp="http://localhost:4318", protocol=protocol)


def test_secrets_of_an_address_are_not_told(caplog):
    """A password in the address stays out of report and message."""
    with onnxspan.trace(otlp=f"http://me:hunter2@127.0.0.1:{unused_port()}/?key=s3") as trace:
        export()
    assert "hunter2" not in caplog.text + repr(trace.deliveries)
    assert "s3" not in trace.deliveries[0].place


def test_joins_a_pipelines_trace(monkeypatch):
    """TRACEPARENT and TRACESTATE give the root its trace and parent; an open span wins."""
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    monkeypatch.setenv("TRACESTATE", "vendor=x")
    provider = TracerProvider()
    with onnxspan.trace("stages", tracer_provider=provider) as trace:
        export()
        with provider.get_tracer("mine").start_as_current_span("mine") as mine:
            export()
    first, second = trace.result.exports
    assert (first.trace_id, first.parent_id) == (
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
    )
    state = trace._session.spans[0].context.trace_state
    assert state.get("vendor") == "x"
    assert int(second.parent_id, 16) == mine.get_span_context().span_id


def test_broken_traceparent(monkeypatch):
    """A broken TRACEPARENT is left aside."""
    monkeypatch.setenv("TRACEPARENT", "\x1b[31mnonsense")
    with onnxspan.trace("stages") as trace:
        export()
    assert trace.result.roots[0].parent_id == ""
    assert not trace.errors


def test_the_users_exporter_keeps_logging(caplog):
    """Only onnxspan's own threads are kept quiet: the user's OTLP exporter still warns."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider()
    provider.add_span_processor(
        SimpleSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{unused_port()}", timeout=0.2))
    )
    with onnxspan.trace(otlp=f"http://127.0.0.1:{unused_port()}"):
        pass
    with provider.get_tracer("mine").start_as_current_span("mine"):
        pass
    assert "Failed to export" in caplog.text
