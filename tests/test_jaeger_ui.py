"""What a person sees of an export in a real Jaeger's pages; skipped where there is none."""

from __future__ import annotations

import io
import urllib.request

import pytest
import torch

import browsers
import jaegers
import onnxspan
import torch_facts
from failing_models import Unsupported
from models import Long

pytestmark = pytest.mark.skipif(jaegers.find() is None, reason=jaegers.REASON)


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory):
    """A Jaeger that runs and has its pages."""
    with jaegers.running(jaegers.find(), tmp_path_factory.mktemp("jaeger")) as found:
        with urllib.request.urlopen(f"{found.query}/search", timeout=30) as answer:  # noqa: S310  # our own http://
            if b"jaeger-ui-root" not in answer.read():
                pytest.skip("this Jaeger was built without its web interface")
        yield found


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the module."""
    with browsers.chromium() as opened:
        yield opened


@pytest.fixture
def page(browser):
    """An empty page; at the end none of its scripts has failed."""
    errors = []
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert errors == []


def open_trace(page, jaeger, trace):
    """Show a trace's timeline, once Jaeger has all of it."""
    jaeger.spans(trace.spans[0].trace_id, len(trace.spans))
    page.goto(f"{jaeger.query}/trace/{trace.spans[0].trace_id}")
    page.wait_for_selector(".span-name")


def test_a_saved_file_goes_in_by_upload(jaeger, page, tmp_path):
    """A file of `save`, of more than one line, is listed under model and exporter, and opens."""
    saved = tmp_path / "saved.jsonl"
    with onnxspan.trace("nodes", save=saved) as trace:
        torch.onnx.export(
            Long(200),
            (torch.ones(2),),
            io.BytesIO(),
            **torch_facts.TORCHSCRIPT,
            do_constant_folding=False,
        )
    assert len(saved.read_text().splitlines()) > 1
    page.goto(f"{jaeger.query}/search")
    page.get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(saved)
    listed = page.get_by_text("torch.onnx.export Long (torchscript)")
    listed.wait_for()
    page.get_by_text(f"{len(trace.spans)} Spans").wait_for()
    listed.click()
    page.wait_for_selector(".span-name")
    assert page.locator(".span-name").nth(1).text_content().endswith("_export")


def test_a_failure_is_found_at_a_glance(jaeger, page):
    """The list counts the errors; in the timeline red marks lead down to the operator."""
    refused = pytest.raises(torch.onnx.errors.OnnxExporterError)
    with onnxspan.trace(otlp=jaeger.http) as trace, refused:
        torch.onnx.export(
            Unsupported(), (torch.ones(3, 3),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    failed = [span for span in trace.result.spans if span.error]
    jaeger.spans(trace.spans[0].trace_id, len(trace.spans))
    tags = "%7B%22error%22%3A%22true%22%7D"
    page.goto(f"{jaeger.query}/search?service=onnxspan&limit=20&lookback=1h&tags={tags}")
    page.get_by_text("torch.onnx.export Unsupported (torchscript)").wait_for()
    page.get_by_text(f"{len(failed)} Errors").wait_for()
    open_trace(page, jaeger, trace)
    page.set_viewport_size({"width": 1280, "height": 3000})
    marked = page.locator(".span-name:has(.SpanBarRow--errorIcon)")
    marked.filter(has_text=failed[-1].name).wait_for()
    assert marked.count() == len(failed)


def test_ten_thousand_spans_open(jaeger, page):
    """A trace at level `nodes` of more than 10 000 spans is shown, and its last row is reached."""
    with onnxspan.trace("nodes", otlp=jaeger.http) as trace:
        torch.onnx.export(
            Long(2500),
            (torch.ones(2),),
            io.BytesIO(),
            **torch_facts.TORCHSCRIPT,
            do_constant_folding=False,
        )
    assert len(trace.spans) > 10_000
    open_trace(page, jaeger, trace)
    page.get_by_text(str(len(trace.spans)), exact=True).first.wait_for()
    page.mouse.move(600, 600)
    page.mouse.wheel(0, 10_000_000)
    last = trace.result.spans[-1].name
    page.locator(".span-name", has_text=last).last.wait_for()
