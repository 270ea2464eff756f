"""Spans are delivered when the answer is a success as OTLP defines it, and in no other case."""

import io
import json
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

import onnxspan
import torch_facts
from collectors import GrpcCollector, messages

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
