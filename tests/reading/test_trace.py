"""A trace file: what is written reads back to the same tree, and what is none is refused."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handmade
import synthetic
from onnxspan import conventions as c
from onnxspan.errors import TraceFileError
from onnxspan.reading.source.trace import Trace
from onnxspan.recording.outputs.outputs import write_file

characters = st.characters(exclude_categories=["Cs"])
words = st.text(characters, max_size=12)
whole = st.integers(-(2**63), 2**63 - 1)
real = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(
    words, st.booleans(), whole, real,
    *(st.lists(kind, min_size=1, max_size=3) for kind in (words, st.booleans(), whole, real)),
)  # fmt: skip
keys = st.text(characters, min_size=1, max_size=12)
one_span = st.fixed_dictionaries(
    {
        "name": words,
        "start": st.integers(0, 10_000),
        "took": st.none() | st.integers(0, 5_000),
        "parent": st.integers(0, 30),
        "attributes": st.dictionaries(keys, values, max_size=4),
        "error": st.none() | st.text(characters, min_size=1, max_size=12),
        "events": st.lists(
            st.tuples(words, st.dictionaries(keys, values, max_size=2)), max_size=2
        ),
    }
)


def built(listed):
    """SDK spans; a span's parent is any of those before it, or none."""
    builder = handmade.Builder(trace=2**127 + 5)
    for number, made in enumerate(listed):
        builder.add(
            made["name"],
            made["start"],
            None if made["took"] is None else made["start"] + made["took"],
            made["parent"] % (number + 1),
            made["attributes"],
            error=made["error"],
            events=made["events"],
        )
    return builder.spans


def described(trace):
    """All of a tree, as plain data; attributes in no order."""

    def one(span):
        return (
            span.name, span.trace_id, span.span_id, span.parent_id, span.start, span.end,
            span.attributes, [(e.name, e.time, e.attributes) for e in span.events],
            span.error, span.description, span.scope, span.resource,
            [one(child) for child in span.children],
        )  # fmt: skip

    return [one(root) for root in trace.roots]


@given(st.lists(one_span, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_file_reads_back_to_the_tree_of_memory(listed):
    """Any spans, saved and read, give the tree that they give from memory."""
    spans = built(listed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.jsonl")
        write_file(path, spans)
        assert described(Trace.read(path)) == described(Trace.from_spans(spans))


@given(st.lists(st.integers(0, 9), min_size=10, max_size=10))
@settings(max_examples=100, deadline=None)
def test_no_span_is_lost_to_a_circle(parents):
    """Whoever is whose parent in a broken file, every span is in the tree exactly once."""
    lines = [
        synthetic.span(number + 1, parent + 1, f"s{number}", number, 20 - number)
        for number, parent in enumerate(parents)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.jsonl")
        path.write_text(synthetic.lines(lines), encoding="utf-8")
        trace = Trace.read(path)
    assert sorted(span.name for span in trace.spans) == [f"s{number}" for number in range(10)]


def test_the_spans_of_a_circle():
    """Of two spans that are each other's parent, the earlier becomes the root."""
    builder = handmade.Builder()
    builder.add("later", 5, 10, 2)
    builder.add("earlier", 1, 20, 1)
    trace = Trace.from_spans(builder.spans)
    assert [root.name for root in trace.roots] == ["earlier"]
    assert [span.name for span in trace.spans] == ["earlier", "later"]


def test_a_span_whose_parent_is_elsewhere_is_a_root():
    """A span below one that is not in the file is a root; equal ids of two traces do not mix."""
    builder, other = handmade.Builder(), handmade.Builder(trace=2)
    builder.add("a", 0, 10, 99)
    other.add("b", 0, 10)
    other.add("c", 1, 2, 1)
    roots = Trace.from_spans(builder.spans + other.spans).roots
    assert [(root.name, len(root.children)) for root in roots] == [("a", 0), ("b", 1)]


GOOD = synthetic.lines(synthetic.export(10))
EMPTY = '{"resourceSpans": []}\n'
SPAN = '{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"onnxspan"},"spans":[%s]}]}]}\n'
TIMELESS = '{"name":"x","traceId":"1","spanId":"1","startTimeUnixNano":%s}'
BAD = {
    "empty": (b"", "holds no span."),
    "text": (b"hello\n", "first line is not JSON"),
    "binary": (bytes(range(256)), "first line is not JSON"),
    "gzip": (gzip.compress(GOOD.encode()), "is gzip. Unpack it first: `gunzip -k "),
    "half a line": (GOOD[: len(GOOD) // 2].encode(), "ends in the middle of line 1"),
    "half the second line": ((GOOD + GOOD)[:-60].encode(), "ends in the middle of line 2"),
    "a bad second line": ((GOOD + "nonsense\n" + GOOD).encode(), "line 2 is not JSON"),
    "another tool's OTLP": (
        synthetic.lines(synthetic.export(5), scope="django").encode(),
        "holds no span of onnxspan; its spans are of django",
    ),
    "no spans": (EMPTY.encode(), "holds no span."),
    "a Chrome trace": (b'{"traceEvents": []}\n', "is a Chrome trace"),
    "JSON of another kind": (b'{"a": 1}\n', "line 1 is not a line of OTLP JSON spans"),
    "a number": (b"{}\n", "line 1 is not a line of OTLP JSON spans"),
    "infinite time": (
        (GOOD + SPAN % TIMELESS % "Infinity").encode(),
        "line 2 is not a line of OTLP JSON spans",
    ),
    "an endless number": (
        (GOOD + SPAN % TIMELESS % ("9" * 400)).encode(),
        "line 2 is not a line of OTLP JSON spans",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_trace_is_refused(name, tmp_path):
    """The error names the file, what is wrong (with the line), and what to do."""
    data, said = BAD[name]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(data)
    with pytest.raises(TraceFileError) as raised:
        Trace.read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)
    assert raised.value.next_step


def test_what_is_no_file_is_refused(tmp_path):
    """A missing file, and a folder, are named as what they are."""
    with pytest.raises(TraceFileError, match=r"none\.jsonl: does not exist"):
        Trace.read(tmp_path / "none.jsonl")
    with pytest.raises(TraceFileError, match="is a folder"):
        Trace.read(tmp_path)


def test_exports_are_found_below_other_spans():
    """The exports of a trace are the spans that say which exporter ran, wherever they stand."""
    builder = handmade.Builder()
    top = builder.add("nightly", 0, 5000, scope="mine")
    for number in range(2):
        handmade.export(builder, top, 2000 * number)
    exports = Trace.from_spans(builder.spans).exports
    assert [span.get(c.EXPORTER) for span in exports] == ["torchscript"] * 2
