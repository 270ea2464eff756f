"""The report in a real Chromium: what a reader clicks, types and sees."""

import pytest

import browsers
import synthetic
from onnxspan.reading import report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture
def show(opened, tmp_path):
    """Opens the report of these spans from disk, in a context of these options."""

    def open_report(spans, **context):
        target = tmp_path / "report.html"
        report.save(synthetic.read(tmp_path, spans), target)
        return opened(target, **context)

    return open_report


def names(page):
    """The names in the rows in sight."""
    browsers.drawn(page)
    return page.locator("#rows .row .label").all_text_contents()


def selected(page):
    """The name in the details."""
    return page.locator("#details h2").text_content()


def failing():
    """An export whose innermost failure is span 11."""
    spans = synthetic.export(60)
    spans[0]["status"] = spans[1]["status"] = spans[2]["status"] = {"code": 2, "message": "bad"}
    spans[10]["status"] = {"code": 2, "message": "UnsupportedOperatorError: no svd"}
    spans[10]["name"] = "aten::svd"
    return spans


@pytest.mark.parametrize("count", [200, 2_000, 10_000])
def test_any_size(show, count):
    """At every size only the rows in sight exist, and the last one can be reached and found."""
    page = show(synthetic.export(count))
    assert 10 < page.locator("#rows .row").count() < 100
    page.focus("#rows")
    page.keyboard.press("e")
    page.keyboard.press("End")
    browsers.drawn(page)
    last = page.locator("#rows .row").last
    assert last.get_attribute("id") == f"row{count - 1}"
    assert page.locator("#rows .row").count() < 100
    assert page.locator(".chart path.stroke").count() == 2  # synthetic traces have no bytes


def test_search_unfolds_and_selects(show):
    """Searching for an operator counts its spans and goes to the first, which was folded away."""
    page = show(synthetic.export(2_000))
    page.keyboard.press("/")
    page.keyboard.type("gelu")
    playwright.expect(page.locator("#found")).to_contain_text("found")
    found = int(page.text_content("#found").split()[0].replace(",", ""))
    assert found == sum(
        span["name"] == "_run_symbolic_function"
        and any(a["value"].get("stringValue") == "aten::gelu" for a in span["attributes"])
        for span in synthetic.export(2_000)
    )
    page.keyboard.press("Enter")
    page.wait_for_selector(".row.selected.hit")
    assert page.text_content("#found") == f"1 of {found:,}"
    assert "aten::gelu" in page.text_content("#details")
    page.keyboard.press("Escape")
    page.keyboard.type("/nowhere")
    playwright.expect(page.locator("#found")).to_have_text("nothing found")


def test_folding_by_click_and_key(show):
    """A click on the triangle folds what is below, and the arrow keys unfold it again."""
    page = show(synthetic.export(60))
    before = names(page)
    page.locator("#row2 .twist").click()
    assert names(page) == before[:3]
    assert page.locator("#row2").get_attribute("aria-expanded") == "false"
    page.focus("#rows")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert selected(page) == "_optimize_graph"
    page.keyboard.press("ArrowRight")
    assert names(page) == before


def test_zoom_by_dragging_and_back(show):
    """Dragging over the bars zooms to that time; the button goes back to the whole."""
    page = show(synthetic.export(60))
    box = page.locator("#row0 .track").bounding_box()
    whole = page.text_content("#axis")
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10, steps=4)
    page.mouse.up()
    playwright.expect(page.locator("#axis")).not_to_have_text(whole)
    start, end = (float(part.split()[0]) for part in page.text_content("#range").split("\u2013"))
    assert (start, end) == (pytest.approx(17.5, abs=0.5), pytest.approx(35, abs=0.5))
    page.click("#reset")
    playwright.expect(page.locator("#axis")).to_have_text(whole)
    playwright.expect(page.locator("#reset")).to_be_hidden()


def test_a_click_right_after_a_drag_counts(show):
    """The click of the drag itself selects nothing; one on a button is not lost, however soon."""
    page = show(synthetic.export(60))
    box = page.locator("#row0 .track").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10, steps=4)
    page.evaluate(
        """addEventListener("pointerup", () => document.getElementById("reset").click(), {once: true})"""
    )
    page.mouse.up()
    playwright.expect(page.locator("#reset")).to_be_hidden()
    assert page.text_content("#range") == ""


def test_table_sorts_and_leads_to_the_span(show):
    """A click on a head sorts the passes, a second one turns it round, a row opens its span."""
    page = show(synthetic.export(200))
    head = page.locator("#panel-passes th button", has_text="Calls")
    cells = page.locator("#panel-passes tbody tr td:nth-child(4)")
    head.click()
    down = [int(text) for text in cells.all_text_contents()]
    head.click()
    up = [int(text) for text in cells.all_text_contents()]
    assert down == sorted(down, reverse=True) != up == sorted(up)
    row = page.locator("#panel-passes tbody tr", has_text="_jit_pass_number_3").first
    name = row.locator("code").first.text_content()
    row.click()
    playwright.expect(page.locator("#details h2")).to_have_text(name)


def test_failure_comes_first(show):
    """A failed export opens on its failure, above everything, and on the innermost span."""
    page = show(failing())
    assert "aten::svd" in page.text_content("#failure h2")
    assert "UnsupportedOperatorError: no svd" in page.text_content("#failure")
    assert selected(page) == "aten::svd"
    assert page.locator("#row10.selected.failed").is_visible()
    failure, body = (page.locator(place).bounding_box()["y"] for place in ("#failure", "#body"))
    assert failure < body


NO_SVD = "Exporting the operator 'aten::svd' to ONNX opset version 17 is not supported"


def raised(kind, message, **more):
    """An exception's event, as the recorder writes it."""
    said = {"exception.type": kind, "exception.message": message}
    return ("exception", {**said, "torch.onnx.exception.chain": [f"{kind}: {message}"], **more})


def test_the_whole_answer_is_on_the_page(show):
    """Operator, module path, source line, hint: the screen that the terminal shows."""
    short = f"UnsupportedOperatorError: {NO_SVD}"
    event = raised(
        "torch.onnx.errors.UnsupportedOperatorError",
        NO_SVD,
        **{
            "torch.onnx.exception.source.file": "/home/me/model.py",
            "torch.onnx.exception.source.line": 12,
            "torch.onnx.exception.source.text": "return torch.svd(x)",
            "torch.onnx.exception.module.path": "blocks.3.head",
        },
    )
    where = {
        "torch.onnx.level": "nodes",
        "torch.onnx.node.operator": "aten::svd",
        "torch.onnx.node.scope": "m.Net::/m.Block::blocks.3/m.Head::head",
    }
    root = {"torch.onnx.exporter": "torchscript", "torch.onnx.level": "stages"}
    page = show(
        [
            synthetic.span(1, 0, "torch.onnx.export", 0, 90, root, error=short),
            synthetic.span(
                2, 1, "_jit_pass_onnx", 1, 80, {"torch.onnx.level": "passes"}, error=short
            ),
            synthetic.span(3, 2, "aten::svd", 2, 9, where, error=short, events=[event]),
        ]
    )
    assert page.text_content("#failure h2") == "The export failed in _jit_pass_onnx"
    rows = dict(
        zip(
            page.locator("#failure .answer th").all_text_contents(),
            page.locator("#failure .answer td").all_text_contents(),
            strict=True,
        )
    )
    assert rows["module"] == "blocks.3.head (Head)"
    assert rows["source"] == "/home/me/model.py:12"
    assert rows["the line"] == "return torch.svd(x)"
    assert "register_custom_op_symbolic('aten::svd'" in rows["try"]
    assert selected(page) == "aten::svd"
    assert "blocks.3.head (Head)" in page.text_content("#details")


def test_a_handled_failure_is_no_failure(show):
    """What the exporter dealt with is marked as handled, under an export that went well."""
    spans = synthetic.export(30)
    spans[9]["status"] = {"code": 2, "message": "RuntimeError: input_shape_value"}
    page = show(spans)
    assert page.locator("header .badge.good").text_content() == "✓ exported"
    assert page.locator("#failure").text_content() == ""
    page.locator("#row9").click()
    assert page.locator("#row9.handled").count() == 1
    assert page.locator(".row.failed").count() == 0
    assert "failed, and was handled" in page.text_content("#details")


def test_memory_that_was_given_back_is_said(show):
    """The note that the tree has below a span stands beside the selected one."""
    spans = synthetic.export(30)
    for key, value in (("peak", 900_000_000), ("peak_growth", 300_000_000)):
        attribute = {"key": f"torch.onnx.memory.{key}", "value": {"intValue": str(value)}}
        kept = [each for each in spans[9]["attributes"] if each["key"] != attribute["key"]]
        spans[9]["attributes"] = [*kept, attribute]
    page = show(spans)
    page.locator("#row9").click()
    assert page.text_content("#details .note").endswith("more in between, and gave it back")


def test_exports_are_told_apart_by_their_files(show):
    """Of several exports of one model the chooser and the head say which file each wrote."""
    said = {"torch.onnx.exporter": "torchscript", "torch.onnx.model.class": "m.Net"}
    page = show(
        [
            synthetic.span(
                number,
                0,
                "torch.onnx.export",
                number * 100,
                number * 100 + 50,
                {**said, "torch.onnx.result.file.name": file},
            )
            for number, file in ((1, "small.onnx"), (2, "large.onnx"))
        ]
    )
    first, second = page.locator("header select option").all_text_contents()
    assert first.startswith("1. Net → small.onnx (")
    assert second.startswith("2. Net → large.onnx (")
    page.select_option("header select", index=1)
    assert page.text_content("h1") == "m.Net → large.onnx"


def test_light_and_dark(show):
    """The page follows the system's scheme, and a key turns it round."""
    page = show(synthetic.export(20), color_scheme="dark")
    color = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(color)
    page.keyboard.press("t")
    assert page.evaluate(color) != dark
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_walk_goes_step_by_step(show):
    """The walk moves by its buttons and tells the explanation of the step."""
    page = show(synthetic.export(60))
    page.click("#tab-walk")
    assert "Step 1 of" in page.text_content("#panel-walk")
    page.click("#panel-walk >> text=Next →")
    assert page.text_content("#panel-walk .step h2") == "_model_to_graph"
    assert "What it does" in page.text_content("#panel-walk .step")


def test_hostile_text_stays_text(show):
    """Markup, scripts and direction marks in every text of a trace are only shown."""
    page = show(synthetic.hostile())
    for tab in ("operators", "walk", "export"):
        page.click(f"#tab-{tab}")
    assert page.locator("img, b:has-text('amp')").count() == 0
    label = page.locator("#row0 .label")  # a long name is cut in the middle, its title is whole
    assert label.text_content().startswith("</script><img ")
    assert "</script><img src=x onerror=alert(1)>" in label.get_attribute("title")
    assert "</script><img src=x onerror=alert(1)>" in page.text_content("#details")
    assert "\u202e" not in page.text_content("body").split('"spans"')[0]
    assert "\\u202e" in page.text_content("#row0 .label")
    page.locator("#row1").click()
    assert selected(page) == "constructor"


def test_print_shows_the_rows(show):
    """For print, rows out of sight are drawn too."""
    page = show(synthetic.export(200))
    page.focus("#rows")
    page.keyboard.press("e")
    page.wait_for_selector("#row10")
    before = page.locator("#rows .row").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#rows .row").count() == 200 > before
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#rows .row").count() < 100


def test_the_table_by_module(show):
    """At level `nodes` a tab has the conversion by module; without modules there is none."""
    spans = synthetic.export(60)
    for span in spans:  # of its own it has scopes already
        kept = [one for one in span["attributes"] if one["key"] != "torch.onnx.node.scope"]
        span["attributes"] = kept
    assert show(spans).locator("#tab-modules").count() == 0
    said = [("a", 1), ("b", 5), ("a", 2)]
    for span, (path, produced) in zip(spans[20:23], said, strict=True):
        new = {
            "torch.onnx.level": {"stringValue": "nodes"},
            "torch.onnx.node.scope": {"stringValue": path},
            "torch.onnx.node.produced.count": {"intValue": str(produced)},
        }
        kept = [one for one in span["attributes"] if one["key"] not in new]
        span["attributes"] = kept + [{"key": key, "value": value} for key, value in new.items()]
    page = show(spans)
    page.click("#tab-modules")
    rows = [
        row.locator("td").all_text_contents()
        for row in page.locator("#panel-modules tbody tr").all()
    ]
    assert {row[0]: (row[2], row[3]) for row in rows} == {"a": ("2", "3"), "b": ("1", "5")}


def window_of(page):
    """Left and right end of the time that is shown, as parts of the whole, by the strip's mark."""
    strip, mark = (
        page.locator("#flame").bounding_box(),
        page.locator("#flame-window").bounding_box(),
    )
    left = (mark["x"] - strip["x"]) / strip["width"]
    return left, left + mark["width"] / strip["width"]


def test_the_strip_shows_and_sets_the_time(show):
    """The strip has the whole export; a drag shows that time, arrow keys move it, Whole time ends it."""
    page = show(synthetic.export(200))
    assert page.evaluate(
        "[...document.getElementById('flame-all').getContext('2d').getImageData(0, 0, 400, 20).data]"
        ".some((byte) => byte)"
    )
    strip = page.locator("#flame").bounding_box()
    y = strip["y"] + strip["height"] / 2
    page.mouse.move(strip["x"] + strip["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.5, y, steps=3)
    page.mouse.up()
    playwright.expect(page.locator("#reset")).to_be_visible()
    assert window_of(page) == (pytest.approx(0.25, abs=0.03), pytest.approx(0.5, abs=0.03))
    page.focus("#flame")
    page.keyboard.press("End")
    assert window_of(page)[1] == pytest.approx(1, abs=0.01)
    page.keyboard.press("ArrowLeft")
    assert window_of(page)[1] < 0.97
    assert "zoom=" in page.url
    page.click("#reset")
    assert window_of(page) == (pytest.approx(0, abs=0.01), pytest.approx(1, abs=0.01))


def test_the_border_of_the_details_moves(show):
    """The border between waterfall and details follows the mouse and the arrow keys."""
    page = show(synthetic.export(200), viewport={"width": 1440, "height": 900})
    before = page.locator("#details").bounding_box()["width"]
    border = page.locator("#details-divider")
    box = border.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 100, box["y"] + 20, steps=3)
    page.mouse.up()
    dragged = page.locator("#details").bounding_box()["width"]
    assert dragged == pytest.approx(before + 100, abs=3)
    border.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#details").bounding_box()["width"] == pytest.approx(dragged - 24, abs=3)


def test_the_legend_names_what_is_there(show):
    """The legend has the shares of self time and the states of this export alone."""
    page = show(synthetic.export(200))
    words = page.locator("#bar .legend").text_content()
    assert "self ≥ 25 %" not in words  # no span of it has that much
    assert "self < 5 %" in words
    assert "failed" not in words
    page = show(failing())
    assert "failed" in page.locator("#bar .legend").text_content()
