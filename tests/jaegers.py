"""A real Jaeger for the tests that need one: one that runs, or a binary to start."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

REASON = "needs a Jaeger v2: put `jaeger` on PATH, or its address or path into ONNXSPAN_JAEGER"
"""Why tests are skipped where there is none."""

CONFIG = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}
  telemetry: {metrics: {level: none}, logs: {level: error}}
extensions:
  jaeger_query:
    storage: {traces: memory}
    http: {endpoint: "127.0.0.1:%(query)d"}
    grpc: {endpoint: "127.0.0.1:%(query_grpc)d"}
  jaeger_storage:
    backends: {memory: {memory: {max_traces: 1000}}}
receivers:
  otlp:
    protocols:
      http: {endpoint: "127.0.0.1:%(http)d"}
      grpc: {endpoint: "127.0.0.1:%(grpc)d"}
exporters:
  jaeger_storage_exporter: {trace_storage: memory}
"""


class Jaeger:
    """Addresses of a Jaeger that runs, and its query API."""

    def __init__(self, query, http, grpc):
        self.query = query
        self.http = http
        self.grpc = grpc

    def get(self, path, **parameters):
        """The decoded answer of the query API."""
        url = f"{self.query}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # our own http://
            return json.load(answer)

    def spans(self, trace_id, expected):
        """The spans of a trace, once `expected` of them are there (or 20 s have passed)."""
        found = []
        deadline = time.monotonic() + 20
        while len(found) < expected and time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.HTTPError):
                found = self.get(f"/api/traces/{trace_id}")["data"][0]["spans"]
            time.sleep(0.1)
        return found


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def find():
    """Where `ONNXSPAN_JAEGER` (an address or a binary) or PATH has a Jaeger; None if nowhere."""
    return os.environ.get("ONNXSPAN_JAEGER") or shutil.which("jaeger")


@contextlib.contextmanager
def running(place, folder):
    """A Jaeger at the address `place`, or one started from the binary `place` until the end."""
    if place.startswith("http"):
        host = urllib.parse.urlsplit(place).hostname
        yield Jaeger(place.rstrip("/"), f"http://{host}:4318", f"http://{host}:4317")
        return
    names = ("query", "query_grpc", "http", "grpc")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    config = Path(folder) / "jaeger.yaml"
    config.write_text(CONFIG % ports)
    process = subprocess.Popen([place, "--config", str(config)], cwd=folder)  # the user named it
    try:
        address = "http://127.0.0.1:"
        jaeger = Jaeger(
            f"{address}{ports['query']}", f"{address}{ports['http']}", f"{address}{ports['grpc']}"
        )
        wait(jaeger, process)
        yield jaeger
    finally:
        process.kill()  # told to end it takes its time, and its traces are in memory only
        process.wait(20)


def page_configurations():
    """The YAML files of the page on Jaeger, by their names."""
    page = Path(__file__).parent.parent / "docs/how-to/jaeger.md"
    fence = re.compile(r'^```yaml title="([^"]+)"\n(.*?)^```', re.DOTALL | re.MULTILINE)
    return dict(fence.findall(page.read_text()))


@contextlib.contextmanager
def configured(binary, configuration, folder, changes, *, gently=False):
    """The binary with a page's configuration, whose places and ports are exchanged for others.

    Ended gently it writes what it has to its disk, and takes its time.
    """
    for old, new in {"service:\n": f"service:\n  telemetry: {QUIET}\n", **changes}.items():
        assert configuration.count(old) == 1, old
        configuration = configuration.replace(old, new)
    file = Path(folder) / "configured.yaml"
    file.write_text(configuration)
    process = subprocess.Popen([binary, "--config", str(file)], cwd=folder)
    try:
        yield process
    finally:
        (process.terminate if gently else process.kill)()
        process.wait(60)


QUIET = "{metrics: {level: none}, logs: {level: error}}"


def wait_for_port(port, process):
    """Until something listens there."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("nothing listens; see its own output above") from error
            time.sleep(0.1)
        else:
            return


def wait(jaeger, process):
    """Until its query API answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            jaeger.get("/api/services")
        except OSError as error:  # it waits anyway
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Jaeger did not start; see its own output above") from error
            time.sleep(0.1)
        else:
            return
