"""Metrics of exports, by OpenTelemetry's metrics API.

Few series, whatever the models: the exporter, the names of stages and passes as torch's source
writes them, and `error.type` are all the attributes there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context, trace
from opentelemetry import metrics as otel

from onnxspan import conventions as c
from onnxspan.recording.call import is_export
from onnxspan.recording.graphs import origin
from onnxspan.recording.listeners.base import Listener
from onnxspan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.metrics import Meter, MeterProvider

    from onnxspan.recording.call import Call, Export

# A pass takes milliseconds, a large model's export hours.
_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
_NODES = (10, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_BYTES = tuple(4**power for power in range(5, 19))  # 1 KiB to 64 GiB

_DIFFERENCES = tuple(10.0**power for power in range(-9, 4))

_made: dict[int, Metrics] = {}


def listeners(provider: MeterProvider | None, *, proxy: bool = False) -> list[Listener]:
    """The listener for a meter provider; none where nobody would read the metrics.

    One provider has one listener: two recordings that are open at once count an export once.

    Args:
        provider: None takes the configured one.
        proxy: also when none is configured yet; it may be later.
    """
    if provider is None:
        provider = otel.get_meter_provider()
        if not _is_set(provider) and not proxy:
            return []
    if id(provider) not in _made:
        _made[id(provider)] = Metrics(provider)
    return [_made[id(provider)]]


def _is_set(provider: MeterProvider) -> bool:
    return type(provider).__name__ not in ("_ProxyMeterProvider", "NoOpMeterProvider")


class Metrics(Listener):
    """Records each export, stage and pass as it ends.

    Args:
        provider: whose instruments to use; kept, so that its identity stays its own.
    """

    def __init__(self, provider: MeterProvider) -> None:
        self.provider = provider
        meter = provider.get_meter(c.SCOPE, __version__, c.SCHEMA_URL)
        self._exports = _counter(meter, c.EXPORTS)
        self._failures = _counter(meter, c.FAILURES)
        self._export_seconds = _histogram(meter, c.EXPORT_DURATION, _SECONDS)
        self._stage_seconds = _histogram(meter, c.STAGE_DURATION, _SECONDS)
        self._pass_seconds = _histogram(meter, c.PASS_DURATION, _SECONDS)
        self._nodes = _histogram(meter, c.EXPORT_NODES, _NODES)
        self._bytes = _histogram(meter, c.EXPORT_SIZE, _BYTES)
        self._verifications = _counter(meter, c.VERIFICATIONS)
        self._differences = _histogram(meter, c.VERIFY_DIFFERENCE, _DIFFERENCES)
        # The exception that each export's failure counter has last met, by identity.
        self._counted: dict[int, BaseException] = {}
        self._ended: dict[int, list[tuple[Any, dict[str, Any]]]] = {}

    def asks_for_calls(self) -> bool:
        """Whether somebody reads the metrics, also of an export that a sampler has dropped."""
        return _is_set(self.provider) or _is_set(otel.get_meter_provider())

    def left(self, call: Call, error: BaseException | None) -> None:
        """Record the duration, and a failure once, in the context of the span that was measured.

        An exemplar points to the span that is current as a value is recorded.
        """
        if call.probe.pack:
            return  # a step of the pipeline is no export, and its failure none of an export
        if call.span is None:
            self._record(call, error)
            return
        if is_export(call):
            self._ended.setdefault(id(call.export), []).append((call.span, call.attributes))
        token = context.attach(trace.set_span_in_context(call.span))
        try:
            self._record(call, error)
        finally:
            context.detach(token)

    def _record(self, call: Call, error: BaseException | None) -> None:
        export = call.export
        seconds = (export.session.clock() - call.began) / 1e9
        attributes: dict[str, Any] = {c.EXPORTER: export.exporter}
        if error is not None:
            attributes[c.ERROR_TYPE] = origin.full_name(type(error))
            self._failed(call, error, attributes)
        if is_export(call):
            self._export(call, attributes, seconds)
        elif call.probe.root:
            return  # a function around exports is none
        elif call.probe.level <= c.Level.STAGES:
            self._stage_seconds.record(seconds, {**attributes, c.STAGE_NAME: call.probe.name})
        else:
            self._pass_seconds.record(seconds, {**attributes, c.PASS_NAME: call.probe.name})

    def finished(self, export: Export) -> None:
        """Record what verification found, which is known last; let go of the export's exception."""
        self._counted.pop(id(export), None)  # its traceback holds the user's tensors
        for span, found in self._ended.pop(id(export), ()):
            if c.VERIFY_MODE in found:
                token = context.attach(trace.set_span_in_context(span))
                try:
                    self._verified(found.get(c.EXPORTER, export.exporter), found)
                finally:
                    context.detach(token)

    def _verified(self, exporter: str, found: dict[str, Any]) -> None:
        outcome = "agrees" if found.get(c.VERIFY_STEPS) else "not_run"
        largest = found.get(c.VERIFY_MAX_ABS)
        if c.MISMATCH_INPUTS in found:
            outcome = "nondeterministic" if found.get(c.MISMATCH_NONDETERMINISTIC) else "differs"
            largest = found.get(c.MISMATCH_MAX_ABS)
        attributes = {c.EXPORTER: exporter, c.VERIFY_OUTCOME: outcome}
        self._verifications.add(1, attributes)
        if largest is not None:
            self._differences.record(largest, attributes)

    def _failed(self, call: Call, error: BaseException, attributes: dict[str, Any]) -> None:
        if self._counted.get(id(call.export)) is error:
            return
        self._counted[id(call.export)] = error
        self._failures.add(1, {**attributes, c.STAGE_NAME: call.probe.name})

    def _export(self, call: Call, attributes: dict[str, Any], seconds: float) -> None:
        self._exports.add(1, attributes)
        self._export_seconds.record(seconds, attributes)
        nodes = call.attributes.get(c.RESULT_NODES)
        if nodes is not None:
            self._nodes.record(nodes, attributes)
        size = call.attributes.get(c.RESULT_BYTES)
        if size is not None:
            external = call.attributes.get(c.RESULT_EXTERNAL_BYTES, 0)
            self._bytes.record(size + external, attributes)


def _counter(meter: Meter, metric: c.Metric) -> otel.Counter:
    return meter.create_counter(metric.name, metric.unit, metric.meaning)


def _histogram(meter: Meter, metric: c.Metric, bounds: Sequence[float]) -> otel.Histogram:
    return meter.create_histogram(
        metric.name,
        metric.unit,
        metric.meaning,
        explicit_bucket_boundaries_advisory=bounds,
    )
