"""Real OTLP collectors on real sockets, with the manners of good and bad ones."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service

MIB = 1024 * 1024


class Collector:
    """What both kinds do: count, wait, refuse, keep.

    Args:
        delay: seconds that each request takes.
        refuse: says of the n-th request (from 0) whether it is refused as unavailable.
        limit: bytes of a message above which it is refused.
        wanted: a header without which an HTTP request is refused, in words.
    """

    def __init__(self, delay=0.0, refuse=lambda number: False, limit=4 * MIB, wanted=""):
        self.delay = delay
        self.refuse = refuse
        self.limit = limit
        self.wanted = wanted
        self.groups = []
        self.headers = []
        self.paths = []
        self.sizes = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def takes(self, request, size, headers, path=""):
        with self._lock:
            number = next(self._numbers)
            self.sizes.append(size)
            self.headers.append(headers)
            self.paths.append(path)
        if self.delay:
            time.sleep(self.delay)
        if self.refuse(number):
            return False
        with self._lock:
            self.groups.extend(request.resource_spans)
        return True

    @property
    def spans(self):
        """Every span that arrived, repeated ones too."""
        return [
            span for group in self.groups for scope in group.scope_spans for span in scope.spans
        ]

    @property
    def ids(self):
        return {span.span_id.hex() for span in self.spans}

    @property
    def resource(self):
        return {
            entry.key: entry.value.string_value or entry.value.int_value
            for entry in self.groups[0].resource.attributes
        }


class HttpCollector(Collector):
    """OTLP over HTTP; `with` gives one that listens, on a free port of 127.0.0.1."""

    protocol = "http/protobuf"

    def __enter__(self):
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # http.server's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.wanted and collector.wanted not in self.headers:
                    self.answer(422, b'{"detail":\n"%s is missing"}' % collector.wanted.encode())
                else:
                    self.answer(self.status_of(body), b"")

            def answer(self, status, said):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def status_of(self, body):
                if self.path != "/v1/traces":
                    collector.paths.append(self.path)
                    return 404
                if len(body) > collector.limit:
                    return 413
                request = messages.ExportTraceServiceRequest.FromString(body)
                taken = collector.takes(request, len(body), dict(self.headers), self.path)
                return 200 if taken else 503

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()


class GrpcCollector(Collector, service.TraceServiceServicer):
    """OTLP over gRPC, with gRPC's own limit of 4 MiB a message."""

    protocol = "grpc"

    def __enter__(self):
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8),
            options=[("grpc.max_receive_message_length", self.limit)],
        )
        service.add_TraceServiceServicer_to_server(self, self._server)
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def Export(self, request, context):  # noqa: N802  # gRPC's name
        headers = dict(context.invocation_metadata())
        if not self.takes(request, request.ByteSize(), headers):
            context.abort(grpc.StatusCode.UNAVAILABLE, "refused on purpose")
        return messages.ExportTraceServiceResponse()

    def __exit__(self, *exception):
        self._server.stop(None)


BOTH = (HttpCollector, GrpcCollector)
