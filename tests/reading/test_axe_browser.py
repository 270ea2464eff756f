"""axe-core finds nothing on any page, in light and dark, in every tab, on a desk and a telephone."""

from __future__ import annotations

import io
import warnings

import pytest
import torch
from faulty import deep

import onnxspan
import synthetic
import torch_facts
from comparing import export, samples
from onnxspan.reading import report
from onnxspan.reading.compare import diff_page, growth_page
from onnxspan.reading.compare.diff import compare
from onnxspan.reading.compare.growth import measure
from onnxspan.reading.source.trace import Trace

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)


def complete(folder):
    """The report of an export with graphs, whose every tab is there."""
    model, args = deep()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(level="nodes", snapshots="changed") as trace:
            torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    trace.save(folder / "complete.jsonl")
    return report.render(Trace.read(folder / "complete.jsonl"))


def failed(folder):
    """The report of an export that failed, with a message, a line of the model and a stack."""
    said = {
        "exception.type": "ValueError",
        "exception.message": "bad\n" * 80,
        "exception.stacktrace": "Traceback\n" * 80,
        "torch.onnx.exception.chain": ["ValueError: bad", "KeyError: 'x'"],
        "torch.onnx.exception.source.file": "/home/me/model.py",
        "torch.onnx.exception.source.line": 12,
        "torch.onnx.exception.source.text": "return torch.svd(x)",
    }
    root = {"torch.onnx.exporter": "dynamo", "torch.onnx.level": "stages"}
    spans = [
        synthetic.span(1, 0, "torch.onnx.export", 0, 90, root, error="ValueError: bad"),
        synthetic.span(2, 1, "handled", 1, 9, {"torch.onnx.level": "passes"}, error="bad"),
        synthetic.span(
            3, 1, "trace", 3, 90, {"torch.onnx.level": "passes"},
            error="ValueError: bad", events=[("exception", said)],
        ),
    ]  # fmt: skip
    return report.render(synthetic.read(folder, spans))


def killed(folder):
    """The report of a flight log, whose process is gone inside a pass."""
    log = folder / "export.flight"
    log.write_text(
        '{"onnxspan.flight":1,"pid":1,"host":"elsewhere","at":1,"limit":0}\n'
        '{"e":"01","p":"","t":5,"m":7,"n":"torch.onnx.export","l":"stages"}\n'
        '{"e":"02","p":"01","t":6,"m":8,"n":"_export","l":"stages"}\n'
    )
    return report.render(Trace.read(log))


def diff(folder):
    """The page of a diff of which one side failed, with every kind of table."""
    before = [export({"same": 0.1, "slow": t, "gone": 0.01}) for t in (0.1, 0.101, 0.102)]
    after = [
        export({"same": 0.1, "slow": t}, nodes=90, error="ValueError: bad")
        for t in (0.3, 0.301, 0.302)
    ]
    return diff_page.page(compare(samples(*before), samples(*after)))


def growth(folder):
    """The page of a growth with a quadratic pass."""
    traces = [
        export({"bad": 0.1 * (n / 600) ** 2, "good": n / 1e3}, nodes=n)
        for n in (600, 1200, 2400)
        for _ in range(2)
    ]
    return growth_page.page(measure(samples(*traces)))


def violations(page):
    """What axe-core finds: the rule, and the first elements that break it."""
    found = axe.Axe().run(page).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"][:3]]) for one in found]


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("make", [complete, failed, killed, diff, growth])
def test_axe_finds_nothing(opened, tmp_path, make, width):
    """Names, roles, contrast, focus: as the page opens, with each tab, with everything unfolded."""
    file = tmp_path / "page.html"
    file.write_text(make(tmp_path), encoding="utf-8")
    for theme in ("light", "dark"):
        page = opened(file, color_scheme=theme, viewport={"width": width, "height": 900})
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        found = {}
        for tab in page.locator("[role=tab]").evaluate_all("tabs => tabs.map(tab => tab.id)"):
            page.evaluate(f"document.getElementById('{tab}').click()")
            if tab == "tab-graph":
                page.wait_for_selector(".graphs[data-drawn]")
            found[tab] = violations(page)
        found["page"] = violations(page)
        assert {place: what for place, what in found.items() if what} == {}, theme
