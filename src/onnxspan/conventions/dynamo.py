"""Attributes of the dynamo exporter's stages and passes."""

from __future__ import annotations

from onnxspan.conventions.registry import attribute, operator_sums

# --- the dynamo exporter ------------------------------------------------------
IMPORT = "import torch.onnx._internal.exporter"
"""Name of the span of the modules that the first export of a process imports."""

IMPORT_MODULES = attribute(
    "torch.onnx.import.module.count",
    "int",
    "the import's span",
    "Modules that the first export of the process imported.",
)
TRACING_OMITTED = attribute(
    "torch.onnx.tracing.omitted",
    "string[]",
    "root, only when there are any",
    "Functions whose further calls got no span because one function may have only so many, as `_translate_fx_graph=160` (calls without a span); the level "
    "`nodes` records them all.",
)

GRAPH_KIND = attribute(
    "torch.onnx.graph.kind",
    "string",
    "dynamo's stages and passes that hold a graph",
    "What kind of nodes `torch.onnx.graph.node.count` counts: `fx` (aten operators) or `onnx` (ONNX operators).",
)
FUNCTIONS = attribute(
    "torch.onnx.graph.function.count",
    "int",
    "spans of an ONNX model",
    "Functions of the ONNX model.",
)
BUFFERS = attribute(
    "torch.onnx.graph.buffer.count",
    "int",
    "spans of an ExportedProgram",
    "Buffers of the ExportedProgram.",
)
BUFFER_BYTES = attribute(
    "torch.onnx.graph.buffer.size",
    "int, By",
    "spans of an ExportedProgram",
    "Bytes of the ExportedProgram's buffers.",
)
CONSTANTS = attribute(
    "torch.onnx.graph.constant.count",
    "int",
    "spans of an ExportedProgram",
    "Constant tensors of the ExportedProgram; `torch.onnx.graph.constant.size` has their bytes.",
)
DYNAMIC_INPUTS = attribute(
    "torch.onnx.graph.dynamic.input.count",
    "int",
    "stages that hold a whole graph; passes that change the number",
    "Symbolic dimensions of the graph's inputs, parameters left out. Where the number falls, a dynamic shape was lost.",
)
DYNAMIC_OUTPUTS = attribute(
    "torch.onnx.graph.dynamic.output.count",
    "int",
    "stages that hold a whole graph; passes that change the number",
    "Symbolic dimensions of the graph's outputs. Where the number falls, a dynamic shape was lost.",
)
DYNAMIC_ENDS = attribute(
    "torch.onnx.dynamic.ends",
    "string[]",
    "the exporter's root, when an input has a dynamic dimension that no output has",
    "For each dimension that is dynamic in an input and in no output: the first node that the dimension enters and does not leave, with shapes, module and "
    "line, and the stage after which onnxspan saw that. A reduction over the dimension is not named.",
)
DYNAMIC_REQUIRED = attribute(
    "torch.onnx.dynamic.required",
    "string[]",
    "the exporter's root and `produce_guards_and_solve_constraints`, when the model's code allows "
    "a dynamic dimension only some sizes",
    "Each condition on the sizes of dynamic dimensions with the line of the model's code that makes it, as `2*((s77//2)) = 4 (model.py:23)` or `s77 >= 4 "
    "(model.py:29)`. Conditions and lines are from torch's ShapeEnv. A strict capture gives none.",
)
DYNAMIC_SYMBOLS = attribute(
    "torch.onnx.graph.dynamic.symbols",
    "string[]",
    "stages that hold a whole graph; passes that change the number of symbolic dimensions",
    "The different symbols in the shapes of the graph's inputs and outputs, in the order first met.",
)

DYNAMIC_LOST = attribute(
    "torch.onnx.graph.dynamic.lost",
    "string[]",
    "the innermost stage or pass in which a dynamic shape was lost",
    "Dimensions that were symbolic at the last count and are numbers now, as `output 0:1 was s77` (the output's number, and the axis); at the capture, how "
    "many dimensions asked to be dynamic are numbers, and symbols that torch keeps the name of though only one number fits: `s77 can only be 2`.",
)

DYNAMIC_SHAPES = attribute(
    "torch.onnx.dynamic_shapes",
    "string[]",
    "root (dynamo)",
    "The dimensions asked to be dynamic, as `x:0=batch`, or `x:0` for a dimension without a name.",
)
OPTIONS = attribute(
    "torch.onnx.options",
    "string[]",
    "root (dynamo)",
    "Options of the export that differ from their default, as `verify=True`.",
)
CUSTOM_TRANSLATIONS = attribute(
    "torch.onnx.custom_translations",
    "string[]",
    "root (dynamo)",
    "Operators in `custom_translation_table`.",
)
CAPTURED_OPERATORS = attribute(
    "torch.onnx.captured.operators",
    "string[]",
    "root (dynamo)",
    "Operators of the captured program and how many nodes of each, most frequent first, as `aten.linear.default=12`.",
)
DECOMPOSED_OPERATORS = attribute(
    "torch.onnx.decomposed.operators",
    "string[]",
    "root (dynamo)",
    "Operators of the program after the decompositions and how many nodes of each, most frequent first, as `aten.linear.default=12`.",
)
TRANSLATED_OPERATORS = attribute(
    "torch.onnx.translated.operators",
    "string[]",
    "root (dynamo)",
    "ONNX operators before version conversion and optimization and how many nodes of each, most frequent first; `torch.onnx.result.operators` has the "
    "operators of the exported model.",
)
RESULT_OPSET = attribute(
    "torch.onnx.result.opset_version",
    "int",
    "root (dynamo)",
    "The opset of the exported model; another than asked for when the conversion of the version did not succeed.",
)
RESULT_EXTERNAL_BYTES = attribute(
    "torch.onnx.result.external_data.size",
    "int, By",
    "root, `ONNXProgram.save`",
    "Bytes of the file beside the model's file that holds the weights.",
)

CAPTURE_STRATEGY = attribute(
    "torch.onnx.capture.strategy",
    "string",
    "root, `_core.export`",
    "The capture strategy whose program was taken; `ExportedProgram` when the export was given one.",
)
CAPTURE_FAILURES = attribute(
    "torch.onnx.capture.failures",
    "string[]",
    "root, `_core.export`",
    "The capture strategies that failed, in order, each with the first line of the reason.",
)
CAPTURE_WARNING = attribute(
    "torch.onnx.capture.warning",
    "string",
    "a capture strategy that succeeded with reservations",
    "The reservations that the capture strategy reports.",
)
REGISTRY_OPERATORS = attribute(
    "torch.onnx.registry.operator.count",
    "int",
    "`ONNXRegistry.from_torchlib`",
    "Operators that have a translation to ONNX in the registry.",
)
DECOMPOSITIONS = attribute(
    "torch.onnx.decomposition.count",
    "int",
    "`create_onnx_friendly_decomposition_table`",
    "Operators that have a decomposition and no translation to ONNX.",
)
PASS_MODIFIED = attribute(
    "torch.onnx.pass.modified",
    "boolean",
    "passes of onnx_ir",
    "Whether the pass reports that it changed the model.",
)
PARAMETERS_CHANGE = attribute(
    "torch.onnx.graph.parameter.change",
    "int",
    "passes of onnx_ir",
    "Initializers after the pass less initializers before the pass.",
)
PASS_CHANGES = attribute(
    "torch.onnx.pass.change.count",
    "int",
    "`RewritePass`, `RewriteRuleSet.apply_to_model`, `fuse`",
    "How often the pass applied a rule.",
)
PASS_RULES = attribute(
    "torch.onnx.pass.rules",
    "string[]",
    "`fuse`; at level `nodes` the rewriter",
    "The fusions or rewrite rules that were applied, and how often each, as `RMSNormFusion=4`.",
)
VERSION_FROM = attribute(
    "torch.onnx.convert_version.source",
    "int",
    "`convert_version`",
    "The opset before the version conversion.",
)
VERSION_ASKED = attribute(
    "torch.onnx.convert_version.target",
    "int",
    "`convert_version`",
    "The opset that the version conversion was asked for.",
)
VERSION_RESULT = attribute(
    "torch.onnx.convert_version.result",
    "int",
    "`convert_version`",
    "The opset after the version conversion.",
)
VERIFY_OUTPUTS = attribute(
    "torch.onnx.verify.outputs",
    "string[]",
    "`verify_onnx_program`, root",
    "The outputs that torch's own verification (`verify=True`) compared.",
)
VERIFY_ABSOLUTE = attribute(
    "torch.onnx.verify.max_absolute",
    "double[]",
    "`verify_onnx_program`, root",
    "The largest absolute difference between torch and ONNX Runtime, for each output in `torch.onnx.verify.outputs`.",
)
VERIFY_RELATIVE = attribute(
    "torch.onnx.verify.max_relative",
    "double[]",
    "`verify_onnx_program`, root",
    "The largest relative difference between torch and ONNX Runtime, for each output in `torch.onnx.verify.outputs`.",
)
REPORT_FILE = attribute(
    "torch.onnx.report.file.name",
    "string",
    "the reports' spans",
    "The name of the file of the exporter's report, without its folder.",
)
REPORT_BYTES = attribute(
    "torch.onnx.report.size",
    "int, By",
    "the reports' spans",
    "Bytes of the exporter's report as written.",
)

TRACED = operator_sums(
    "traced", "Operators traced into an fx graph, with the Python code before each"
)
TRANSLATION = operator_sums("translation", "Nodes of the fx graph translated to ONNX")
DISPATCH = operator_sums("dispatch", "Choices of an ONNX function for a node")
RULES = operator_sums("rule", "Rewrite rules tried on single nodes")
FOLDED = operator_sums("folded", "Nodes on which constant folding and shape inference are tried")
PREPARED = operator_sums("prepared", "Functions and decompositions made ready, by kind")
RECORDED = operator_sums("op_recorder", "ONNX operators recorded by `OpRecorder.eval`")

NODE_DISPATCH = attribute(
    "torch.onnx.node.dispatch",
    "string",
    "node spans (dynamo); failed ones at every level",
    "The message with which dispatch explains which ONNX function it chose for the node, or why it refused.",
)
NODE_REFUSED = attribute(
    "torch.onnx.node.refused",
    "string[]",
    "node spans (dynamo) and failed ones at every level, when there are any",
    "The operator's other translations, and why dispatch did not take each.",
)
