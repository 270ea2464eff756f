"""Addresses inside the report, Back, copying, and the page without a script, in Chromium."""

import pytest

import browsers
import synthetic
from onnxspan.reading import report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture
def saved(tmp_path):
    """The file of a report of 200 spans."""
    target = tmp_path / "report.html"
    report.save(synthetic.read(tmp_path, synthetic.export(200)), target)
    return target


def in_sight(page, place):
    """Whether the middle of the element is inside the window."""
    box = page.locator(place).bounding_box()
    return 0 <= box["y"] + box["height"] / 2 <= page.viewport_size["height"]


def test_a_row_of_a_table_brings_its_span_into_sight_and_back_returns(opened, saved):
    """The link is a step in the history: the address names the span, Back takes it away."""
    page = opened(saved)
    row = page.locator("#panel-passes tbody tr", has_text="_jit_pass_number_3").first
    before = page.evaluate("location.hash")
    row.click()
    page.wait_for_function("location.hash.includes('span=')")
    page.wait_for_selector(".row.selected.flash")
    assert in_sight(page, ".row.selected")
    assert page.text_content("#details h2") == "_jit_pass_number_3"
    page.go_back()
    page.wait_for_function(f"location.hash === {before!r}")
    playwright.expect(page.locator("#details h2")).to_have_text("torch.onnx.export")


def test_an_address_opens_span_zoom_and_tab_also_in_a_report_made_again(opened, saved, tmp_path):
    """What an address names is shown, and the same address holds for a second report."""
    page = opened(saved)
    page.locator("#row3").click()
    page.evaluate("document.getElementById('tab-walk').click()")
    address = page.evaluate("location.hash")
    assert "span=" in address
    assert "tab=walk" in address
    name = page.locator("#details h2").text_content()
    report.save(synthetic.read(tmp_path, synthetic.export(200)), saved)
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    assert page.locator("#row3.selected").count() == 1
    assert page.locator("#details h2").text_content() == name
    assert page.locator("#panel-walk").is_visible()


@pytest.mark.parametrize("address", ["#span=%", "#tab=walk&step=0", "#tab=graph&step=0&zoom=%E0"])
def test_an_address_that_means_nothing_opens_the_report(opened, saved, address):
    """A lone percent sign or a step 0 leaves a report that works."""
    page = opened(saved)
    page.goto(f"{saved.as_uri()}{address}")
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    page.evaluate("document.querySelector('#panel-passes tbody tr').click()")
    page.wait_for_function("location.hash.includes('span=')")


def test_copy_as_markdown_holds_the_answer(opened, saved):
    """The button's text for an issue is what the report was given, in the clipboard."""
    page = opened(saved, permissions=["clipboard-read", "clipboard-write"])
    page.click("#copy-markdown")
    playwright.expect(page.locator("#copy-markdown")).to_have_text("Copied")
    assert "_jit_pass_number" in page.evaluate("navigator.clipboard.readText()")
    page.locator("#row3").click()
    page.click("#copy-link")
    playwright.expect(page.locator("#copy-link")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText() ") == page.evaluate("location.href")


def test_the_core_is_there_without_a_script(browser, saved):
    """Answer, figures and the slowest rows are HTML: a viewer without a script shows them."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(saved.as_uri())
    core = page.locator("#core")
    assert core.is_visible()
    assert core.locator("li").first.is_visible()
    assert core.locator("table tr:visible").count() >= 10
    context.close()


def test_sorting_and_stepping_keep_the_focus(opened, saved):
    """Enter on a head or on Next leaves the focus there, and a row opens its span by Enter."""
    page = opened(saved)
    page.locator("#panel-passes th button", has_text="Calls").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.key") == "calls"
    row = page.locator("#panel-passes tbody tr", has_text="_jit_pass_number_3").first
    row.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.includes('span=')")
    page.evaluate("document.getElementById('tab-walk').click()")
    page.locator("[data-move=next]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.move") == "next"


def test_the_names_can_be_made_wider(opened, saved):
    """The border between names and bars moves by arrow keys and by dragging."""
    page = opened(saved)
    wide = "document.querySelector('#row0 .name').offsetWidth"
    before = page.evaluate(wide)
    page.focus("#divider")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(wide) == before + 24
    box = page.locator("#divider").bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 11)
    page.mouse.down()
    page.mouse.move(box["x"] + 103, box["y"] + 11, steps=3)
    page.mouse.up()
    assert page.evaluate(wide) == before + 124
    assert page.locator("#reset").is_hidden()


def state(page):
    """What is shown: the chosen span, the time, the tab, and the step of the walk."""
    browsers.drawn(page)
    return page.evaluate(
        """() => ({
            span: document.querySelector("#details h2").textContent,
            row: document.querySelector(".row.selected")?.id,
            axis: document.getElementById("axis").textContent,
            range: document.getElementById("range").textContent,
            rows: [...document.querySelectorAll("#rows .row .label")].map((one) => one.textContent),
            tab: document.querySelector("[role=tab][aria-selected=true]").id,
            step: document.querySelector("#panel-walk .moves span").textContent,
        })"""
    )


def test_a_link_shows_the_same_span_time_tab_and_step_anew(opened, saved):
    """The address, opened in another window, shows what its sender saw: also inside a shared line."""
    page = opened(saved)
    page.fill("#search", "number_30")
    page.press("#search", "Enter")
    page.wait_for_selector(".row.selected.hit")
    page.locator("#rows").press("z")
    page.evaluate("document.getElementById('tab-walk').click()")
    page.locator("[data-move=next]").click()
    page.locator("[data-move=next]").click()
    sent = state(page)
    assert sent["span"] == "_jit_pass_number_30"
    assert sent["step"].startswith("Step 3 of")
    assert sent["range"] != ""
    address = page.evaluate("location.hash")
    other = opened(saved)
    other.goto("about:blank")
    other.goto(saved.as_uri() + address)
    other.wait_for_selector("html[data-ready=yes]")
    assert state(other) == sent


def test_a_link_opens_the_export_that_it_was_made_in(opened, tmp_path):
    """Also with its root chosen, and at a time of its own."""
    said = {"torch.onnx.exporter": "torchscript", "torch.onnx.level": "stages"}
    target = tmp_path / "report.html"
    spans = [
        synthetic.span(number, 0, f"export {number}", number * 100, number * 100 + 90, said)
        for number in (1, 2)
    ]
    report.save(synthetic.read(tmp_path, spans), target)
    page = opened(target)
    page.select_option("header select", index=1)
    page.locator("#rows").press("+")
    sent = state(page)
    assert sent["span"] == "export 2"
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    assert state(page) == sent
    assert page.evaluate("document.querySelector('header select').selectedIndex") == 1


def test_back_restores_the_whole_time(opened, saved):
    """A zoom is one step in the history, however often it is changed; Back ends it, Forward returns."""
    page = opened(saved)
    whole = state(page)
    page.locator("#rows").press("+")
    page.locator("#rows").press("+")
    page.locator("#rows").press(">")
    zoomed = state(page)
    assert zoomed["range"] != ""
    page.go_back()
    page.wait_for_function("!location.hash.includes('zoom')")
    assert state(page) == whole
    page.go_forward()
    page.wait_for_function("location.hash.includes('zoom')")
    assert state(page) == zoomed
