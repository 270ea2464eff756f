"""Traces in the formats of other viewers are what those viewers read."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

import synthetic
from onnxspan.cli import main
from onnxspan.reading.convert import perfetto, speedscope
from onnxspan.reading.source.trace import Trace

SCHEMA = json.loads(Path(__file__).with_name("speedscope-schema.json").read_text())


@pytest.fixture(scope="module")
def traces(traced, tmp_path_factory):
    folder = tmp_path_factory.mktemp("convert")
    return [traced("convolutional")[1].result, synthetic.read(folder, synthetic.export(300))]


def test_speedscope_by_its_schema(traces):
    """The file fits the published schema; events are in order and well nested."""
    for trace in traces:
        data = json.loads(speedscope.text(trace))
        jsonschema.validate(data, SCHEMA)
        frames = data["shared"]["frames"]
        for profile in data["profiles"]:
            stack, last = [], 0
            for event in profile["events"]:
                assert event["at"] >= last
                last = event["at"]
                if event["type"] == "O":
                    stack.append(event["frame"])
                else:
                    assert stack.pop() == event["frame"]
            assert stack == []
            assert last <= profile["endValue"]
        named = {frame["name"] for frame in frames}
        assert named == {span.name for span in trace.spans}


def test_perfetto_has_each_span(traces):
    """Each span is one complete event with its time, duration and attributes."""
    for trace in traces:
        events = json.loads(perfetto.text(trace))["traceEvents"]
        whole = [event for event in events if event["ph"] == "X"]
        assert len(whole) == len(trace.spans)
        began = min(root.start for root in trace.roots)
        for event, span in zip(whole, trace.spans, strict=True):
            assert event["name"] == span.name
            assert event["ts"] == pytest.approx((span.start - began) / 1e3)
            assert event["dur"] == pytest.approx(span.duration * 1e6)
            assert set(span.attributes) <= set(event["args"])


def test_perfetto_has_counter_tracks(traces):
    """Nodes and memory are counters, in order of time."""
    events = json.loads(perfetto.text(traces[0]))["traceEvents"]
    counters = [event for event in events if event["ph"] == "C"]
    assert {event["name"] for event in counters} >= {"nodes", "resident memory"}
    times = [event["ts"] for event in counters if event["name"] == "nodes"]
    assert times == sorted(times)


def test_perfetto_by_its_own_processor(traces, tmp_path):
    """Perfetto's trace processor answers SQL about the file, where it is installed."""
    shell = shutil.which("trace_processor_shell")
    if shell is None:
        pytest.skip("needs Perfetto's trace_processor_shell on PATH")
    processor = pytest.importorskip("perfetto.trace_processor", reason="needs perfetto")
    file = tmp_path / "t.json"
    file.write_text(perfetto.text(traces[0]))
    config = processor.TraceProcessorConfig(bin_path=shell)
    with processor.TraceProcessor(trace=str(file), config=config) as opened:
        (row,) = opened.query("select count(*) as n from slice where dur >= 0")
        assert row.n >= len(traces[0].spans)


HOSTILE = """{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"scope":{"name":"onnxspan"},
"spans":[{"traceId":"%032x","spanId":"%016x","name":"a\\u001b[31m\\u2028</script>","startTimeUnixNano":"5",
"endTimeUnixNano":"0","attributes":[{"key":"k","value":{"doubleValue":"NaN"}}]}]}]}]}""".replace(
    "\n", ""
)


def test_command(tmp_path):
    """The command writes the file beside the trace, names it, and never overwrites the trace."""
    trace = tmp_path / "t.jsonl"
    trace.write_text(HOSTILE % (7, 9) + "\n")
    for to in ("perfetto", "speedscope"):
        result = CliRunner().invoke(main, ["convert", str(trace), "--to", to])
        assert result.exit_code == 0, result.output
        written = tmp_path / f"t.{to}.json"
        assert str(written) in result.output
        text = written.read_text()
        json.loads(text, parse_constant=pytest.fail)
        assert "\x1b" not in text
    again = CliRunner().invoke(main, ["convert", str(trace), "--to", "perfetto", "-o", str(trace)])
    assert again.exit_code == 2
    assert Trace.read(trace).spans
    missing = CliRunner().invoke(main, ["convert", str(tmp_path / "no.jsonl"), "--to", "perfetto"])
    assert missing.exit_code == 2
    assert "no.jsonl" in missing.output
