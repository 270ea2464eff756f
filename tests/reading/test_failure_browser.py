"""The page of a failed export in a real Chromium."""

import pytest

import synthetic
from onnxspan.reading import report
from onnxspan.reading.source.trace import Trace

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


def test_where_the_process_ended_is_solid(opened, tmp_path):
    """The innermost span without an end is chosen, seen and solid; those around it are outlined."""
    log = tmp_path / "export.flight"
    log.write_text(
        '{"onnxspan.flight":1,"pid":1,"host":"elsewhere","at":1,"limit":0}\n'
        '{"e":"01","p":"","t":5,"m":7,"n":"torch.onnx.export","l":"stages"}\n'
        '{"e":"02","p":"01","t":9000,"m":8,"n":"_export","l":"stages"}\n'
    )
    target = tmp_path / "killed.html"
    report.save(Trace.read(log), target)
    page = opened(target)
    assert page.text_content("#details h2") == "_export"
    assert page.text_content("#row1 .extra") == "✕ ended here"
    fill = "bar => getComputedStyle(bar).backgroundColor"
    outer, inner = (page.locator(f"#row{row} .track i") for row in range(2))
    assert outer.evaluate(fill) == "rgba(0, 0, 0, 0)" != inner.evaluate(fill)
    bar, track = inner.bounding_box(), page.locator("#row1 .track").bounding_box()
    assert bar["x"] + bar["width"] <= track["x"] + track["width"] + 1
