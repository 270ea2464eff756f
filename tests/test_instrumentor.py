"""The instrumentor: the same recording by OpenTelemetry's own door."""

from __future__ import annotations

import importlib.metadata
import inspect
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import onnxspan
import torch_facts
from collectors import HttpCollector
from models import convolutional
from onnxspan import conventions as c
from onnxspan.instrumentor import TorchOnnxInstrumentor


def export():
    """A real export of a small model."""
    model, inputs = convolutional()
    torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)


def span_ids(spans):
    """Their span ids, as hexadecimal."""
    return [format(span.context.span_id, "016x") for span in spans]


@pytest.fixture
def memory():
    """An exporter that keeps spans."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(memory):
    """A tracer provider that exports to it."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return provider


@pytest.fixture
def instrumentor():
    """The instrumentor, uninstrumented in the end."""
    instrumentor = TorchOnnxInstrumentor()
    yield instrumentor
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def test_records_until_uninstrumented(instrumentor, provider, memory):
    """Exports between `instrument` and `uninstrument` are recorded, and torch is as before."""
    before = inspect.getattr_static(torch.onnx, "export")
    export()
    instrumentor.instrument(tracer_provider=provider)
    export()
    count = len(memory.get_finished_spans())
    assert count > 30
    instrumentor.uninstrument()
    assert inspect.getattr_static(torch.onnx, "export") is before
    export()
    assert len(memory.get_finished_spans()) == count


def test_probes_of_the_users_own(instrumentor, provider, memory):
    """`probes` gives a function around exports the root span, until uninstrumented."""
    bare = export
    nightly = onnxspan.Probe("nightly", (f"{__name__}:export",), root=True)
    instrumentor.instrument(tracer_provider=provider, level="stages", probes=[nightly])
    export()
    roots = [span.name for span in memory.get_finished_spans() if span.parent is None]
    assert roots == ["nightly"]
    instrumentor.uninstrument()
    assert export is bare


def test_twice_is_once(instrumentor, provider, memory):
    """A second `instrument` changes nothing, and one `uninstrument` is enough."""
    instrumentor.instrument(tracer_provider=provider, level="stages")
    instrumentor.instrument(tracer_provider=provider, level="stages")
    export()
    finished = memory.get_finished_spans()
    assert len([span for span in finished if c.EXPORTER in span.attributes]) == 1


def test_level_from_the_environment(instrumentor, provider, memory, monkeypatch):
    """`ONNXSPAN_LEVEL` holds where `instrument()` is given no level."""
    monkeypatch.setenv("ONNXSPAN_LEVEL", "stages")
    instrumentor.instrument(tracer_provider=provider)
    export()
    assert {span.attributes[c.LEVEL] for span in memory.get_finished_spans()} == {"stages"}


def test_a_level_that_is_none_is_told_and_ignored(
    instrumentor, provider, memory, monkeypatch, caplog
):
    """A word that is no level in `ONNXSPAN_LEVEL` is told; the exports are recorded at `passes`."""
    monkeypatch.setenv("ONNXSPAN_LEVEL", "bogus")
    instrumentor.instrument(tracer_provider=provider)
    export()
    levels = {span.attributes[c.LEVEL] for span in memory.get_finished_spans()}
    assert levels == {"stages", "passes"}
    assert "ONNXSPAN_LEVEL: unknown level 'bogus'" in caplog.text


def test_the_version_of_the_conventions_is_named(instrumentor, provider, memory):
    """The scope of spans names the schema, by a provider of the user's and by onnxspan's own."""
    instrumentor.instrument(tracer_provider=provider)
    export()
    found = {span.instrumentation_scope.schema_url for span in memory.get_finished_spans()}
    assert found == {c.SCHEMA_URL}
    instrumentor.uninstrument()
    with onnxspan.trace(outputs=[memory]):
        export()
    last = memory.get_finished_spans()[-1]
    assert last.instrumentation_scope.schema_url == c.SCHEMA_URL


def test_other_threads(instrumentor, provider, memory):
    """It receives the exports of every thread, also of one that it was not opened in."""
    opener = threading.Thread(target=instrumentor.instrument, kwargs={"tracer_provider": provider})
    opener.start()
    opener.join()
    export()
    assert memory.get_finished_spans()


@pytest.mark.parametrize("trace_first", [False, True])
def test_two_doors_one_recording(instrumentor, provider, memory, trace_first):
    """An export inside `trace()` while the instrumentor is on is recorded once, for both."""
    trace = onnxspan.trace()
    if trace_first:
        with trace:
            instrumentor.instrument(tracer_provider=provider)
            export()
    else:
        instrumentor.instrument(tracer_provider=provider)
        with trace:
            export()
    ids = span_ids(memory.get_finished_spans())
    assert len(ids) == len(set(ids)) > 30
    assert set(ids) == {span.span_id for span in trace.spans}
    export()
    assert len(memory.get_finished_spans()) == 2 * len(ids)
    assert len(trace.spans) == len(ids)


def test_the_deeper_level_holds_for_both(instrumentor, provider, memory):
    """When the two doors ask for different levels, neither gets less than it asked for."""
    instrumentor.instrument(tracer_provider=provider, level="passes")
    with onnxspan.trace("stages") as trace:
        export()
    assert {span.get(c.LEVEL) for span in trace.spans} == {"stages", "passes"}
    assert len(memory.get_finished_spans()) == len(trace.spans)


def test_metrics_count_an_export_once(instrumentor, provider):
    """Two doors with one meter provider make one count."""
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    instrumentor.instrument(tracer_provider=provider, meter_provider=meters)
    with onnxspan.trace(meter_provider=meters):
        export()
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    (exports,) = [metric for metric in metrics if metric.name == c.EXPORTS.name]
    assert [point.value for point in exports.data.data_points] == [1]


def test_hooks(instrumentor, provider, memory):
    """Hooks get the span as the export begins and ends, and may set attributes on it."""

    def begun(span, arguments):
        span.set_attribute("mine.model", type(arguments["model"]).__name__)

    def ended(span, error):
        span.set_attribute("mine.error", repr(error))

    instrumentor.instrument(tracer_provider=provider, request_hook=begun, response_hook=ended)
    export()
    (root,) = [span for span in memory.get_finished_spans() if c.EXPORTER in span.attributes]
    assert root.attributes["mine.model"] == "Convolutional"
    assert root.attributes["mine.error"] == "None"


def test_a_hook_that_raises(instrumentor, provider, memory, caplog):
    """It is counted on the span, logged, and kept away from the export."""

    def broken(span, arguments):
        raise ZeroDivisionError("hook")

    instrumentor.instrument(tracer_provider=provider, request_hook=broken)
    export()
    (root,) = [span for span in memory.get_finished_spans() if c.EXPORTER in span.attributes]
    assert root.attributes[c.TRACING_ERRORS] == 1
    assert "ZeroDivisionError: hook" in caplog.text


def test_suppressed(instrumentor, provider, memory):
    """`suppress_instrumentation` keeps an export out of the record."""
    instrumentor.instrument(tracer_provider=provider)
    with suppress_instrumentation():
        export()
    assert memory.get_finished_spans() == ()


def test_keeps_no_spans(instrumentor, provider):
    """Spans are the provider's: a process that exports all night does not grow."""
    instrumentor.instrument(tracer_provider=provider)
    export()
    assert instrumentor._session.spans == []


def test_entry_point():
    """OpenTelemetry's auto-instrumentation finds it as `torch_onnx`."""
    points = importlib.metadata.entry_points(group="opentelemetry_instrumentor")
    found = [point for point in points if point.name == "torch_onnx"]
    if not found:
        pytest.skip("onnxspan is not installed here (it runs from its source folder)")
    assert found[0].load() is TorchOnnxInstrumentor


def test_no_code_change(tmp_path):
    """`opentelemetry-instrument python export.py` sends an unchanged script's export."""
    if not importlib.metadata.entry_points(group="opentelemetry_instrumentor", name="torch_onnx"):
        pytest.skip("onnxspan is not installed here (it runs from its source folder)")
    pytest.importorskip("opentelemetry.distro", reason="needs opentelemetry-distro")
    script = tmp_path / "export.py"
    script.write_text(
        torch_facts.spoken(
            "import io, torch\n"
            "torch.onnx.export(\n"
            "    torch.nn.Linear(2, 2), (torch.ones(1, 2),), io.BytesIO(), dynamo=False)\n"
        )
    )
    with HttpCollector() as collector:
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "nightly",
        }
        done = subprocess.run(  # our own script
            [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, script],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        names = {span.name for span in collector.spans}
        assert "torch.onnx.export Linear (torchscript)" in names
        assert collector.resource["service.name"] == "nightly"
