"""Traces of any size as OTLP JSON lines, made without torch."""

from __future__ import annotations

import json

from onnxspan.reading.source.trace import Trace

EPOCH = 1_700_000_000_000_000_000


def _attribute(key, value):
    if isinstance(value, bool):
        return {"key": key, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    if isinstance(value, float):
        return {"key": key, "value": {"doubleValue": value}}
    if isinstance(value, list):
        return {
            "key": key,
            "value": {"arrayValue": {"values": [_attribute("", v)["value"] for v in value]}},
        }
    return {"key": key, "value": {"stringValue": value}}


def span(
    number, parent, name, start, end, attributes=None, error=None, events=()
):  # as a line of a table
    """One span as OTLP JSON; times in nanoseconds after the trace's beginning."""
    made = {
        "traceId": "1" * 32,
        "spanId": f"{number:016x}",
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(EPOCH + start),
        "endTimeUnixNano": str(EPOCH + end),
        "attributes": [_attribute(key, value) for key, value in (attributes or {}).items()],
        "events": [
            {
                "name": event,
                "timeUnixNano": str(EPOCH + end),
                "attributes": [_attribute(key, value) for key, value in said.items()],
            }
            for event, said in events
        ],
    }
    if parent:
        made["parentSpanId"] = f"{parent:016x}"
    if error:
        made["status"] = {"code": 2, "message": error}
    return made


def lines(spans, scope="onnxspan", batch=512):
    """The spans as the lines of a file."""
    return "".join(
        json.dumps({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [
            {"scope": {"name": scope}, "spans": spans[first : first + batch]}]}]}) + "\n"
        for first in range(0, len(spans), batch)
    )  # fmt: skip


def export(count):
    """An export of `count` spans: stages, passes, and node spans below one of the passes.

    Node spans are what large traces are made of; every 50th pass changes the graph.
    """
    passes = max(1, min(100, (count - 3) // 2))
    nodes = count - 3 - passes
    step = 1_000_000
    end = step * (count + 10)
    made = [
        span(1, 0, "torch.onnx.export", 0, end, {
            "torch.onnx.exporter": "torchscript",
            "torch.onnx.version.torch": "2.13.0",
            "torch.onnx.model.class": "models.Synthetic",
            "torch.onnx.tracing.span.count": count,
            "torch.onnx.level": "stages",
        }),
        span(2, 1, "_model_to_graph", step, end - step, {"torch.onnx.level": "stages"}),
        span(3, 2, "_optimize_graph", 2 * step, end - 2 * step, {"torch.onnx.level": "stages"}),
    ]  # fmt: skip
    at = 3 * step
    for index in range(passes):
        number = len(made) + 1
        holds = nodes if index == passes // 2 else 0
        took = step * (holds + 1) - 1000
        name = "_jit_pass_onnx" if holds else f"_jit_pass_number_{index % 37}"
        made.append(span(number, 3, name, at, at + took, {
            "code.function.name": f"torch._C.{name}",
            "torch.onnx.level": "passes",
            "torch.onnx.graph.node.count": 1000 + index // 5 * 10,
            "torch.onnx.graph.node.change": 10 if index % 5 == 0 else 0,
            "torch.onnx.memory.rss": 400_000_000 + index * 1_000_000,
            "torch.onnx.memory.growth": 1_000_000,
            "torch.onnx.memory.peak": 500_000_000 + index * 1_000_000,
        }))  # fmt: skip
        for below in range(holds):
            begin = at + below * step
            name = "_run_symbolic_function"
            made.append(span(len(made) + 1, number, name, begin, begin + step // 2, {
                "code.function.name": f"torch.onnx.utils.{name}",
                "code.file.path": "/home/me/model.py",
                "code.line.number": 10 + below % 50,
                "torch.onnx.level": "nodes",
                "torch.onnx.node.operator": ("aten::linear", "aten::add", "aten::gelu")[below % 3],
                "torch.onnx.node.scope": f"Model::/Block::blocks.{below // 20}/Linear::mlp",
            }))  # fmt: skip
        at += step * (holds + 1)
    return made


HOSTILE = "</script><img src=x onerror=alert(1)><b>&amp;\"'\u202e\ud800"


def read(tmp_path, spans, **options):
    """The spans as a trace, by way of a file."""
    path = tmp_path / "trace.jsonl"
    path.write_text(lines(spans, **options))
    return Trace.read(path)


def hostile():
    """An export whose every text tries to be markup."""
    return [
        span(
            1,
            0,
            HOSTILE,
            0,
            90,
            {"torch.onnx.exporter": HOSTILE, "torch.onnx.model.class": HOSTILE, HOSTILE: HOSTILE},
            error=HOSTILE,
            events=[(HOSTILE, {HOSTILE: HOSTILE}), ("exception", {"exception.message": HOSTILE})],
        ),
        span(2, 1, "constructor", 1, 50, {"__proto__": "x", "nan": float("nan")}),
        span(3, 1, "__proto__", 50, 60, {"torch.onnx.symbolic.operators": [HOSTILE]}),
    ]
