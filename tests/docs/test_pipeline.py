"""The drawings of the two pipelines are those of the pinned torch."""

import importlib
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

import torch_facts
from onnxspan import explanations

TOOLS = Path(__file__).parents[2] / "docs" / "tools"


@pytest.mark.skipif(
    torch_facts.NUMBERS != torch_facts.PINNED, reason="the drawings show the pinned torch"
)
@pytest.mark.parametrize(("name", "dynamo"), [("torchscript", False), ("dynamo", True)])
def test_a_drawing_is_current(monkeypatch, name, dynamo):
    """Each stage and pass of a small export is drawn, in the order of the calls."""
    monkeypatch.syspath_prepend(str(TOOLS))
    sys.modules.pop("pipeline", None)
    import pipeline

    kept = (pipeline.IMAGES / f"pipeline-{name}.svg").read_text(encoding="utf-8")
    assert pipeline.drawn(dynamo) == kept
    places = [kept.index(f">{row[1]}</text>") for row in pipeline.steps(dynamo)]
    assert places == sorted(places)
    assert len(places) > 25


@pytest.fixture
def pipeline(monkeypatch):
    """The tool that draws."""
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("pipeline")


@pytest.mark.parametrize("name", ["torchscript", "dynamo"])
def test_each_row_leads_to_its_page(pipeline, name):
    """Each stage and pass that is drawn links to the page that the atlas writes for it."""
    text = (pipeline.IMAGES / f"pipeline-{name}.svg").read_text(encoding="utf-8")
    rows = re.findall(r'<a href="([^"]+)/" target="_top"><rect[^>]*/><text[^>]*>([^<]+)<', text)
    assert len(rows) == text.count("<rect class=") - 1
    for link, drawn in rows:
        assert explanations.get(drawn) is not None
        assert unquote(link) == pipeline.ATLAS + drawn.replace(" ", "_")


@pytest.mark.parametrize(
    ("name", "dynamo", "said"),
    [
        ("_jit_pass_cse", False, "all"),
        ("fullgraph_capture", True, "from 2.9"),
        ("_aot_export_joint_with_descriptors", True, "from 2.11"),
        ("TorchExportStrategy", True, "to 2.5"),
    ],
)
def test_versions_of_a_stage(pipeline, name, dynamo, said):
    """The versions are those of the tried ones in which the stage was found."""
    assert pipeline.versions(name, dynamo) == said
