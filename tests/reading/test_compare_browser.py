"""The pages of diff and growth in a real Chromium: what a reader sees, sorts and filters."""

from __future__ import annotations

import pytest

from comparing import export, samples
from onnxspan.reading.compare import diff_page, growth_page
from onnxspan.reading.compare.diff import compare
from onnxspan.reading.compare.growth import measure

EVIL = "</script><img src=x onerror=alert(1)>\u202e"


@pytest.fixture
def diff(opened, tmp_path):
    """Opens a diff of three exports a side: one pass slower, one only before, one hostile."""

    def open_diff(**context):
        before = [
            export({"same": 0.1, "slow": t, "gone": 0.01, EVIL: 0.2}) for t in (0.1, 0.101, 0.102)
        ]
        after = [
            export({"same": 0.1, "slow": t, EVIL: 0.2}, nodes=90) for t in (0.3, 0.301, 0.302)
        ]
        page = tmp_path / "diff.html"
        found = compare(samples(*before), samples(*after))
        page.write_text(diff_page.page(found), encoding="utf-8")
        return opened(page, **context)

    return open_diff


@pytest.fixture
def growth(opened, tmp_path):
    """Opens a growth with a quadratic and a linear pass."""

    def open_growth(**context):
        traces = [
            export({"bad": 0.1 * (n / 600) ** 2, "good": n / 1e3, EVIL: 0.01}, nodes=n)
            for n in (600, 1200, 2400)
            for _ in range(2)
        ]
        page = tmp_path / "growth.html"
        page.write_text(growth_page.page(measure(samples(*traces))), encoding="utf-8")
        return opened(page, **context)

    return open_growth


def names(page, table):
    """The steps in a table, as they are shown."""
    return page.locator(f"{table} tbody tr:visible td:first-child code").all_text_contents()


def test_a_diff_shows_what_differs(diff):
    """The slower pass with a bar a side and a mark an export; what is only before."""
    page = diff()
    panel = page.locator(".panel", has_text="Time that differs")
    assert panel.locator("td code").all_text_contents() == ["slow"]
    assert panel.locator("rect").count() == 2
    assert panel.locator("line.tick").count() == 6
    assert "gone" in page.locator('.panel:has(h2:text-is("Only before"))').text_content()
    assert "100 → 90" in page.text_content("header")


def test_steps_are_sorted_and_filtered(diff):
    """A head sorts down, up, and back to the order of the calls; the box filters by name."""
    page = diff()
    first = names(page, "#steps")
    head = page.locator("#steps th button", has_text="before")
    head.click()
    assert names(page, "#steps")[0] == "(whole export)"
    head.click()
    assert names(page, "#steps")[-1] == "(whole export)"
    head.click()
    assert names(page, "#steps") == first
    page.fill(".find input", "SLO")
    assert names(page, "#steps") == ["slow"]


def test_a_growth_draws_the_culprit(growth):
    """The quadratic pass is named, and its line ends above the dashed linear one."""
    page = growth()
    assert "1 superlinear" in page.text_content("header")
    assert page.locator("tr.flagged code").first.text_content() == "bad"
    culprit = page.locator("polyline.s1").get_attribute("points").split()[-1]
    linear = [float(line.get_attribute("y2")) for line in page.locator("line.guide").all()]
    assert float(culprit.split(",")[1]) < max(linear)  # a page's y goes down
    assert page.locator("circle.s1").count() == 6


def both(opened, tmp_path, before, after):
    """The lines of the two waterfalls: name, the figures of both sides, and each bar's place."""
    file = tmp_path / "diff.html"
    file.write_text(diff_page.page(compare(samples(before), samples(after))), encoding="utf-8")
    page = opened(file)
    found = {}
    for row in page.locator("table.both tbody tr").all():
        bars = {
            bar.get_attribute("class"): tuple(
                float(bar.get_attribute(key)) for key in ("x", "width")
            )
            for bar in row.locator("rect").all()
        }
        found[row.locator("code").text_content()] = (
            row.locator("td").all_text_contents()[1:3],
            bars,
        )
    return page, found


def test_both_exports_stand_on_one_scale(opened, tmp_path):
    """Each step begins where it began, is as long as it was, and has its place below its stage."""
    before = export({"stage": (0.5, {"torch.onnx.level": "stages"}, {"slow": 0.3}), "old": 0.1})
    after = export({"stage": (1.5, {"torch.onnx.level": "stages"}, {"slow": 1.3}), "new": 0.5})
    _, found = both(opened, tmp_path, before, after)
    assert list(found) == ["(whole export)", "stage", "slow", "old", "new"]
    assert found["(whole export)"][1] == {"before": (0, 300), "after": (0, 1000)}
    assert found["slow"][1] == {"before": (0, 150), "after": (0, 650)}
    assert found["old"] == (["100 ms", "only before"], {"before": (250, 50)})
    assert found["new"] == (["only after", "500 ms"], {"after": (750, 250)})


def test_one_failure_is_one_card(opened, tmp_path):
    """The stages around a failed step are marked in the waterfall and are no cards of their own."""
    stage = {"torch.onnx.level": "stages"}
    good = export({"stage": (0.5, stage, {"pass": 0.3})})
    bad = export({"stage": (0.4, stage, {"pass": 0.2})}, error="ValueError: bad")
    for span in bad.spans:
        span.error, span.description = True, "ValueError: bad"
    page, found = both(opened, tmp_path, good, bad)
    cards = page.locator(".failure h2").all_text_contents()
    assert cards == ["pass failed only after (in stage)"]
    assert page.locator(".failure p").all_text_contents() == ["ValueError: bad"]
    assert [figures[1] for figures, _ in found.values()] == ["✕ 400 ms", "✕ 400 ms", "✕ 200 ms"]
    assert "noise" not in page.text_content("header .facts")


@pytest.mark.parametrize("which", ["diff", "growth"])
def test_the_pages_are_of_the_reports_family(which, request):
    """Light and dark as the system has it, and a key turns it; no wider than a telephone."""
    page = request.getfixturevalue(which)(
        color_scheme="dark", viewport={"width": 390, "height": 800}
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    color = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(color)
    assert dark == "rgb(21, 23, 26)"
    page.keyboard.press("t")
    assert page.evaluate(color) != dark
    page.click("#theme")
    assert page.evaluate(color) == dark


@pytest.mark.parametrize("which", ["diff", "growth"])
def test_hostile_names_stay_text(which, request):
    """Markup and direction marks in a name are only shown."""
    page = request.getfixturevalue(which)()
    assert page.locator("img").count() == 0
    assert "</script><img src=x onerror=alert(1)>\\u202e" in names(page, "#steps")
