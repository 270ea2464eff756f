"""The drawings of the two pipelines are those of the pinned torch."""

import sys
from pathlib import Path

import pytest

import torch_facts

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
