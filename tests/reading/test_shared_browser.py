"""Lines of the waterfall that several spans share, colours by self time, and the bars' tooltip."""

import io

import pytest

import browsers
import synthetic
from onnxspan.reading import report
from onnxspan.reading.tree import tree

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

STAGE, PASS = {"torch.onnx.level": "stages"}, {"torch.onnx.level": "passes"}


def spans():
    """An export of 1 ms: one slow pass, four calls of one name, two short passes of others."""
    root = {"torch.onnx.exporter": "torchscript", **STAGE}
    named = ["_jit_pass_lint"] * 4 + ["_jit_pass_cse", "_jit_pass_dce"]
    return [
        synthetic.span(1, 0, "torch.onnx.export", 0, 1_000_000, root),
        synthetic.span(2, 1, "_optimize_graph", 0, 800_000, STAGE),
        synthetic.span(3, 2, "_jit_pass_onnx", 0, 600_000, PASS),
        synthetic.span(4, 1, "_export_file", 800_000, 900_000, STAGE),
        *(
            synthetic.span(5 + n, 2, name, 600_000 + n * 9_000, 600_000 + n * 9_000 + 5_000, PASS)
            for n, name in enumerate(named)
        ),
    ]


@pytest.fixture
def trace(tmp_path):
    """The spans, read."""
    return synthetic.read(tmp_path, spans())


@pytest.fixture
def page(opened, tmp_path, trace):
    """Their report."""
    target = tmp_path / "report.html"
    report.save(trace, target)
    return opened(target)


def names(page):
    """The names in the rows, after the next drawing."""
    browsers.drawn(page)
    return page.locator("#rows .row .label").all_text_contents()


def test_lines_are_the_terminals(page, trace):
    """Short and repeated passes share a line, in the places and words of the terminal's tree."""
    shown = names(page)
    assert shown == [
        "torch.onnx.export", "_optimize_graph", "_jit_pass_onnx", "4 × _jit_pass_lint",
        "… 2 more passes", "_export_file",
    ]  # fmt: skip
    stream = io.StringIO()
    tree.show(trace, file=stream, width=200)
    lines = stream.getvalue().partition(" share")[2].splitlines()
    places = [next(i for i, line in enumerate(lines) if name in line) for name in shown]
    assert places == sorted(places)


def test_a_click_opens_a_shared_line_and_another_closes_it(page):
    """Its spans stand below it; beside the waterfall each has a link, also while it is closed."""
    shared = page.locator(".row.shared", has_text="2 more passes")
    shared.click()
    assert names(page)[4:7] == ["… 2 more passes", "_jit_pass_cse", "_jit_pass_dce"]
    assert shared.get_attribute("aria-expanded") == "true"
    shared.click()
    assert "_jit_pass_cse" not in names(page)
    page.locator("#details td a", has_text="_jit_pass_dce").click()
    page.wait_for_selector("#row8.selected")
    assert page.text_content("#details h2") == "_jit_pass_dce"


def test_keys_open_and_leave_a_shared_line(page):
    """Right opens it and goes in, left goes out and closes it, e and c unfold and fold them all."""
    first = names(page)
    page.locator(".row.shared", has_text="lint").click()
    page.locator(".row.shared", has_text="lint").click()
    page.focus("#rows")
    page.keyboard.press("ArrowRight")
    assert len(names(page)) == len(first) + 4
    page.keyboard.press("ArrowRight")
    assert page.text_content("#details h2") == "_jit_pass_lint"
    page.keyboard.press("ArrowLeft")
    assert page.text_content("#details h2") == "4 × _jit_pass_lint"
    playwright.expect(page.locator("#rows")).to_have_attribute("aria-activedescendant", "fold0")
    page.keyboard.press("ArrowLeft")
    assert names(page) == first
    page.keyboard.press("e")
    assert names(page)[2:] == [
        "_jit_pass_onnx", *["_jit_pass_lint"] * 4, "_jit_pass_cse", "_jit_pass_dce", "_export_file",
    ]  # fmt: skip
    page.keyboard.press("c")
    assert names(page) == first


def test_search_finds_what_shares_a_line(page):
    """The closed line says how many are found inside, and Enter opens it at the first."""
    page.fill("#search", "lint")
    playwright.expect(page.locator("#found")).to_have_text("4 found")
    playwright.expect(page.locator(".row.shared.hit .extra")).to_have_text("4 found inside")
    page.press("#search", "Enter")
    page.wait_for_selector("#row3.selected.hit")


def test_colours_say_where_the_time_went(page):
    """A quarter of the whole in the span itself is hot, a twentieth warm, the rest neither."""
    heat = "row => ['hot', 'warm', 'cool'].filter(one => row.classList.contains(one)).join()"
    rows = [row.evaluate(heat) for row in page.locator("#rows .row").all()]
    assert rows == ["warm", "warm", "hot", "cool", "cool", "warm"]
    border = "bar => getComputedStyle(bar).borderColor"
    hot, warm, again = (page.locator(f"#row{row} .track i").evaluate(border) for row in (2, 0, 1))
    assert hot != warm == again


def test_a_bar_says_what_it_is(page):
    """The tooltip has name, total, self time and share; leaving the bars or a key hides it."""
    tip = page.locator("#tip")
    assert tip.is_hidden()
    page.hover("#row1 .track")
    playwright.expect(tip).to_have_text(
        "_optimize_graph0.80 ms, self 0.17 ms, 80.0 % of the whole"
    )
    page.hover(".row.shared .track >> nth=0")
    playwright.expect(tip).to_contain_text("4 × _jit_pass_lint")
    page.keyboard.press("Escape")
    playwright.expect(tip).to_be_hidden()
    page.hover("#row1 .track")
    page.hover("#bar")
    playwright.expect(tip).to_be_hidden()


def test_a_zoom_leaves_out_lines_without_time_in_it(page):
    """Zoomed to the last stage only it and what is around it have lines; the whole brings all back."""
    first = names(page)
    page.locator("#row9").click()
    page.focus("#rows")
    page.keyboard.press("Enter")
    assert names(page)[0] == "torch.onnx.export"
    assert "_jit_pass_onnx" not in names(page)
    assert "_export_file" in names(page)
    page.click("#reset")
    assert names(page) == first
