"""The report's figures are those of the terminal: one formatter in Python, one in JavaScript."""

import json

import pytest

import synthetic
from onnxspan.reading import figures, pages, report

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

BYTES = sorted(
    {0, 1, 511, 512, 1023, 1024, 1536, 999 * 1024, 1000 * 1024, 104_960, 1_288_490_188}
    | {int(3.7**power) for power in range(1, 24)}
    | {1024 * k + 512 for k in (1, 2, 10, 11, 101, 102, 103)}
)
SECONDS = sorted(
    {0.0, 1e-9, 4.2e-4, 0.999, 1.0, 59.9, 60.0, 599.9, 600.0, 7199.0, 7200.0, 90_000.0}
    | {2.3**power / 1e6 for power in range(28)}
)


def test_both_are_the_same(browser):
    """Bytes and times of many sizes are written alike, exact halves too."""
    page = browser.new_page()
    script = pages.asset("dom.js")
    read = page.evaluate(
        "([sizes, times]) => { const $ = null; "
        + script.split("// The little Markdown")[0].replace("const $ =", "const _ =")
        + " return [sizes.map(bytes), times.map((s) => time(s * 1e9))]; }",
        [BYTES, SECONDS],
    )
    assert read[0] == [figures.size(number) for number in BYTES]
    assert read[1] == [
        figures.duration(round(s * 1e9) / 1e9) if s >= 1 else figures.duration(s) for s in SECONDS
    ]
    page.close()


def test_the_page_has_no_other_units(tmp_path):
    """No asset of a page writes decimal units."""
    page = report.render(synthetic.read(tmp_path, synthetic.export(20)))
    assert '"GB"' not in page
    assert '"kB"' not in page
    assert json.dumps("KiB") in page
