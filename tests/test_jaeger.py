"""A real Jaeger shows what was recorded; skipped where there is none."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
import torch

import jaegers
import onnxspan
import torch_facts
from failing_models import Unsupported
from models import Long, convolutional
from onnxspan import conventions as c
from onnxspan.reading.source.trace import Trace

pytestmark = pytest.mark.skipif(jaegers.find() is None, reason=jaegers.REASON)


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory):
    """A Jaeger that runs."""
    with jaegers.running(jaegers.find(), tmp_path_factory.mktemp("jaeger")) as found:
        yield found


MAIN = "from onnxspan.cli import main; main()"


def tags(span):
    """A Jaeger span's tags."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def parent(span):
    """The id of a Jaeger span's parent, or nothing."""
    return next((ref["spanID"] for ref in span["references"]), "")


def hold(jaeger, recorded):
    """What Jaeger's API says of a trace is what was recorded."""
    root = recorded.roots[0]
    found = {span["spanID"]: span for span in jaeger.spans(root.trace_id, len(recorded.spans))}
    assert len(found) == len(recorded.spans)
    for span in recorded.spans:
        other = found[span.span_id]
        assert c.torch_name(other["operationName"]) == span.name
        assert parent(other) == span.parent_id
        assert abs(other["duration"] - span.duration * 1e6) <= 1  # Jaeger counts microseconds
        assert abs(other["startTime"] - span.start / 1e3) <= 1
        other_tags = tags(other)
        assert other_tags.get("error", False) == span.error
        assert set(span.attributes) <= set(other_tags)
        for key in (c.FUNCTION, c.NODES, c.LEVEL, c.ERROR_TYPE):
            assert other_tags.get(key) == span.get(key)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("exporter", torch_facts.EITHER)
def test_an_export_arrives_whole(jaeger, exporter, protocol):
    """Number of spans, nesting, attributes, durations and error flags, by Jaeger's own API."""
    model, inputs = convolutional()
    address = jaeger.grpc if protocol == "grpc" else jaeger.http
    with onnxspan.trace(otlp=address, protocol=protocol) as trace:
        torch.onnx.export(model, inputs, io.BytesIO(), **exporter)
    assert trace.deliveries[0].missing == 0
    hold(jaeger, trace.result)


def test_a_failed_export_is_found(jaeger):
    """The failed spans bear Jaeger's error flag, and the search for errors finds the trace."""
    refused = pytest.raises(torch.onnx.errors.OnnxExporterError)
    with onnxspan.trace(otlp=jaeger.http) as trace, refused:
        torch.onnx.export(
            Unsupported(), (torch.ones(3, 3),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    hold(jaeger, trace.result)
    assert any(span.error for span in trace.spans)
    answer = jaeger.get("/api/traces", service="onnxspan", tags='{"error":"true"}', limit=50)
    assert trace.spans[0].trace_id in [found["traceID"] for found in answer["data"]]


def test_the_list_says_model_and_exporter(jaeger):
    """The operation by which a trace is listed names the model's class and the exporter."""
    model, inputs = convolutional()
    with onnxspan.trace("stages", otlp=jaeger.http) as trace:
        torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    found = jaeger.spans(trace.spans[0].trace_id, len(trace.spans))
    (root,) = [span for span in found if not parent(span)]
    assert root["operationName"] == "torch.onnx.export Convolutional (torchscript)"


def test_a_saved_file_arrives_by_send(jaeger, tmp_path):
    """`onnxspan send` brings a saved trace to Jaeger as if it had been sent at once."""
    model, inputs = convolutional()
    with onnxspan.trace(save=tmp_path / "saved.jsonl") as trace:
        torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    command = [sys.executable, "-c", MAIN, "send", "saved.jsonl", "--otlp", jaeger.http]
    done = subprocess.run(  # our own command
        command, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert f"{len(trace.spans)} spans" in done.stdout
    hold(jaeger, Trace.read(tmp_path / "saved.jsonl"))


def test_ten_thousand_spans_open(jaeger):
    """A trace at level `nodes` of more than 10 000 spans arrives and can be read."""
    with onnxspan.trace("nodes", otlp=jaeger.http) as trace:
        torch.onnx.export(
            Long(2500),
            (torch.ones(2),),
            io.BytesIO(),
            **torch_facts.TORCHSCRIPT,
            do_constant_folding=False,
        )
    assert len(trace.spans) > 10_000
    assert trace.deliveries[0].missing == 0
    hold(jaeger, trace.result)


def test_the_pages_configurations_keep_what_they_got(tmp_path):
    """Spans that a Collector takes while Jaeger is away arrive, and outlive Jaeger on its disk."""
    binary = jaegers.find()
    if binary.startswith("http"):
        pytest.skip("needs Jaeger's binary, to start it twice")
    files = jaegers.page_configurations()
    taken, other, query, query_grpc, kept, kept_http = jaegers.free_ports(6)
    collector = {"0.0.0.0:4318": f"127.0.0.1:{taken}", "0.0.0.0:4317": f"127.0.0.1:{other}",
                 "jaeger:4317": f"127.0.0.1:{kept}"}  # fmt: skip
    disk = {
        "0.0.0.0:4318": f"127.0.0.1:{kept_http}",
        "0.0.0.0:4317": f"127.0.0.1:{kept}",
        'http: {endpoint: "0.0.0.0:16686"}': f'http: {{endpoint: "127.0.0.1:{query}"}}\n'
        f'    grpc: {{endpoint: "127.0.0.1:{query_grpc}"}}',
        "/var/lib/jaeger/keys": str(tmp_path / "keys"),
        "/var/lib/jaeger/values": str(tmp_path / "values"),
    }
    jaeger = jaegers.Jaeger(f"http://127.0.0.1:{query}", "", "")
    folders = [tmp_path / name for name in ("collector", "jaeger")]
    for folder in folders:
        folder.mkdir()
    with jaegers.configured(binary, files["collector.yaml"], folders[0], collector) as process:
        jaegers.wait_for_port(taken, process)
        with onnxspan.trace("stages", otlp=f"http://127.0.0.1:{taken}") as trace:
            torch.onnx.export(
                torch.nn.Linear(2, 2), (torch.ones(1, 2),), io.BytesIO(), dynamo=False
            )
        assert trace.deliveries[0].missing == 0
        with jaegers.configured(
            binary, files["jaeger.yaml"], folders[1], disk, gently=True
        ) as first:
            jaegers.wait(jaeger, first)
            hold(jaeger, trace.result)
    with jaegers.configured(binary, files["jaeger.yaml"], folders[1], disk) as second:
        jaegers.wait(jaeger, second)
        hold(jaeger, trace.result)
