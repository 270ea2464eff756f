"""Log events as OpenTelemetry log records, by its own instrumentation of structlog."""

from __future__ import annotations

import io
import logging

import pytest
import structlog
import torch
from opentelemetry.instrumentation.structlog import StructlogProcessor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

import onnxspan
import torch_facts
from failing_models import Unsupported


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("exporter", torch_facts.EITHER)
def test_records_belong_to_their_spans(exporter):
    """`entered`, `left` and `failed` of every span, a failed operator's too, bear its own ids."""
    kept = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    logger = structlog.wrap_logger(
        structlog.PrintLogger(io.StringIO()),
        processors=[StructlogProcessor(provider), structlog.processors.JSONRenderer()],
    )
    refused = pytest.raises(torch.onnx.errors.OnnxExporterError)
    with onnxspan.trace(flight=False, log=logger) as trace, refused:
        torch.onnx.export(
            Unsupported(), (torch.ones(3, 3),), io.BytesIO(), **exporter, verbose=False
        )
    records = [data.log_record for data in kept.get_finished_logs()]
    ids = {
        word: {format(record.span_id, "016x") for record in records if record.body in word}
        for word in (("entered",), ("left", "failed"))
    }
    told = [span for span in trace.spans if not span.name.startswith("import ")]
    spans = {span.span_id: span for span in told}
    node = next(span for span in trace.spans if span.get("torch.onnx.node.operator"))
    assert ids["left", "failed"] == set(spans)
    assert ids["entered",] == set(spans) - {node.span_id}
    assert {format(record.trace_id, "032x") for record in records} == {trace.spans[0].trace_id}
    for record in records:
        assert record.attributes["span_id"] == format(record.span_id, "016x")
        told = spans[record.attributes["span_id"]].get("error.type")
        assert record.attributes.get("error_type") == (told if record.body == "failed" else None)
        assert (record.body == "failed") <= spans[record.attributes["span_id"]].error


@pytest.mark.filterwarnings("ignore")
def test_a_standard_record_has_the_fields():
    """A record of a standard logger has its text, and each field, also one with a taken name."""
    logger = logging.getLogger("onnxspan.tests.fields")
    logger.setLevel(logging.DEBUG)
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    logger.propagate = False
    refused = pytest.raises(torch.onnx.errors.OnnxExporterError)
    with onnxspan.trace(flight=False, log=logger) as trace, refused:
        torch.onnx.export(Unsupported(), (torch.ones(3, 3),), io.BytesIO(), dynamo=False)
    (failed,) = [
        record
        for record in records
        if record.event == "failed" and record.__dict__.get("operator")
    ]
    span = next(span for span in trace.spans if span.span_id == failed.span_id)
    assert failed.getMessage().startswith(f"event='failed' span='{span.name}'")
    assert failed.error_type == span.get("error.type")
    assert failed.model_module == span.get("torch.onnx.node.scope")
    assert failed.module != failed.model_module  # logging's own: the Python module that logs
    left = next(record for record in records if record.event == "left")
    assert left.duration_s >= 0
    assert left.rss_bytes > 0
    assert trace.errors == []
