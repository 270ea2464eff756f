"""The report says of each span the text of its own function, in Chromium."""

import pytest

import synthetic
from onnxspan import explanations
from onnxspan.reading import report
from onnxspan.reading.packing import packed

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


def test_a_long_line_of_a_diff_can_be_wrapped_and_copied(opened, tmp_path):
    """The button wraps it inside its column; the other copies the text as it was."""
    line = "+  %x = aten::add(" + "%value, " * 60 + ")"
    root = {"torch.onnx.exporter": "torchscript", "torch.onnx.level": "stages"}
    spans = [
        synthetic.span(1, 0, "torch.onnx.export", 0, 90, root),
        synthetic.span(2, 1, "_jit_pass_cse", 1, 80, {"torch.onnx.level": "passes"}),
    ]
    target = tmp_path / "report.html"
    text = report.render(synthetic.read(tmp_path, spans))
    target.write_text(text.replace('"diffs":{}', f'"diffs":{{"1":"{packed(line)}"}}'))
    page = opened(target, permissions=["clipboard-read", "clipboard-write"])
    page.locator("#row1").click()
    pre = page.locator("#details pre.diff")
    wide = "pre => pre.scrollWidth > pre.clientWidth"
    assert pre.evaluate(wide)
    page.locator("#details .texts button", has_text="Wrap").click()
    assert not pre.evaluate(wide)
    page.locator("#details .texts button", has_text="Copy").click()
    page.locator("#details .texts button", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == line
