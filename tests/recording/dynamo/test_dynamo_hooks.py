"""Users' hooks on the dynamo path: found by the span's name, with that path's own graphs."""

import pytest

import onnxspan
import torch_facts
from dynamo_models import export


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_hooks_get_the_graph_of_each_step(small, example, tmp_path):
    """Capture gives a program, translation and passes a model, under the names of the tree."""
    tracing, graphs = onnxspan.trace(flight=False), {}

    @tracing.on_leave("torch.export.export")
    @tracing.on_leave("run_decompositions")
    @tracing.on_leave("_exported_program_to_onnx_program")
    @tracing.on_enter("FoldConstantsPass")
    @tracing.on_leave("RewritePass")
    def look(moment):
        graphs[moment.name] = type(moment.graph).__name__

    with tracing:
        export(small, example, tmp_path / "small.onnx")
    assert tracing.errors == []
    assert graphs == {
        "torch.export.export": "ExportedProgram",
        "run_decompositions": "ExportedProgram",
        "_exported_program_to_onnx_program": "Model",
        "FoldConstantsPass": "Model",
        "RewritePass": "Model",
    }
    assert {span.name for span in tracing.spans} >= set(graphs)
