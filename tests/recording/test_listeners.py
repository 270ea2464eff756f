"""What is said during an export: logs, warnings, the C++ passes' own log, and users' hooks."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import warnings

import pytest
import structlog
import torch

import onnxspan
import torch_facts
from onnxspan import conventions as c


class Warns(torch.nn.Module):
    def forward(self, x):
        logging.getLogger("torch.onnx.test").warning("said by %s", "torch")
        warnings.warn("look here", UserWarning, stacklevel=1)
        return torch.relu(x * 2.0 + 1.0) + x * 2.0


def _export():
    buffer = io.BytesIO()
    torch.onnx.export(Warns(), (torch.zeros(2, 3),), buffer, **torch_facts.TORCHSCRIPT)
    return buffer.getvalue()


def _export_calling(in_symbolic, in_forward=lambda: None):
    """Export a model that calls these: the first inside a native pass, the second as it is traced."""

    class Calls(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            in_forward()
            return x * 2

        @staticmethod
        def symbolic(g, x):
            in_symbolic()
            return g.op("Identity", x)

    class Model(torch.nn.Module):
        def forward(self, x):
            return Calls.apply(x)

    torch.onnx.export(Model(), (torch.zeros(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT)


def _span(trace, name):
    return next(span for span in trace.spans if span.name == name)


@pytest.fixture(scope="module")
def plain():
    """The bytes without tracing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _export()


def test_warnings_and_records_reach_span_and_user(caplog):
    """A warning and a log record are on the span that was running, and reach the user as before."""
    show, factory = warnings._showwarnmsg, logging.getLogRecordFactory()
    with warnings.catch_warnings(record=True) as seen, onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("always")
        _export()
    told = [str(warning.message) for warning in seen]
    assert told.count("look here") >= 1
    assert "said by torch" in caplog.messages
    events = _span(trace, "_trace_and_get_graph_from_model").events
    said = {event.name: event.attributes for event in events}
    assert said[c.WARNING_EVENT][c.LOG_MESSAGE] == "look here"
    assert said[c.WARNING_EVENT][c.FILE] == __file__
    assert said[c.LOG_EVENT][c.LOG_LOGGER] == "torch.onnx.test"
    assert warnings._showwarnmsg is show
    assert logging.getLogRecordFactory() is factory
    assert trace.errors == []


def test_structured_log_tells_the_same_story(plain):
    """Every span of the trace has `entered` and `left` with its ids; bytes are the same."""
    out = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
    )
    with warnings.catch_warnings(), onnxspan.trace(flight=False, log=logger) as trace:
        warnings.simplefilter("ignore")
        assert _export() == plain
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    ids = {span.span_id for span in trace.spans}
    for word in ("entered", "left"):
        assert {event["span_id"] for event in events if event["event"] == word} == ids
    assert {event["trace_id"] for event in events} == {trace.spans[0].trace_id}
    left = next(e for e in events if e["event"] == "left" and e["span"] == "_jit_pass_onnx")
    assert left["level"] == "debug"
    assert left["duration_s"] > 0
    assert left["nodes"] > 0


def test_silent_unless_asked(capfd):
    """Without `log` the library writes nothing, whatever structlog is configured to."""
    with warnings.catch_warnings(), onnxspan.trace(flight=False):
        warnings.simplefilter("ignore")
        _export()
    assert "entered" not in "".join(capfd.readouterr())


def test_processor_adds_the_ids_of_the_current_span():
    """A line of the user's own, written in forward, bears the ids of the span around it."""
    lines = []

    class Logs(torch.nn.Module):
        def forward(self, x):
            lines.append(onnxspan.add_span_ids(None, "info", {"event": "mine"}))
            return x + 1

    with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(Logs(), (torch.zeros(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
    span = _span(trace, "_trace_and_get_graph_from_model")
    assert lines[0] == {"event": "mine", "trace_id": span.trace_id, "span_id": span.span_id}
    assert onnxspan.add_span_ids(None, "info", {}) == {}


def test_native_log_is_on_its_pass(plain, capfd):
    """The C++ passes' lines are events of their passes, bounded, and nothing of them is on stderr."""
    before = torch._C._jit_get_logging_option()
    stderr = os.fstat(2).st_ino
    with warnings.catch_warnings(), onnxspan.trace(flight=False, native_log=True) as trace:
        warnings.simplefilter("ignore")
        assert _export() == plain
    assert trace.errors == []
    said = [
        event for span in trace.spans for event in span.events if event.name == c.NATIVE_LOG_EVENT
    ]
    assert {event.attributes[c.LOG_LEVEL] for event in said} == {"UPDATE"}
    cse = _span(trace, "_jit_pass_cse")
    assert cse.get(c.NATIVE_LINES) > 0
    assert any(
        event.attributes[c.FILE] == "common_subexpression_elimination.cpp"
        and event.attributes[c.LINE] > 0
        for event in cse.events
    )
    assert max(len(span.events) for span in trace.spans) <= 100
    assert torch._C._jit_get_logging_option() == before
    assert os.fstat(2).st_ino == stderr
    assert "[UPDATE" not in capfd.readouterr().err


def test_native_log_leaves_other_output_alone(capfd):
    """What a symbolic function writes to stderr inside a native pass still gets there."""
    with warnings.catch_warnings(), onnxspan.trace(flight=False, native_log=True):
        warnings.simplefilter("ignore")
        _export_calling(lambda: os.write(2, b"mine, from inside\n"))
    assert capfd.readouterr().err.count("mine, from inside\n") == 1


def test_native_log_survives_a_closed_stderr(monkeypatch):
    """A model that closes `sys.stderr` inside a native pass finds descriptor 2 as it was."""
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO()))
    before, stderr = torch._C._jit_get_logging_option(), os.fstat(2).st_ino
    with warnings.catch_warnings(), onnxspan.trace(flight=False, native_log=True) as trace:
        warnings.simplefilter("ignore")
        _export_calling(sys.stderr.close)
        assert os.fstat(2).st_ino == stderr
    assert sys.stderr.closed
    assert torch._C._jit_get_logging_option() == before
    assert trace.errors == []


def test_a_logger_that_is_made_on_the_way_is_heard_and_kept_from_the_user(caplog):
    """A library that is imported in the middle of an export is as quiet to the user as before."""
    late = "onnxscript.made_late"

    def made():
        return logging.getLogger(late)

    logging.getLogger("onnxscript")
    with warnings.catch_warnings(), onnxspan.trace(flight=False, native_log=True) as trace:
        warnings.simplefilter("ignore")
        _export_calling(lambda: made().info("said late"), in_forward=made)
    said = [event.attributes for span in trace.spans for event in span.events]
    assert "said late" in [each.get(c.LOG_MESSAGE) for each in said]
    assert "said late" not in caplog.messages
    assert (made().level, made().filters) == (logging.NOTSET, [])


def test_native_log_needs_passes_and_real_names():
    """A level without passes, and a word that is no file, are refused before anything is wrapped."""
    with pytest.raises(ValueError, match="passes"), onnxspan.trace("stages", native_log=True):
        pass
    with pytest.raises(ValueError, match="not a C\\+\\+ file"), onnxspan.trace(native_log=["a b"]):
        pass


def test_hooks_see_what_a_call_was_given_and_returned(plain):
    """At the end a hook has the result, and the returned graph in place of the given one."""
    tracing = onnxspan.trace(flight=False)
    results, kinds, keywords = {}, [], set()

    @tracing.on_enter("_create_jit_graph")
    @tracing.on_leave("_create_jit_graph")
    def both(moment):
        results[moment.result is None] = moment.result

    @tracing.on_leave("_jit_pass_onnx")
    def translated(moment):
        kinds.extend(node.kind() for node in moment.graph.nodes())

    @tracing.on_enter("_optimize_graph")
    def named(moment):
        keywords.update(moment.kwargs)

    with warnings.catch_warnings(), tracing:
        warnings.simplefilter("ignore")
        assert _export() == plain
    graph, parameters, output, module = results[False]
    assert len(list(graph.inputs())) == 1 + len(parameters)
    assert (torch.is_tensor(output), module) == (True, None)
    assert any(kind.startswith("onnx::") for kind in kinds)
    assert "params_dict" in keywords


def test_hooks_on_nodes(plain, caplog):
    """At level `nodes` a hook is called as each operator begins and ends, and breaks nothing."""
    tracing = onnxspan.trace("nodes", flight=False)
    seen = []

    @tracing.on_enter(level="nodes")
    @tracing.on_leave("aten::relu")
    def look(moment):
        seen.append((moment.name, moment.result))

    @tracing.on_leave("aten::mul")
    def raises(moment):
        raise ValueError(moment.name)

    with warnings.catch_warnings(), tracing as trace:
        warnings.simplefilter("ignore")
        assert _export() == plain
    relu = [result for name, result in seen if name == "aten::relu"]
    assert relu[0] is None
    assert relu[1].node().kind() == "onnx::Relu"
    assert len(relu) == 2
    assert len(trace.errors) == 1
    assert "hook" in trace.errors[0]
    assert "ValueError: aten::mul" in trace.errors[0]


def test_hooks_see_the_graph_and_break_nothing(plain, caplog):
    """A hook has the live graph; one that raises is reported once, and the bytes stay the same."""
    seen = []
    tracing = onnxspan.trace(flight=False)

    @tracing.on_leave("_jit_pass_c*")
    def look(moment):
        seen.append((moment.name, len(list(moment.graph.nodes()))))

    @tracing.on_enter(level="passes")
    def raises(moment):
        torch._C._jit_pass_lint(moment.graph)  # is not recorded
        raise SystemExit(1)

    with warnings.catch_warnings(), tracing as trace:
        warnings.simplefilter("ignore")
        assert _export() == plain
    assert ("_jit_pass_cse", dict(seen)["_jit_pass_cse"]) in seen
    assert dict(seen)["_jit_pass_cse"] > 0
    assert len(trace.errors) == 1
    assert "raises" in trace.errors[0]
    assert sum("raised; the export goes on" in message for message in caplog.messages) == 1
