"""The reference page has every name that real exports emit, and no other."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from pathlib import Path

import pytest
import torch
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import onnxspan
import torch_facts
import zoo
from failing_models import Unsupported
from onnxspan import conventions as c
from onnxspan.conventions.documented import EVENTS, RESOURCE
from onnxspan.recording import light_span
from onnxspan.recording.probes import ENTRY_POINTS, TABLES

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "attributes.md"


class Speaks(torch.nn.Module):
    """Warns and logs in `forward`; fails there when it is asked to."""

    def __init__(self, *, fails=False):
        super().__init__()
        self.inner = torch.nn.Linear(3, 3)
        self.fails = fails

    def forward(self, x):
        warnings.warn("said in forward", stacklevel=1)
        logging.getLogger("torch.onnx").warning("said by a logger")
        if self.fails:
            try:
                raise KeyError("the cause")
            except KeyError as error:
                raise ValueError("raised in forward") from error
        return torch.nn.functional.gelu(self.inner(x))


@pytest.fixture(scope="module")
def emitted():
    """Spans of many exports at all levels, by both exporters, and what metrics were made."""
    memory, reader = InMemorySpanExporter(), InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    patch = pytest.MonkeyPatch()
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
        patch.setenv(name, "1")
    light_span._resource_of.cache_clear()  # an earlier test of this process may have asked

    def export(level, model, args, **options):
        native = level != "stages" and not options["dynamo"]
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.suppress(Exception),
            onnxspan.trace(
                level,
                outputs=[memory],
                meter_provider=meters,
                native_log=native,
                verify=level == "nodes",
            ),
        ):
            torch.onnx.export(model, args, io.BytesIO(), verbose=False, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for level in ("stages", "passes", "nodes"):
            for dynamo in (False, True):
                export(level, Speaks().eval(), (torch.ones(1, 3),), dynamo=dynamo)
                export(level, Speaks(fails=True).eval(), (torch.ones(1, 3),), dynamo=dynamo)
        export("nodes", Unsupported(), (torch.ones(3, 3),), dynamo=False)
        controlled = torch.jit.script(zoo.Controlled().eval())
        export("nodes", controlled, (torch.ones(3, 4),), dynamo=False)
        export("nodes", zoo.Recurrent().eval(), (torch.ones(2, 1, 4),), dynamo=False)
    patch.undo()
    light_span._resource_of.cache_clear()
    metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    return memory.get_finished_spans(), metrics


def test_attributes_of_spans(emitted):
    """Every attribute of a span is on the page."""
    found = {key for span in emitted[0] for key in span.attributes}
    assert found - {attribute.key for attribute in c.ATTRIBUTES} == set()


def test_names_of_spans(emitted):
    """Every span is named by a row, an operator, a class, or as the page says of those without."""
    text = PAGE.read_text(encoding="utf-8")
    rows = {probe.name for rows in (ENTRY_POINTS, *TABLES.values()) for probe in rows}
    rows |= set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    for span in emitted[0]:
        function = str(span.attributes.get(c.FUNCTION, ""))
        is_named_by = (
            c.torch_name(span.name) in rows
            or (span.name.startswith("_jit_pass_") and "_jit_pass_*" in rows)
            or span.name == span.attributes.get(c.NODE_OPERATOR)
            or function.endswith((f".{span.name}.call", "Strategy.__call__"))
            or span.attributes[c.LEVEL] == "nodes"
        )
        assert is_named_by, (span.name, dict(span.attributes))


def test_events(emitted):
    """Every event is on the page with its attributes, and each one of the page is emitted.

    The operator of a message is known at times only: no event of these models must have it.
    """
    found = {}
    for span in emitted[0]:
        for event in span.events:
            found.setdefault(event.name, set()).update(event.attributes)
    listed = {event.name: {one.key for one in event.attributes} for event in EVENTS}
    assert set(found) == set(listed)
    for name, keys in listed.items():
        assert found[name] | {c.NODE_OPERATOR} == keys | {c.NODE_OPERATOR}
        assert found[name] <= keys


def test_resource(emitted):
    """Likewise of the resource; what a repository says of itself is not there outside of one."""
    listed = {attribute.key for attribute in RESOURCE}
    found = {key for span in emitted[0] for key in span.resource.attributes}
    assert found <= listed
    assert {key for key in listed - found if not key.startswith("vcs.")} == set()


def test_metrics(emitted):
    """Every attribute of a metric's points is listed, and each that is listed occurs."""
    found = {
        metric.name: {key for point in metric.data.data_points for key in point.attributes}
        for metric in emitted[1]
    }
    assert found == {metric.name: set(metric.attributes) for metric in c.METRICS}


def test_a_nodes_place_is_of_one_function(emitted):
    """A span that points at a line of the model does not name a function of torch for it."""
    nodes = [span for span in emitted[0] if span.attributes[c.LEVEL] == "nodes"]
    placed = [span for span in nodes if span.attributes.get(c.FILE) == __file__]
    assert placed
    assert [span.name for span in placed if c.FUNCTION in span.attributes] == []


def test_the_page_is_whole():
    """The page lists all of it."""
    text = PAGE.read_text(encoding="utf-8")
    keys = [one.key for one in (*c.ATTRIBUTES, *RESOURCE)]
    keys += [one.key for event in EVENTS for one in event.attributes]
    keys += [key for metric in c.METRICS for key in (metric.name, *metric.attributes)]
    assert [key for key in keys if f"`{key}`" not in text] == []


_NEIGHBOUR = re.compile(
    r"as above|likewise|\b(of|among|with|by) (those|these|them|both|it)\b|^(its?|their|they|those|these|that|th(is|e) "
    r"(first|last|other)s? (of|one)) |\b(that|this) (peak|count|call|line|file|span|module|frame)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""Words that need the entry before: a tooltip shows one entry alone."""


def test_each_entry_stands_alone():
    """No attribute, event or metric is explained by the entry before it."""
    assert _NEIGHBOUR.search("Bytes of those.")
    assert _NEIGHBOUR.search("Its SHA-256, hexadecimal.")
    entries = [*c.ATTRIBUTES, *RESOURCE, *(one for event in EVENTS for one in event.attributes)]
    texts = [(one.key, f"{one.on}\n{one.meaning}") for one in entries]
    texts += [(metric.name, metric.meaning) for metric in c.METRICS]
    assert [text for text in texts if _NEIGHBOUR.search(text[1])] == []
