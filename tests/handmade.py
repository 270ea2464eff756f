"""Traces made by hand, with fixed ids and times, as ended OpenTelemetry SDK spans."""

from __future__ import annotations

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from onnxspan import conventions as c

EPOCH = 1_700_000_000_000_000_000
MEBI = 1024 * 1024
STAGE, PASS, NODE = ({c.LEVEL: level} for level in ("stages", "passes", "nodes"))


class Builder:
    """Adds spans one by one; times in milliseconds after the beginning."""

    def __init__(self, trace=1, first_three=None):
        self.trace = trace
        self.first_three = first_three or {}  # attributes that the first three spans have too
        self.spans = []

    def add(  # a span has that many parts
        self, name, start, end, parent=None, attributes=None, *, error=None, scope=c.SCOPE,
        events=(),
    ):  # fmt: skip
        """Add a span; `end` None is one that never ended. Gives the span's id."""
        number = len(self.spans) + 1
        self.spans.append(
            ReadableSpan(
                name=name,
                context=self._context(number),
                parent=self._context(parent) if parent else None,
                resource=Resource({"service.name": "handmade"}),
                attributes={**(attributes or {}), **(self.first_three if number <= 3 else {})},
                events=[Event(what, said, _at(end or start)) for what, said in events],
                status=Status(StatusCode.ERROR, error) if error else Status(),
                start_time=_at(start),
                end_time=None if end is None else _at(end),
                instrumentation_scope=InstrumentationScope(scope, "1"),
            )
        )
        return number

    def _context(self, number):
        return SpanContext(self.trace, number, is_remote=False, trace_flags=TraceFlags(1))


def _at(milliseconds):
    return EPOCH + round(milliseconds * 1e6)


def size(nodes, change=0, growth=0, rss=500 * MEBI):
    """The attributes of a pass that holds a graph."""
    return {
        **PASS,
        c.NODES: nodes,
        c.NODES_CHANGE: change,
        c.MEMORY_GROWTH: growth,
        c.MEMORY_RSS: rss,
    }


def root(**more):
    """The attributes of an export's root."""
    return {
        **STAGE,
        c.EXPORTER: "torchscript",
        c.OPSET: 17,
        c.VERSION_TORCH: "2.13.0",
        c.VERSION_ONNX: "1.19.0",
        c.MODEL_CLASS: "models.Transformer",
        c.MODEL_PARAMETERS: 1_234_567,
        c.MODEL_BYTES: 4_938_268,
        c.RESULT_FILE: "model.onnx",
        c.RESULT_NODES: 96,
        c.RESULT_BYTES: 5_000_000,
        c.TRACING_DURATION: 0.0071,
        **more,
    }


def export(builder, parent=None, at=0.0, **more):
    """A whole export of a second: lints that fold, a pass that changes the graph, sums."""
    top = builder.add("torch.onnx.export", at, at + 1000, parent, root(**more))
    graph = builder.add("_model_to_graph", at + 10, at + 900, top, STAGE)
    jit = builder.add("_create_jit_graph", at + 20, at + 320, graph, STAGE)
    builder.add(
        "_trace_and_get_graph_from_model",
        at + 30, at + 310, jit,
        {**STAGE, c.NODES: 310, c.MEMORY_GROWTH: 40 * MEBI, c.MEMORY_RSS: 500 * MEBI},
    )  # fmt: skip
    optimize = builder.add("_optimize_graph", at + 330, at + 850, graph, STAGE)
    for number in range(10):
        begun = at + 340 + number * 2
        builder.add("_jit_pass_lint", begun, begun + 1, optimize, size(310))
    builder.add("_jit_pass_inline", at + 380, at + 381, optimize, size(310))
    builder.add("_jit_pass_peephole", at + 382, at + 383, optimize, size(310))
    convert = {
        **size(120, change=-190, growth=2 * MEBI),
        c.SYMBOLIC[0]: ["aten::linear", "aten::add", "aten::relu", "a", "b", "d", "e"],
        c.SYMBOLIC[1]: [40, 30, 20, 1, 1, 1, 1],
        c.SYMBOLIC[2]: [0.2, 0.1, 0.05, 0.004, 0.003, 0.002, 0.001],
        c.SYMBOLIC[3]: [0.01, 0.01, 0.01, 0.004, 0.003, 0.002, 0.001],
        c.NODE_INFERENCE[0]: ["onnx::MatMul"],
        c.NODE_INFERENCE[1]: [40],
        c.NODE_INFERENCE[2]: [0.03],
        c.NODE_INFERENCE[3]: [0.002],
    }
    builder.add("_jit_pass_onnx", at + 400, at + 800, optimize, convert)
    builder.add("_jit_pass_cse", at + 801, at + 849, optimize, size(96, change=-24))
    builder.add("_export_onnx", at + 900, at + 990, top, {**STAGE, c.RESULT_BYTES: 5_000_000})
    return top
