"""A trace that a sampler has dropped is sent in no part, and the user's spans inside follow it."""

import io
import os
import subprocess
import sys
import textwrap
import warnings

import pytest
import torch
from opentelemetry import trace as otel
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    TraceIdRatioBased,
)

import onnxspan
import torch_facts
from onnxspan import Level
from onnxspan.instrumentor import TorchOnnxInstrumentor
from onnxspan.recording import recorder
from onnxspan.recording.probe import Exporter

SAMPLERS = {
    "always_on": (ALWAYS_ON, True),
    "always_off": (ALWAYS_OFF, False),
    "parentbased_always_on": (ParentBased(ALWAYS_ON), True),
    "parentbased_always_off": (ParentBased(ALWAYS_OFF), False),
    "traceidratio 0": (TraceIdRatioBased(0.0), False),
    "traceidratio 1": (TraceIdRatioBased(1.0), True),
    "parentbased_traceidratio 0": (ParentBased(TraceIdRatioBased(0.0)), False),
}


class Inside(torch.nn.Module):
    """Makes a span of the user's own while it runs."""

    def __init__(self, tracer):
        super().__init__()
        self.tracer = tracer
        self.seen = []

    def forward(self, x):
        with self.tracer.start_as_current_span("inside") as span:
            self.seen.append(span.is_recording())
            return x + 1


@pytest.mark.parametrize("around", [True, False], ids=["in a span", "by itself"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_of_the_specification(name, around):
    """All spans arrive, or none; the trace in memory is whole either way."""
    sampler, is_on = SAMPLERS[name]
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("user")
    model = Inside(tracer)

    def export():
        with onnxspan.trace(tracer_provider=provider) as trace, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, (torch.ones(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
        return trace

    if around:
        with tracer.start_as_current_span("request"):
            trace = export()
    else:
        trace = export()
    sent = exporter.get_finished_spans()
    ours = [span for span in sent if span.instrumentation_scope.name == "onnxspan"]
    assert len(ours) == (len(trace.spans) if is_on else 0)
    assert model.seen == [is_on] * len(model.seen)
    assert model.seen
    assert len(trace.exports) == 1
    assert len(trace.spans) > 40
    assert trace.errors == []


@pytest.mark.parametrize("flags", ["00", "01"])
@pytest.mark.parametrize(
    ("sampler", "argument"), [("parentbased_always_on", ""), ("parentbased_traceidratio", "1.0")]
)
def test_traceparent_without_code(flags, sampler, argument):
    """By the instrumentor, a pipeline that is not sampled gets no span; one that is gets all."""
    pytest.importorskip("opentelemetry.distro", reason="needs opentelemetry-distro")
    script = f"""
        import io, warnings
        warnings.simplefilter("ignore")
        import torch
        torch.onnx.export(torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **{torch_facts.TORCHSCRIPT!r})
    """
    environment = {
        **os.environ,
        "TRACEPARENT": f"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}",
        "OTEL_TRACES_SAMPLER": sampler,
        "OTEL_TRACES_SAMPLER_ARG": argument,
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    instrument = os.path.join(os.path.dirname(sys.executable), "opentelemetry-instrument")
    done = subprocess.run(
        [instrument, sys.executable, "-c", textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("_jit_pass_onnx" in done.stdout) is (flags == "01")


def test_without_an_sdk_nothing_changes():
    """Where no SDK is configured the spans are ours, sampled, in a trace of their own."""
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    assert len({span.trace_id for span in trace.spans}) == 1
    assert otel.get_current_span() is otel.INVALID_SPAN


@pytest.mark.parametrize("options", torch_facts.EITHER)
@pytest.mark.parametrize("reads_metrics", [False, True])
def test_a_dropped_export_is_left_alone(options, reads_metrics):
    """By the instrumentor nothing stays wrapped in an export that no one gets; metrics are counted."""
    exporter = Exporter.DYNAMO if options.get("dynamo") else Exporter.TORCHSCRIPT
    reader = InMemoryMetricReader()
    inside, asked = [], []
    held = recorder.targets_of(exporter, Level.PASSES)

    class Looking(torch.nn.Module):
        def forward(self, x):
            inside.append(any(recorder.patches.is_installed(target) for target in held))
            return x + 1

    instrumentor = TorchOnnxInstrumentor()
    instrumentor.instrument(
        tracer_provider=TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False),
        meter_provider=MeterProvider([reader], shutdown_on_exit=False) if reads_metrics else None,
        request_hook=lambda span, arguments: asked.append(sorted(arguments)),
        response_hook=lambda span, error: asked.append(error),
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(Looking(), (torch.ones(1),), io.BytesIO(), **options)
    finally:
        instrumentor.uninstrument()
    assert inside
    assert set(inside) == {reads_metrics}
    assert len(asked) == 2
    assert asked[1] is None
    assert recorder.patches.is_clean()
    if reads_metrics:
        (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
        names = {metric.name for metric in scope.metrics}
        assert {"torch.onnx.exports", "torch.onnx.pass.duration"} <= names
