"""Every stage and pass that a dynamo export shows has a text, and the walk goes through it."""

import torch_facts
from onnxspan import explanations
from onnxspan.conventions import LEVEL
from onnxspan.reading.walk.steps import steps


def test_every_span_has_a_text(plain, nodes):
    """Stages and passes of both exports are explained; a span per node is not expected to be."""
    spans = [span for trace in (plain, nodes) for span in trace.spans]
    names = {span.name for span in spans if span.get(LEVEL) != "nodes"}
    assert len(names) > (30 if torch_facts.EARLY_DYNAMO else 40)
    assert {name for name in names if explanations.get(name) is None} == set()


def test_the_capture_is_not_explained_as_the_other_exporter(plain):
    """`_export` of torch.export has its own text."""
    lines = {
        explanations.for_span(span.name, span.get("code.function.name")).exporter
        for span in plain.spans
        if span.name == "_export"
    }
    assert lines == {"dynamo"}


def test_the_walk(plain):
    """The walk has the way from the fx graph to the ONNX model, and says which is which."""
    found = {step.name: step for step in steps(plain.result)}
    assert "fx nodes" in found["torch.export.export"].came_out[0]
    translated = found["_exported_program_to_onnx_program"]
    assert "fx nodes" in translated.went_in[0]
    assert "onnx nodes" in translated.came_out[0]
    assert any(step.kind == "pass" and step.depth > 3 for step in found.values())
