"""Spans are delivered when the answer is a success as OTLP defines it, and in no other case."""

import io
import itertools
import json
import threading
import time
import warnings
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import grpc
import pytest
import torch
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.sdk.trace import TracerProvider

import onnxspan
import torch_facts
from collectors import GrpcCollector, messages
from onnxspan.recording.outputs import delivery, otlp

PARTIAL = messages.ExportTraceServiceResponse()
PARTIAL.partial_success.rejected_spans = 5
PARTIAL.partial_success.error_message = "quota \x1b[31mexceeded"


class Answering:
    """An HTTP server that gives one answer to every request."""

    def __init__(self, status, headers, body):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815  # as http.server calls it

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()


def sent(url, folder, **options):
    trace = onnxspan.trace(otlp=url, save=folder / "t.jsonl", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with trace:
            torch.onnx.export(
                torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT
            )
    (report,) = trace.deliveries
    return report, len(trace.spans)


PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
FAILURES = {
    "a web page": (
        200,
        {"Content-Type": "text/html; charset=utf-8"},
        b"<html>",
        "usually port 4318",
    ),
    "moved": (
        301,
        {"Location": "https://user:secret@else.where/x?token=1"},
        b"",
        "https://else.where/x",
    ),
    "found": (302, {"Location": "/login"}, b"", "redirects to /login"),
    "see other": (303, {"Location": "/login"}, b"", "redirects to"),
    "temporary": (307, {"Location": "/login"}, b"", "redirects to"),
    "permanent": (308, {"Location": "/login"}, b"", "redirects to"),
    "partial, protobuf": (200, PROTOBUF, PARTIAL.SerializeToString(), "rejected 5 spans: quota"),
    "partial, JSON": (
        200,
        JSON,
        json.dumps({"partialSuccess": {"rejectedSpans": "5", "errorMessage": "quota"}}).encode(),
        "rejected 5 spans: quota",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_is_no_success(case, tmp_path):
    """Nothing counts as delivered, and the reason says what to do, without secrets or escapes."""
    status, headers, body, said = FAILURES[case]
    with Answering(status, headers, body) as server:
        report, _ = sent(server.url, tmp_path)
    assert report.delivered == 0
    assert said in report.problem
    assert "secret" not in report.problem
    assert "token" not in report.problem
    assert "\x1b" not in report.problem
    assert report.file


@pytest.mark.parametrize(
    ("headers", "body"),
    [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b""), ({}, b""), (JSON, b"ok")],
)
def test_what_is_a_success(headers, body, tmp_path):
    """An empty or a usual answer with 200 is a success."""
    with Answering(200, headers, body) as server:
        report, count = sent(server.url, tmp_path)
    assert (report.delivered, report.problem) == (count, "")


def test_partial_success_by_grpc(tmp_path):
    """The same over gRPC, where the exporter itself drops the answer."""

    class Rejecting(GrpcCollector):
        def Export(self, request, context):  # noqa: N802  # gRPC has this name
            super().Export(request, context)
            return PARTIAL

    with Rejecting() as server:
        report, _ = sent(server.url, tmp_path, protocol="grpc")
    assert report.delivered == 0
    assert "rejected 5 spans: quota" in report.problem
    assert "\x1b" not in report.problem


def refused(code, tmp_path, trailers=(), times=1_000):
    """A delivery to a gRPC server that refuses so many requests: the report, and their moments."""
    moments = []

    class Refusing(GrpcCollector):
        def Export(self, request, context):  # noqa: N802  # gRPC has this name
            moments.append(time.monotonic())
            if len(moments) <= times:
                context.set_trailing_metadata(trailers)
                context.abort(code, "on purpose")
            return messages.ExportTraceServiceResponse()

    with Refusing() as server:
        report, _ = sent(server.url, tmp_path, protocol="grpc")
    return report, moments


@pytest.mark.parametrize("name", ["INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "NOT_FOUND"])
def test_what_grpc_must_not_send_again(name, tmp_path):
    """A code that the specification of OTLP does not list as retryable is final."""
    report, moments = refused(grpc.StatusCode[name], tmp_path)
    assert report.delivered == 0
    assert name in report.problem
    assert len(moments) == 1


def test_a_grpc_server_asks_to_be_left_alone(tmp_path, monkeypatch):
    """The delay of `RetryInfo` is kept between two requests, where the pause would be shorter."""
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(delivery, "PATIENCE", 300)  # however busy the machine is
    delay = RetryInfo(retry_delay=Duration(seconds=1)).SerializeToString()
    trailers = (("google.rpc.retryinfo-bin", delay),)
    report, moments = refused(grpc.StatusCode.RESOURCE_EXHAUSTED, tmp_path, trailers, times=1)
    assert report.missing == 0
    assert moments[1] - moments[0] >= 1


def test_a_damaged_delay_loses_nothing(tmp_path):
    """A trailer that is no `RetryInfo` is a failure as any other: the spans are in a file."""
    trailers = (("google.rpc.retryinfo-bin", b"\xff\xff"),)
    report, _ = refused(grpc.StatusCode.UNAVAILABLE, tmp_path, trailers)
    assert report.delivered == 0
    assert report.problem
    assert report.file


def unhappy(status, headers):
    """What a delivery to a server does that never takes a span: seconds of each request."""
    moments = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            moments.append(time.monotonic())
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    sending = otlp.delivery(otlp.endpoint(f"http://127.0.0.1:{server.server_port}"))
    with onnxspan.trace() as trace:
        torch.onnx.export(
            torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    spans = trace._session.spans
    for span in spans[:4]:  # a batch for each thread
        sending.add([span])
    missing = sending.close(20.0)
    server.shutdown()
    server.server_close()
    assert len(missing) == 4
    return moments


@pytest.mark.parametrize("status", [400, 408, 500, 501])
def test_what_is_not_sent_again(status):
    """Only the statuses of which OTLP says so are tried again: of one batch, at most once a thread."""
    assert len(unhappy(status, {})) <= 4


def test_a_place_that_asks_to_be_left_alone(monkeypatch):
    """With `Retry-After: 1` no thread sends anything for a second after the last answer."""
    monkeypatch.setattr(delivery, "PATIENCE", 0.5)
    moments = unhappy(503, {"Retry-After": "1"})
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert max(gaps) >= 0.95
    assert [gap for gap in gaps if 0.3 < gap < 0.95] == []


@pytest.mark.parametrize(("said", "seconds"), [("2", 2.0), ("", 0.0), ("soon", 0.0), ("-1", 0.0)])
def test_retry_after_in_seconds(said, seconds):
    """A number of seconds is read, anything else asks for nothing."""
    assert otlp._seconds(said) == seconds


def test_retry_after_as_a_date():
    """A date is read as the seconds until then; one that is past asks for nothing."""
    assert 3000 < otlp._seconds(format_datetime(datetime.now(timezone.utc) + timedelta(hours=1)))
    assert otlp._seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_the_reason_of_a_connection_is_whole():
    """Only the connection's own repr is left out: what TLS says keeps its beginning."""
    certificate = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed"
    assert otlp._unreachable(OSError(certificate)).problem == certificate
    refused = "<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish: refused"
    assert otlp._unreachable(OSError(refused)).problem == "Failed to establish: refused"


def test_json_in_the_environment_is_sent_as_protobuf(monkeypatch):
    """`http/json`, a value of OpenTelemetry's, does not refuse an address; as an argument it does."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    assert otlp.endpoint("http://localhost:4318").protocol == "http/protobuf"
    with pytest.raises(ValueError, match="http/json"):
        otlp.endpoint("http://localhost:4318", "http/json")


def test_the_command_that_sends_again_names_the_headers():
    """By name and not by value, which may be a secret."""
    to = otlp.endpoint("http://localhost:4318", None, {"authorization": "Bearer SECRET"})
    assert otlp.delivery(to).resend == "--otlp http://localhost:4318 --header authorization=VALUE"


def sender(send):
    """Of a delivery that is tested alone."""
    return SimpleNamespace(send=send, close=lambda: None)


def ended(count):
    """So many spans that have ended."""
    spans = [TracerProvider().get_tracer("x").start_span(str(at)) for at in range(count)]
    for span in spans:
        span.end()
    return spans


def test_a_batch_that_is_refused_stops_no_other():
    """A reason that is in one batch, such as a span that was rejected, lets the others go on."""
    outcomes = [delivery.Outcome("it rejected 1 spans", final=True, of_batch=True)]
    place = delivery.Delivery(
        "here", lambda: sender(lambda _: outcomes.pop() if outcomes else delivery.Outcome())
    )
    first, second = ended(3), ended(5)
    place.add(first)
    place.add(second)
    left = place.close(30)
    assert (len(left), place.delivered) in ((3, 5), (5, 3))
    assert "rejected 1" in place.problem


@pytest.mark.parametrize("after", [1e12, float("inf")])
def test_a_delay_that_no_clock_takes(after):
    """A `Retry-After` in the year 9999 is an hour: the delivery ends when its time is over."""
    place = delivery.Delivery(
        "here", lambda: sender(lambda _: delivery.Outcome("later", after=after))
    )
    (span,) = ended(1)
    place.add([span])
    assert place.close(1) == [span]
    assert "later" in place.problem
