"""Traces made by hand, for what must be exact about comparing them."""

from __future__ import annotations

import json

from onnxspan.reading.compare.samples import samples_of
from onnxspan.reading.source.trace import Span, Trace


def export(tree, *, nodes=100, operators=("onnx::Add=3",), model="Toy", error="", **root):
    """A trace of one export.

    `tree` maps a name to seconds, or to (seconds, attributes, subtree); the root lasts as
    long as its steps together.
    """
    spans = []

    def add(name, parent, start, seconds, attributes, below, failure=""):
        span_id = format(len(spans) + 1, "016x")
        end = start + round(seconds * 1e9)
        attributes = {"torch.onnx.level": "passes", **attributes}
        spans.append(
            Span(
                name, "0" * 31 + "1", span_id, parent, start, end, attributes, [],
                bool(failure), failure, "onnxspan", {},
            )
        )  # fmt: skip
        for child, value in below.items():
            part = value if isinstance(value, tuple) else (value, {}, {})
            add(child, span_id, start, *part)
            start += round(part[0] * 1e9)

    total = sum(value[0] if isinstance(value, tuple) else value for value in tree.values())
    attributes = {
        "torch.onnx.exporter": "torchscript",
        "torch.onnx.model.class": model,
        "torch.onnx.level": "stages",
        **root,
    }
    if not error:
        attributes["torch.onnx.result.node.count"] = nodes
        attributes["torch.onnx.result.operators"] = list(operators)
        attributes["torch.onnx.result.size"] = nodes * 10
    add("torch.onnx.export", "", 10**18, total, attributes, tree, error)
    return Trace(spans)


def samples(*traces):
    """The exports of the traces."""
    return [sample for trace in traces for sample in samples_of(trace)]


def write(path, trace):
    """The trace as one line of OTLP JSON."""

    def value(raw):
        if isinstance(raw, list):
            return {"arrayValue": {"values": [value(item) for item in raw]}}
        if isinstance(raw, int):
            return {"intValue": str(raw)}
        return {"doubleValue": raw} if isinstance(raw, float) else {"stringValue": raw}

    spans = [
        {
            "name": span.name,
            "traceId": span.trace_id,
            "spanId": span.span_id,
            "parentSpanId": span.parent_id,
            "startTimeUnixNano": str(span.start),
            "endTimeUnixNano": str(span.end),
            "attributes": [{"key": k, "value": value(v)} for k, v in span.attributes.items()],
            "status": {"code": 2, "message": span.description} if span.error else {},
        }
        for span in trace.spans
    ]
    line = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "onnxspan"}, "spans": spans}]}]}
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    return str(path)
