"""The page of a failed export in a real Chromium."""

import pytest

import synthetic
from onnxspan.reading import report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

MODEL = {"code.file.path": "/home/me/model.py", "code.line.number": 12}


@pytest.fixture
def failed(opened, tmp_path):
    """The page of an export that failed in its third span, in a line of the user's file."""
    root = {"torch.onnx.exporter": "dynamo", "torch.onnx.level": "stages"}
    spans = [
        synthetic.span(1, 0, "torch.onnx.export", 0, 90, root, error="ValueError: bad"),
        synthetic.span(2, 1, "capture", 1, 80, {"torch.onnx.level": "stages"}, error="bad"),
        synthetic.span(3, 2, "trace", 3, 9, {"torch.onnx.level": "passes", **MODEL}, error="bad"),
    ]
    target = tmp_path / "report.html"
    report.save(synthetic.read(tmp_path, spans), target)
    return opened(target)


def test_the_origin_is_solid_and_its_ancestors_are_outlined(failed):
    """Only the span in which the exception began has a full bar and says that it failed."""
    fill = "bar => getComputedStyle(bar).backgroundColor"
    bars = [failed.locator(f"#row{row} .track i").evaluate(fill) for row in range(3)]
    assert bars[0] == bars[1] == "rgba(0, 0, 0, 0)" != bars[2]
    said = [failed.locator(f"#row{row} .extra").text_content() for row in range(3)]
    assert said == ["failed inside", "failed inside", "✕ failed"]


def test_charts_without_a_figure_are_not_there(failed):
    """A failed export without sizes and memory leaves no empty frames of charts."""
    assert failed.locator(".chart:visible").count() == 0


def test_a_line_of_the_users_file_is_not_called_torchs(failed):
    """A stage that failed in the user's file names the file without saying that torch has it."""
    assert "Source: /home/me/model.py:12" in failed.text_content("#details")
    assert "In torch" not in failed.text_content("#details")
