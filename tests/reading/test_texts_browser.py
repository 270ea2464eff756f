"""The report says of each span the text of its own function, in Chromium."""

import pytest

import synthetic
from onnxspan import explanations
from onnxspan.reading import report

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.mark.parametrize("function", ["torch.onnx.utils._export", "torch.export._trace._export"])
def test_of_two_functions_of_one_name(opened, tmp_path, function):
    """Details, table and walk explain the `_export` that ran, by its full place."""
    said = {"torch.onnx.level": "stages", "code.function.name": function}
    root = {"torch.onnx.exporter": "dynamo", "torch.onnx.level": "stages"}
    spans = [
        synthetic.span(1, 0, "torch.onnx.export", 0, 90, root),
        synthetic.span(2, 1, "_export", 1, 80, said),
    ]
    target = tmp_path / "report.html"
    report.save(synthetic.read(tmp_path, spans), target)
    page = opened(target)
    wanted = explanations.one_line("_export", function).replace("`", "")
    page.locator("#row1").click()
    assert page.text_content("#details .lead") == wanted
    table = page.locator("#panel-passes tr", has_text="_export")
    assert wanted in table.all_text_contents()[-1]
    page.evaluate("document.getElementById('tab-walk').click()")
    page.locator("[data-move=next]").click()
    assert wanted in page.text_content("#panel-walk .step")
