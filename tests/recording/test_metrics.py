"""Metrics of real exports, as OpenTelemetry's SDK and Prometheus see them."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys

import onnx
import pytest
import torch
from faulty import Random
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import REGISTRY, generate_latest
from torch import nn

import onnxspan
import torch_facts
from models import convolutional
from onnxspan import conventions as c
from onnxspan.recording.listeners.metrics import Metrics
from onnxspan.recording.probe import Probe


class Unsupported(nn.Module):
    """Has an operator that the TorchScript exporter does not know."""

    def forward(self, x):
        return torch.linalg.eigvals(x).real


def run(meters):
    """Two exports that succeed, and one that fails."""
    model, inputs = convolutional()
    with onnxspan.trace(meter_provider=meters) as trace:
        for _ in range(2):
            torch.onnx.export(model, inputs, io.BytesIO(), **torch_facts.TORCHSCRIPT)
        with pytest.raises(torch.onnx.errors.OnnxExporterError):
            torch.onnx.export(
                Unsupported(), (torch.ones(3, 3),), io.BytesIO(), **torch_facts.TORCHSCRIPT
            )
    assert not trace.errors
    return trace


@pytest.fixture(scope="module")
def recorded():
    """A recording and its metrics by name."""
    reader = InMemoryMetricReader()
    trace = run(MeterProvider([reader], shutdown_on_exit=False))
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    return trace, {metric.name: metric for metric in metrics}


def points(metric):
    """A metric's points by their attributes."""
    return {tuple(sorted(point.attributes.items())): point for point in metric.data.data_points}


def test_every_metric_is_documented_and_made(recorded):
    """Names, units and attributes are those of the conventions, all of them and no others."""
    _, metrics = recorded
    unverified = [one for one in c.METRICS if one not in (c.VERIFICATIONS, c.VERIFY_DIFFERENCE)]
    assert set(metrics) == {metric.name for metric in unverified}
    for documented in unverified:
        made = metrics[documented.name]
        assert (made.unit, made.description) == (documented.unit, documented.meaning)
        for point in made.data.data_points:
            assert set(point.attributes) <= set(documented.attributes)


def test_counts(recorded):
    """Exports and failures are counted by exporter and error, a failure once."""
    _, metrics = recorded
    error = "torch.onnx.errors.UnsupportedOperatorError"
    exports = points(metrics[c.EXPORTS.name])
    assert exports[((c.EXPORTER, "torchscript"),)].value == 2
    assert exports[((c.ERROR_TYPE, error), (c.EXPORTER, "torchscript"))].value == 1
    (failure,) = metrics[c.FAILURES.name].data.data_points
    assert failure.value == 1
    assert failure.attributes[c.ERROR_TYPE] == error
    assert failure.attributes[c.STAGE_NAME] == "_jit_pass_onnx"


def test_durations_are_those_of_the_spans(recorded):
    """The histograms' sums are the spans' durations, within the cost of looking."""
    trace, metrics = recorded
    total = sum(span.duration for span in trace.result.exports)
    summed = sum(point.sum for point in metrics[c.EXPORT_DURATION.name].data.data_points)
    assert total <= summed < total * 1.2
    stages = points(metrics[c.STAGE_DURATION.name])
    key = ((c.EXPORTER, "torchscript"), (c.STAGE_NAME, "_create_jit_graph"))
    assert stages[key].count == 3


class Twice(torch.autograd.Function):
    """Is exported as something else than it computes."""

    @staticmethod
    def forward(_context, x):
        return x * 2

    @staticmethod
    def symbolic(g, x):
        return g.op("Neg", x)


class Wrong(nn.Module):
    def forward(self, x):
        return Twice.apply(x)


@pytest.mark.parametrize(
    ("model", "outcome"),
    [(nn.ReLU(), "agrees"), (Wrong(), "differs"), (Random(), "nondeterministic")],
)
def test_verified_exports_are_counted_by_outcome(model, outcome):
    """A verified export counts once, and its largest difference is recorded."""
    pytest.importorskip("onnxruntime")
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    with onnxspan.trace(meter_provider=meters, verify=True) as trace:
        torch.onnx.export(model, (torch.ones(2, 3),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
    assert not trace.errors
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    named = {metric.name: metric for metric in metrics}
    for documented in (c.VERIFICATIONS, c.VERIFY_DIFFERENCE):
        made = named[documented.name]
        assert (made.unit, made.description) == (documented.unit, documented.meaning)
        (point,) = made.data.data_points
        assert point.attributes == {c.EXPORTER: "torchscript", c.VERIFY_OUTCOME: outcome}
    (point,) = named[c.VERIFICATIONS.name].data.data_points
    assert point.value == 1
    (point,) = named[c.VERIFY_DIFFERENCE.name].data.data_points
    if outcome == "differs":
        assert point.sum == trace.mismatch.max_abs_diff == 3.0


def test_steps_and_roots_are_no_exports(tmp_path):
    """Of two exports inside a function, and a check after them, the two are counted and verified."""
    pytest.importorskip("onnxruntime")
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    module = sys.modules[__name__]
    row = Probe("both", (f"{__name__}:both",), opens=lambda _: None, root=True)

    def both():
        for _ in range(2):
            file = tmp_path / "m.onnx"
            torch.onnx.export(nn.ReLU(), (torch.ones(2),), file, **torch_facts.TORCHSCRIPT)

    module.both = both
    try:
        with onnxspan.trace(
            "stages", meter_provider=meters, verify=True, probes=[row], packs=["onnx"]
        ) as trace:
            module.both()
            onnx.checker.check_model(str(tmp_path / "m.onnx"))
            with pytest.raises(FileNotFoundError):
                onnx.load(tmp_path / "nothing.onnx")
    finally:
        del module.both
    assert not trace.errors
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    named = {metric.name: metric for metric in metrics}
    for counted in (c.EXPORTS, c.VERIFICATIONS):
        (point,) = named[counted.name].data.data_points
        assert point.value == 2
        assert point.attributes[c.EXPORTER] == "torchscript"
    stages = {
        point.attributes[c.STAGE_NAME] for point in named[c.STAGE_DURATION.name].data.data_points
    }
    assert c.FAILURES.name not in named
    assert not stages & {"both", "onnx.checker.check_model", "torch.onnx.export"}


def test_a_meter_provider_that_is_not_installed():
    """A name in `OTEL_PYTHON_METER_PROVIDER` that means nothing costs the metrics, and no export."""
    code = torch_facts.spoken("""
import io, torch, warnings, onnxspan
warnings.simplefilter("ignore")
with onnxspan.trace() as trace:
    torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
print(len(trace.exports), trace.errors)
""")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "OTEL_PYTHON_METER_PROVIDER": "bogus"},
    )  # fmt: skip
    assert done.stdout.startswith("1 ['metrics: "), done.stderr


def test_no_metrics_where_nobody_reads_them():
    """Without a meter provider `trace()` makes no listener."""
    with onnxspan.trace() as trace:
        pass
    assert not [one for one in trace._session.listeners if isinstance(one, Metrics)]


def test_promtool_accepts_them(tmp_path):
    """In Prometheus's text form they pass `promtool check metrics`."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: install Prometheus (Debian's package `prometheus`)")
    reader = PrometheusMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    try:
        run(meters)
        text = generate_latest(REGISTRY)
    finally:
        meters.shutdown()
    ours = b"\n".join(
        line for line in text.splitlines() if b"torch_onnx" in line or b"target_info" in line
    )
    assert b"torch_onnx_exports_total{" in ours
    assert b"torch_onnx_pass_duration_seconds_bucket{" in ours
    done = subprocess.run(  # a checker
        [promtool, "check", "metrics"], input=ours + b"\n", capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
