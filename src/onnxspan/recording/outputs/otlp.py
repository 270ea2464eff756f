"""OTLP over HTTP or gRPC, by OpenTelemetry's own exporters.

They retry by themselves, each batch on its own, and log every attempt; here the delivery
retries, and the user is told once. So their retrying is cut short, and what they would log
is kept as the reason.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import shlex
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from onnxspan.errors import OnnxspanError
from onnxspan.printable import one_line
from onnxspan.recording.outputs import exporter_logs
from onnxspan.recording.outputs.delivery import Delivery, Outcome, without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from requests import Response

HTTP = "http/protobuf"
GRPC = "grpc"
PROTOCOLS = (HTTP, GRPC)
_MODULES = {
    HTTP: "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    GRPC: "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
}
THREADS = 4
"""Requests under way at once: a collector that takes 250 ms for each is then no bottleneck."""
_TRACES_PATH = "/v1/traces"
_JSON = "http/json"
_TRANSIENT = frozenset({429, 502, 503, 504})
"""What OTLP over HTTP says to send again: https://opentelemetry.io/docs/specs/otlp/#failures-1"""
_TOO_LARGE = 413
_CONNECTION = re.compile(r"^.*object at 0x[^:]*: ", re.DOTALL)
"""What urllib3 puts before what happened: its connection's repr, with an address in memory."""
_SAID = 200
"""Characters of an answer's own words that are passed on."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where spans go by OTLP.

    Attributes:
        url: as it was given.
        protocol: `http/protobuf` or `grpc`.
        headers: sent with each request, beside those of `OTEL_EXPORTER_OTLP_HEADERS`.
    """

    url: str
    protocol: str
    headers: dict[str, str]

    @property
    def place(self) -> str:
        """The URL without what may be secret in it."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def target(self) -> str:
        """What the exporter is given: over HTTP the full path of the traces."""
        parts = urlsplit(self.url)
        if self.protocol == GRPC:  # which has no use for a user's name and a password
            host = parts.netloc.rpartition("@")[2]
            return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
        path = parts.path.rstrip("/")
        if not path.endswith(_TRACES_PATH):
            path += _TRACES_PATH
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def endpoint(
    url: str, protocol: str | None = None, headers: Mapping[str, str] | None = None
) -> Endpoint:
    """Check where spans are to go, before anything is recorded.

    Args:
        url: `http://host:port` or `https://…`; over HTTP `/v1/traces` is added where missing.
        protocol: None takes `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`,
            `OTEL_EXPORTER_OTLP_PROTOCOL`, or `http/protobuf`.
        headers: sent with each request.

    Raises:
        ValueError: when the URL or protocol cannot be one; the message says what could.
        OnnxspanError: when the exporter for the protocol is not installed.
    """
    protocol = protocol or _protocol_of_environment()
    if protocol not in PROTOCOLS:
        raise ValueError(f"OTLP protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}")
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises for a port that is none
    except (ValueError, AttributeError):
        is_url = False
    if not is_url:
        raise ValueError(
            f"OTLP address {without_credentials(str(url))!r} is not a URL: write it as http://localhost:4318 "
            "(or http://localhost:4317 with protocol grpc)"
        )
    try:
        importlib.import_module(_MODULES[protocol])
    except ImportError as error:
        raise OnnxspanError(
            f"Sending spans by OTLP ({protocol}) needs a package that is missing ({error}). "
            f"Install it: pip install opentelemetry-exporter-otlp-proto-{protocol.partition('/')[0]}"
        ) from error
    return Endpoint(url, protocol, dict(headers or {}))


def _protocol_of_environment() -> str:
    """The protocol that the environment names; where it names JSON over HTTP, protobuf over HTTP.

    Whoever takes JSON at an address of OTLP takes protobuf there, as the specification asks.
    """
    named = (
        os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        or HTTP
    )
    return HTTP if named == _JSON else named


def delivery(to: Endpoint) -> Delivery:
    """A delivery of spans to an endpoint."""
    make = _GrpcSender if to.protocol == GRPC else _HttpSender
    resend = f"--otlp {to.place}" + (" --protocol grpc" if to.protocol == GRPC else "")
    for name in to.headers:  # the value may be a secret
        resend += " --header " + shlex.quote(f"{name}=VALUE")
    return Delivery(to.place, lambda: make(to), THREADS, resend)


class _Answer(Exception):  # noqa: N818  # not an error of ours: an answer, on its way to the sender
    """What the collector said, in place of what the exporter would retry by itself."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.problem)
        self.outcome = outcome


class _HttpSender:
    def __init__(self, to: Endpoint) -> None:
        import requests  # comes with OTLP's exporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )

        self._answer: Outcome | None = None
        session = requests.Session()
        original = session.request

        def request(*args: Any, **kwargs: Any) -> Any:
            try:
                # A POST that is redirected becomes a GET: nothing would be sent.
                response = original(*args, **{**kwargs, "allow_redirects": False})
            except requests.RequestException as error:
                self._answer = _unreachable(error)
                raise _Answer(self._answer) from error
            self._answer = _not_taken(to, response)
            if self._answer is not None:
                raise _Answer(self._answer)
            return response

        session.request = request  # type: ignore[method-assign]
        self._exporter = OTLPSpanExporter(to.target, headers=_headers(to), session=session)

    def send(self, batch: list[ReadableSpan]) -> Outcome:
        self._answer = None
        problem = exporter_logs.export(self._exporter, batch)
        return self._answer or Outcome(problem)

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class _GrpcSender:
    def __init__(self, to: Endpoint) -> None:
        import grpc  # comes with OTLP's exporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter,
        )

        self._codes = grpc.StatusCode
        self._exporter = OTLPSpanExporter(
            to.target,
            headers={key.lower(): value for key, value in _headers(to).items()} or None,
            # A code that no collector sends: nothing is left for it to retry.
            retryable_error_codes=(grpc.StatusCode.DATA_LOSS,),
        )

        # As the specification of OTLP lists them.
        self._retryable = (
            self._codes.CANCELLED, self._codes.DEADLINE_EXCEEDED, self._codes.RESOURCE_EXHAUSTED,
            self._codes.ABORTED, self._codes.OUT_OF_RANGE, self._codes.UNAVAILABLE,
            self._codes.DATA_LOSS,
        )  # fmt: skip
        self._rejected: Outcome | None = None
        self._after = 0.0
        client = getattr(self._exporter, "_client", None)
        if client is not None:  # the exporter itself drops what is answered
            original = client.Export

            def export(*args: Any, **kwargs: Any) -> Any:
                try:
                    answer = original(*args, **kwargs)
                except grpc.RpcError as error:
                    self._after = _retry_delay(error)
                    raise
                self._rejected = _rejected(answer)
                return answer

            client.Export = export

    def send(self, batch: list[ReadableSpan]) -> Outcome:
        self._rejected, self._after = None, 0.0
        problem = exporter_logs.export(self._exporter, batch)
        if not problem:
            return self._rejected or Outcome()
        record: Any = exporter_logs.last_record()
        found = [arg for arg in getattr(record, "args", None) or () if arg in list(self._codes)]
        code = found[0] if found else None
        final = code is not None and code not in self._retryable
        if code is not None and record is not None:
            problem = f"{code.name}: {one_line(str(record.args[-1]))}"
        too_large = code is self._codes.RESOURCE_EXHAUSTED and not self._after
        of_batch = final and code not in (
            self._codes.UNAUTHENTICATED,
            self._codes.PERMISSION_DENIED,
            self._codes.UNIMPLEMENTED,
        )
        return Outcome(problem, too_large, final, of_batch, self._after)

    def close(self) -> None:
        self._exporter.shutdown()


def _retry_delay(error: Any) -> float:
    """The seconds for which a server's `RetryInfo` asks to be left alone; zero without one.

    `RetryInfo` is the answer's trailer `google.rpc.retryinfo-bin`.
    """
    from google.rpc.error_details_pb2 import RetryInfo  # comes with OTLP's exporter

    for key, value in error.trailing_metadata() or ():
        if key == "google.rpc.retryinfo-bin":
            delay = RetryInfo.FromString(value).retry_delay
            return max(0.0, float(delay.seconds) + float(delay.nanos) / 1e9)
    return 0.0


def _headers(to: Endpoint) -> dict[str, str]:
    """Those given, over those of the environment, which an exporter forgets when given some."""
    from opentelemetry.util.re import parse_env_headers

    environment = (
        os.environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
        or os.environ.get("OTEL_EXPORTER_OTLP_HEADERS")
        or ""
    )
    return {**parse_env_headers(environment, liberal=True), **to.headers}


def _unreachable(error: Exception) -> Outcome:
    reason: BaseException = error
    while getattr(reason, "reason", None) or (
        reason.args and isinstance(reason.args[0], Exception)
    ):
        inner = getattr(reason, "reason", None) or reason.args[0]
        if not isinstance(inner, BaseException) or inner is reason:
            break
        reason = inner
    text = str(reason)
    return Outcome(_CONNECTION.sub("", text, count=1))


def _not_taken(to: Endpoint, response: Response) -> Outcome | None:
    """Why an answer is no success as OTLP defines it; None for one that is.

    https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
    """
    status = response.status_code
    kind = response.headers.get("Content-Type", "")
    if 300 <= status < 400:  # noqa: PLR2004  # the redirects of HTTP
        where = one_line(Endpoint(response.headers.get("Location", "?"), to.protocol, {}).place)
        return Outcome(
            f"it redirects to {where[:_SAID]}: give that address, or the collector's own",
            final=True,
        )
    if not response.ok:
        return _refused(to, response)
    if kind.startswith("text/html"):
        return Outcome(
            "it answered with a web page: is this the port of a user interface? OTLP over HTTP is "
            "usually port 4318",
            final=True,
        )
    return _partial(response.content, is_json=kind.startswith("application/json"))


def _partial(content: bytes, *, is_json: bool) -> Outcome | None:
    """The problem of an answer that has taken only a part of the spans; None when it took all."""
    from google.protobuf import json_format  # comes with OTLP's exporter
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTraceServiceResponse,
    )

    answer = ExportTraceServiceResponse()
    try:
        if is_json:
            json_format.Parse(content or b"{}", answer, ignore_unknown_fields=True)
        else:
            answer.ParseFromString(content)
    except Exception:  # not in OTLP's form: the status alone says what became of the spans
        return None
    return _rejected(answer)


def _rejected(answer: Any) -> Outcome | None:
    partial = answer.partial_success
    if not partial.rejected_spans:
        return None
    said = one_line(" ".join(partial.error_message.split())[:_SAID])
    return Outcome(
        f"it rejected {partial.rejected_spans} spans" + (f": {said}" if said else ""),
        final=True,
        of_batch=True,
    )


def _refused(to: Endpoint, response: Response) -> Outcome:
    status = response.status_code
    problem = f"it answered {status} {response.reason}"
    if status in (404, 405):
        problem += f" at {urlsplit(to.target).path}: is this an OTLP/HTTP address?"
    elif status in (401, 403):
        problem += ": does it want a header (headers=…, --header)?"
    elif response.headers.get("Content-Type", "").startswith(("text/plain", "application/json")):
        # Which header it misses, what is wrong with a span.
        said = one_line(" ".join(response.text.split())[:_SAID])
        problem += f": {said}" if said else ""
    return Outcome(
        problem,
        too_large=status == _TOO_LARGE,
        final=status not in (*_TRANSIENT, _TOO_LARGE),
        after=_seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(said: str) -> float:
    """The seconds of a `Retry-After`: a number, or a date; zero for anything else."""
    if said.isdecimal():
        return float(said[:9])
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0
