"""The live report of the start page is made, has both exporters, and stands in the page's frame."""

import importlib
import pathlib
import sys

import torch

import torch_facts

ROOT = pathlib.Path(__file__).parents[2]
TOOLS = ROOT / "docs" / "tools"


@torch_facts.needs_dynamo
def test_the_live_report(tmp_path, monkeypatch):
    """The page has an export by each exporter, and graphs for its Graph view."""
    monkeypatch.syspath_prepend(str(TOOLS))
    sys.modules.pop("live", None)
    page = importlib.import_module("live").make(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "torchscript exporter" in text
    assert "dynamo exporter" in text
    assert '"graphs":' in text
    assert "onnxspan/commands/models.py" in text
    for folder in (ROOT, pathlib.Path(torch.__file__).parents[1]):
        assert str(folder) not in text, "no path of the machine that builds the site"


def test_the_start_page_shows_it():
    """The frame's file is where the docs build puts the report, before the site is built."""
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert '<iframe src="live/report.html"' in page
    build = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndocs:")[2]
    assert build.index("docs/tools/live.py") < build.index("zensical build")
