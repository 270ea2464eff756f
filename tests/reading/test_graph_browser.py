"""The Graph view in a real Chromium: passes, changes by colour, a node's life, keys, bad input."""

import io
import shutil
import warnings

import pytest
import torch
from faulty import deep

import onnxspan
import torch_facts
from onnxspan.reading import report
from onnxspan.reading.source.trace import Trace

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "t.jsonl"
    model, args = deep()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(snapshots="changed") as trace:
            torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    trace.save(path)
    return path


@pytest.fixture
def graph_page(browser, saved, tmp_path):
    """The page with the Graph tab open, and what its console said."""
    file = tmp_path / "t.html"
    report.save(Trace.read(saved), file)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    page.click("#tab-graph")
    page.wait_for_selector(".graphs[data-drawn]")
    yield page
    page.close()
    assert said == []


def choose(page, name):
    page.locator(".graphs ol button", has_text=name).first.click()
    at = page.evaluate("document.querySelector('.graphs [aria-current=true]').textContent")
    assert at == name
    page.wait_for_selector(".graphs .picture svg")


def test_passes_and_changes(graph_page):
    """Passes stand in order; of the chosen one new, gone and changed nodes are told apart."""
    names = graph_page.locator(".graphs ol button").all_text_contents()
    assert names.index("_jit_pass_onnx") < names.index("_jit_pass_onnx_constant_fold")
    choose(graph_page, "_jit_pass_onnx_eval_peephole")
    playwright.expect(
        graph_page.locator(".graphs .node.gone", has_text="BatchNorm").first
    ).to_be_visible()
    playwright.expect(
        graph_page.locator(".graphs .node.new", has_text="Conv").first
    ).to_be_visible()
    drawn = graph_page.locator(".graphs .node").count()
    assert drawn <= 40
    graph_page.get_by_role("button", name="Whole graph").click()
    playwright.expect(graph_page.locator(".graphs .counts")).not_to_contain_text("are drawn")
    assert graph_page.locator(".graphs .node").count() > drawn


def test_passes_that_changed_nothing_on_request(graph_page):
    """The filter for changed passes can be taken off; the others are grey."""
    before = graph_page.locator(".graphs ol button").count()
    graph_page.get_by_role("button", name="Changed passes only").click()
    playwright.expect(graph_page.locator(".graphs ol button.same").first).to_be_visible()
    assert graph_page.locator(".graphs ol button").count() > before


def test_a_chosen_node_and_its_life(graph_page):
    """A chosen node shows its module, its line and what became of it, and stays chosen."""
    choose(graph_page, "_jit_pass_lower_all_tuples")
    graph_page.locator(".graphs .node", has_text="linear").first.click()
    side = graph_page.locator(".graphs .node-side")
    playwright.expect(side).to_contain_text("torch.nn.modules.linear.Linear")
    playwright.expect(side).to_contain_text("faulty.py:")
    became = side.get_by_role("button", name="became onnx::Gemm in _jit_pass_onnx")
    playwright.expect(became).to_be_visible()
    became.click()
    playwright.expect(side.locator("h3").first).to_have_text("onnx::Gemm")
    playwright.expect(graph_page.locator(".graphs ol [aria-current=true]")).to_have_text(
        "_jit_pass_onnx"
    )
    playwright.expect(graph_page.locator(".graphs .node.chosen")).to_have_count(1)


def test_what_a_fused_node_became(graph_page):
    """Of a node that is gone the life says what its readers read instead: a norm fused into Conv."""
    choose(graph_page, "_jit_pass_onnx_eval_peephole")
    graph_page.locator(".graphs .node.gone", has_text="BatchNorm").first.click()
    side = graph_page.locator(".graphs .node-side")
    instead = side.get_by_role(
        "button", name="onnx::Conv is read instead in _jit_pass_onnx_eval_peephole"
    )
    playwright.expect(instead).to_have_count(1)
    instead.click()
    playwright.expect(side.locator("h3").first).to_have_text("onnx::Conv")


def test_arrow_keys(graph_page):
    """Arrow keys go from pass to pass."""
    first = graph_page.locator(".graphs ol [aria-current=true]").text_content()
    graph_page.locator(".graphs").focus()
    graph_page.keyboard.press("ArrowDown")
    playwright.expect(graph_page.locator(".graphs ol [aria-current=true]")).not_to_have_text(first)
    graph_page.keyboard.press("ArrowUp")
    playwright.expect(graph_page.locator(".graphs ol [aria-current=true]")).to_have_text(first)


def test_as_text(graph_page):
    """The text diff is one click away."""
    choose(graph_page, "_jit_pass_onnx_eval_peephole")
    graph_page.get_by_role("button", name="As text").click()
    playwright.expect(graph_page.locator(".graphs pre.diff")).to_contain_text("BatchNormalization")


def test_modules_fold(graph_page):
    """Modules are boxes with their nodes inside; one folds by a click or a key, or all at once."""
    graph_page.get_by_role("button", name="Whole graph").click()
    choose(graph_page, "_jit_pass_lower_all_tuples")
    graph_page.get_by_role("button", name="Unfold modules").click()
    frame = graph_page.locator(".graphs .frame").first
    playwright.expect(frame).to_be_visible()
    many = graph_page.locator(".graphs .node").count()
    name = frame.get_attribute("data-group")
    frame.focus()
    graph_page.keyboard.press("Enter")
    folded = graph_page.locator(f".graphs .folded[data-group='{name}']")
    playwright.expect(folded).to_be_visible()
    assert graph_page.locator(".graphs .node").count() < many
    folded.click()
    playwright.expect(graph_page.locator(".graphs .node")).to_have_count(many)
    graph_page.get_by_role("button", name="Fold modules", exact=True).click()
    playwright.expect(graph_page.locator(".graphs .frame")).to_have_count(0)


def test_side_by_side(graph_page):
    """Before and after stand beside each other: no new node before, no removed node after."""
    choose(graph_page, "_jit_pass_onnx_eval_peephole")
    graph_page.get_by_role("button", name="Side by side").click()
    halves = graph_page.locator(".graphs .half")
    playwright.expect(halves).to_have_count(2)
    assert halves.nth(0).locator(".gone").count() > 0
    assert halves.nth(0).locator(".new").count() == 0
    assert halves.nth(1).locator(".new").count() > 0
    assert halves.nth(1).locator(".gone").count() == 0


def test_the_line_of_the_model(graph_page):
    """A chosen node shows its line of the model, marked, with the lines around it."""
    choose(graph_page, "_jit_pass_lower_all_tuples")
    graph_page.locator(".graphs .node", has_text="linear").first.click()
    source = graph_page.locator(".graphs pre.source")
    playwright.expect(source.locator(".at")).to_contain_text("self.")
    assert source.locator("span").count() == 7


def test_a_link_to_a_pass(graph_page):
    """The address names the pass that is shown, and a page that is opened with it shows it."""
    choose(graph_page, "_jit_pass_onnx_eval_peephole")
    address = graph_page.url
    assert "tab=graph" in address
    graph_page.goto("about:blank")
    graph_page.goto(address)
    playwright.expect(graph_page.locator(".graphs ol [aria-current=true]")).to_have_text(
        "_jit_pass_onnx_eval_peephole"
    )


def test_size_of_the_page(saved):
    """The page with its graphs stays below 2 MB."""
    assert len(report.render(Trace.read(saved))) < 2_000_000


def test_a_missing_folder_is_said(saved, tmp_path):
    """Without its folder the report has no Graph tab, and says which file is missing."""
    alone = tmp_path / "alone.jsonl"
    shutil.copy(saved, alone)
    data = report.data(Trace.read(alone))
    assert data["graphs"] == {"steps": [], "records": {}, "sources": {}}
    assert any("is not there. Keep the folder" in notice for notice in data["notices"])


def test_another_tree_begins_with_its_own_step(browser, tmp_path):
    """A step of a pack has a graph like a pass, and the place in another tree's list is not kept."""
    import onnx

    net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(snapshots="changed", packs=["onnx"]) as trace:
            torch.onnx.export(
                net, (torch.zeros(1, 4),), tmp_path / "n.onnx", **torch_facts.TORCHSCRIPT
            )
            model = onnx.load_model(str(tmp_path / "n.onnx"))
            onnx.version_converter.convert_version(model, 21)
    trace.save(tmp_path / "t.jsonl")
    report.save(Trace.read(tmp_path / "t.jsonl"), tmp_path / "t.html")
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto((tmp_path / "t.html").as_uri())
    page.click("#tab-graph")
    page.wait_for_selector(".graphs[data-drawn]")
    page.locator(".graphs ol button").last.click()
    page.locator("select[aria-label=Export]").select_option(index=2)
    page.click("#tab-graph")
    current = page.locator(".graphs [aria-current=true]")
    playwright.expect(current).to_have_text("onnx.version_converter.convert_version")
    page.close()


def test_the_graph_on_paper(graph_page):
    """Printed, the chosen pass stands above its drawing, which is no wider than the sheet."""
    choose(graph_page, "_jit_pass_onnx_eval_peephole")
    graph_page.evaluate("dispatchEvent(new Event('beforeprint'))")
    graph_page.emulate_media(media="print")
    graph_page.set_viewport_size({"width": 718, "height": 1046})
    assert graph_page.locator(".graphs li:visible").all_text_contents() == [
        "_jit_pass_onnx_eval_peephole"
    ]
    drawn = graph_page.locator(".graphs .picture svg").bounding_box()
    assert drawn["width"] > 100
    assert drawn["x"] + drawn["width"] <= 718
    graph_page.evaluate("dispatchEvent(new Event('afterprint'))")
