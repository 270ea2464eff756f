"""The report on paper and in narrow windows, in Chromium: nothing is cut, curves stand on their axis."""

import pytest

import browsers
import synthetic
from onnxspan.reading import report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PAPER = {"width": 718, "height": 1046}
"""What an A4 sheet has inside a browser's margins, in its pixels."""
LONG = "_jit_pass_onnx_graph_shape_inference"


@pytest.fixture
def show(opened, tmp_path):
    """Opens the report of these spans."""

    def open_report(spans, **context):
        target = tmp_path / "report.html"
        report.save(synthetic.read(tmp_path, spans), target)
        return opened(target, **context)

    return open_report


def printed(page):
    """The page as it is laid out for paper."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    browsers.drawn(page)  # the rows are drawn anew for another window


def box(page, place):
    """Left, right and bottom of the first such element."""
    page.locator(place).first.wait_for(state="visible")
    found = page.locator(place).first.evaluate("one => one.getBoundingClientRect().toJSON()")
    return found["left"], found["right"], found["bottom"]


def test_the_first_sheet_has_the_answer(show):
    """Head, answer and the ten slowest fit it, without buttons; it is light, and is dark again later."""
    page = show(synthetic.export(200), color_scheme="dark")
    printed(page)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.locator("#core table tbody tr:visible").count() == 10
    assert box(page, "#core")[2] < PAPER["height"] / 2
    assert page.locator("header button:visible, #bar:visible, .divider:visible").count() == 0
    assert page.locator("[role=tabpanel]:visible").count() == 1
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_printed_curves_stand_on_their_axis(show):
    """Strip, curves, axis and bars have the same left and right, though drawn for a wider window."""
    page = show(synthetic.export(200), viewport={"width": 1440, "height": 900})
    printed(page)
    bars = box(page, "#row0 .track")[:2]
    for place in ("#flame", ".chart:visible svg", "#axis .ticks"):
        assert box(page, place)[:2] == pytest.approx(bars, abs=2), place
    assert box(page, "#row0 .track")[1] <= PAPER["width"]


def test_rows_on_paper_follow_each_other(show):
    """They stand in the flow of the page, so that no line is cut where a sheet ends."""
    page = show(synthetic.export(200))
    printed(page)
    position = "row => getComputedStyle(row).position"
    assert {row.evaluate(position) for row in page.locator("#rows .row").all()} == {"static"}


def narrow():
    """An export with a long name that changed nothing and one that did."""
    stage, one = {"torch.onnx.level": "stages"}, {"torch.onnx.level": "passes"}
    root = {
        "torch.onnx.exporter": "torchscript",
        "torch.onnx.model.class": "torch.nn.modules.transformer.TransformerEncoder",
        "torch.onnx.result.file.name": "m.onnx",
        **stage,
    }
    return [
        synthetic.span(1, 0, "torch.onnx.export", 0, 6_240_000_000, root),
        synthetic.span(2, 1, LONG, 10, 3_000_000_000, one),
        synthetic.span(
            3, 1, LONG, 3_000_000_000, 6_000_000_000,
            {**one, "torch.onnx.graph.node.count": 10, "torch.onnx.graph.node.change": 5},
        ),
    ]  # fmt: skip


def test_at_1024_nothing_is_cut(show):
    """The axis' last label, a long name beside an empty change, and the buttons have their room."""
    page = show(narrow(), viewport={"width": 1024, "height": 900})
    right = box(page, "#axis .ticks")[1]
    ends = page.locator("#axis .ticks span").evaluate_all(
        "all => all.filter(one => one.textContent).map(one => one.getBoundingClientRect().right)"
    )
    assert len(ends) >= 4
    assert max(ends) <= right
    names = page.locator("#rows .row .label")
    assert names.nth(1).text_content() == LONG
    assert "…" in names.nth(2).text_content()
    fits = "one => one.scrollWidth <= one.clientWidth"
    assert names.nth(1).evaluate(fits)
    assert names.nth(2).evaluate(fits)
    tops = page.locator("header .tools button").evaluate_all(
        "all => [...new Set(all.map(one => one.getBoundingClientRect().top))]"
    )
    assert len(tops) == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 1024


def test_where_it_failed_is_seen_in_the_strip(show):
    """A failure of a millionth of the time has a red line over the strip's whole height."""
    spans = narrow()
    for span in (spans[0], spans[1]):
        span["status"] = {"code": 2, "message": "bad"}
    spans[1]["startTimeUnixNano"] = str(synthetic.EPOCH + 3_120_000_000)
    spans[1]["endTimeUnixNano"] = str(synthetic.EPOCH + 3_120_006_000)
    page = show(spans)
    red = page.evaluate(
        """() => {
            const canvas = document.getElementById("flame-all");
            const at = Math.floor(canvas.width / 2);
            const part = canvas.getContext("2d").getImageData(at - 2, 0, 5, canvas.height);
            const rows = new Set();
            for (let i = 0; i < part.data.length; i += 4)
                if (part.data[i] > 150 && part.data[i + 1] < 60 && part.data[i + 3] > 200) rows.add(Math.floor(i / 20));
            return rows.size / canvas.height;
        }"""
    )
    assert red == 1


def test_a_zoom_gives_curves_the_height_of_what_is_in_sight(show):
    """A curve that is low beside the rest of the export fills its frame when that alone is shown."""
    stage, one = {"torch.onnx.level": "stages"}, {"torch.onnx.level": "passes"}
    sizes = [10, 20, 1000]
    spans = [
        synthetic.span(1, 0, "torch.onnx.export", 0, 900_000, {"torch.onnx.exporter": "x", **stage}),
        *(
            synthetic.span(
                number + 2, 1, f"pass {number}", number * 300_000, number * 300_000 + 290_000,
                {**one, "torch.onnx.graph.node.count": size},
            )
            for number, size in enumerate(sizes)
        ),
    ]  # fmt: skip
    page = show(spans)
    top = "path => Math.min(...[...path.getAttribute('d').matchAll(/V([-\\d.]+)/g)].map(one => +one[1]))"
    curve = page.locator(".chart[data-series=nodes] path.stroke")
    assert curve.evaluate(top) == 16  # the thousand nodes of the last pass
    page.evaluate("location.hash = 'zoom=0-600000'")
    page.wait_for_selector("#reset:visible")
    assert curve.evaluate(top) == 16  # twenty nodes now
