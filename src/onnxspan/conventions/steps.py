"""Which of torch's functions are looked for by name: the one place outside the tables that knows them.

The reading half cannot ask a row: it may have a file alone. A test holds that each is a row's name.
"""

from __future__ import annotations

from onnxspan.conventions.dynamo import IMPORT

INPUT_FORMAT = "_decide_input_format"
JIT_CAPTURE = "_create_jit_graph"
CAPTURES = frozenset({JIT_CAPTURE, "torch.export.export", "torch.export.draft_export"})
"""What makes the first graph of a model."""
WHILE_TRACING = "_jit_pass_onnx_track_scope_attributes"
"""Runs while the graph is traced: its graph is half a graph."""
JIT_GRAPH = "_model_to_graph"
ERASURE = "_jit_pass_erase_number_types"
"""After this pass torch's interpreter can no longer run the graph."""
DYNAMO_CORE = "_core.export"
JIT_CONVERSION = "_jit_pass_onnx"
FX_TRANSLATION = "_translate_fx_graph"
"""Makes the first ONNX graph of the dynamo exporter, before any pass sees it."""
FX_CONVERSION = "_exported_program_to_onnx_program"
CONVERSIONS = frozenset({JIT_CONVERSION, FX_TRANSLATION, FX_CONVERSION})
"""What converts operators to ONNX."""
PROGRAM_CHECK = "verify_onnx_program"

GRAPH_STAGES = CAPTURES | CONVERSIONS | {
    "_optimize_graph", JIT_GRAPH, "run_decompositions", "_prepare_exported_program_for_export",
    "optimize_ir",
}  # fmt: skip
"""Stages that end with a whole graph, which verification can run."""

PARTS = (
    ("imports of the first export", (IMPORT,)),
    ("table of operators", ("ONNXRegistry.from_torchlib",)),
    ("capture the model", (JIT_CAPTURE, "torch.export.export")),
    ("rewrite its graph", ("_optimize_graph", "_prepare_exported_program_for_export")),
    ("  convert to ONNX in it", (JIT_CONVERSION,)),
    ("convert to ONNX", (FX_CONVERSION,)),
    ("convert the opset", ("convert_version",)),
    ("optimize", ("ONNXProgram.optimize",)),
    ("write", ("_export_onnx", "_export_file", "ONNXProgram.save")),
)
"""What each part of an export is called by one or the other exporter."""
