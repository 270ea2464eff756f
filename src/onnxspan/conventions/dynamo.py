"""Attributes of the dynamo exporter's stages and passes."""

from __future__ import annotations

from onnxspan.conventions.registry import attribute, operator_sums

# --- the dynamo exporter ------------------------------------------------------
IMPORT = "import torch.onnx._internal.exporter"
"""Name of the span of the modules that the first export of a process imports."""

IMPORT_MODULES = attribute(
    "torch.onnx.import.module.count", "int", "the import's span", "Modules that were imported."
)
TRACING_OMITTED = attribute(
    "torch.onnx.tracing.omitted",
    "string[]",
    "root, only when there are any",
    "Calls that got no span because their function has had its share, as `_translate_fx_graph=160`; "
    "the level `nodes` has them all.",
)

GRAPH_KIND = attribute(
    "torch.onnx.graph.kind",
    "string",
    "dynamo's stages and passes that hold a graph",
    "`fx` (of aten operators) or `onnx` (of ONNX operators): what the counts count.",
)
FUNCTIONS = attribute(
    "torch.onnx.graph.function.count", "int", "spans of an ONNX model", "Functions of the model."
)
BUFFERS = attribute(
    "torch.onnx.graph.buffer.count",
    "int",
    "spans of an ExportedProgram",
    "Buffers of the program.",
)
BUFFER_BYTES = attribute("torch.onnx.graph.buffer.size", "int, By", "as above", "Bytes of those.")
CONSTANTS = attribute(
    "torch.onnx.graph.constant.count",
    "int",
    "as above",
    "Constant tensors of the program; `torch.onnx.graph.constant.size` has their bytes.",
)
DYNAMIC_INPUTS = attribute(
    "torch.onnx.graph.dynamic.input.count",
    "int",
    "stages that hold a whole graph; a pass that changes it",
    "Symbolic dimensions of the graph's inputs (parameters left out). Where it falls, a dynamic "
    "shape was lost.",
)
DYNAMIC_OUTPUTS = attribute(
    "torch.onnx.graph.dynamic.output.count", "int", "as above", "Likewise of its outputs."
)
DYNAMIC_ENDS = attribute(
    "torch.onnx.dynamic.ends",
    "string[]",
    "the exporter's root, when an input has a dynamic dimension that no output has",
    "For each such dimension the first node that it enters and does not leave, with shapes, module "
    "and line, and the stage after which that was seen. A reduction over the dimension is not named.",
)
DYNAMIC_REQUIRED = attribute(
    "torch.onnx.dynamic.required",
    "string[]",
    "the exporter's root and `produce_guards_and_solve_constraints`, when the model's code allows "
    "a dynamic dimension only some sizes",
    "Each condition on the sizes of dynamic dimensions with the line of the model's code that "
    "makes it, as `2*((s77//2)) = 4 (model.py:23)` or `s77 >= 4 (model.py:29)`. Conditions and "
    "lines are those of torch's ShapeEnv. A strict capture gives none.",
)
DYNAMIC_SYMBOLS = attribute(
    "torch.onnx.graph.dynamic.symbols",
    "string[]",
    "as above",
    "The different symbols among both, in the order first met.",
)

DYNAMIC_LOST = attribute(
    "torch.onnx.graph.dynamic.lost",
    "string[]",
    "the innermost stage or pass in which a dynamic shape was lost",
    "Dimensions that were symbolic at the last count and are numbers now, as `output 0:1 was s77` "
    "(the output's number, and the axis); at the capture, how many of those asked for are numbers, "
    "and symbols that torch keeps the name of though only one number fits: `s77 can only be 2`.",
)

DYNAMIC_SHAPES = attribute(
    "torch.onnx.dynamic_shapes",
    "string[]",
    "root (dynamo)",
    "The dimensions asked to be dynamic, as `x:0=batch` or `x:0` for one without a name.",
)
OPTIONS = attribute(
    "torch.onnx.options",
    "string[]",
    "root (dynamo)",
    "Options that differ from their default, as `verify=True`.",
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
    "Operators of the captured program, most frequent first, as `aten.linear.default=12`.",
)
DECOMPOSED_OPERATORS = attribute(
    "torch.onnx.decomposed.operators",
    "string[]",
    "root (dynamo)",
    "Likewise after the decompositions.",
)
TRANSLATED_OPERATORS = attribute(
    "torch.onnx.translated.operators",
    "string[]",
    "root (dynamo)",
    "ONNX operators before version conversion and optimization; `torch.onnx.result.operators` "
    "has those after.",
)
RESULT_OPSET = attribute(
    "torch.onnx.result.opset_version",
    "int",
    "root (dynamo)",
    "The opset of the result; another than asked for when its conversion did not succeed.",
)
RESULT_EXTERNAL_BYTES = attribute(
    "torch.onnx.result.external_data.size",
    "int, By",
    "root, `ONNXProgram.save`",
    "Bytes of the file beside the model that holds the weights.",
)

CAPTURE_STRATEGY = attribute(
    "torch.onnx.capture.strategy",
    "string",
    "root, `_core.export`",
    "The strategy whose program was taken; `ExportedProgram` when one was given.",
)
CAPTURE_FAILURES = attribute(
    "torch.onnx.capture.failures",
    "string[]",
    "root, `_core.export`",
    "The strategies that failed, in order, each with the first line of its reason.",
)
CAPTURE_WARNING = attribute(
    "torch.onnx.capture.warning",
    "string",
    "a strategy that succeeded with reservations",
    "What it reports of them.",
)
REGISTRY_OPERATORS = attribute(
    "torch.onnx.registry.operator.count",
    "int",
    "`ONNXRegistry.from_torchlib`",
    "Operators that have a translation.",
)
DECOMPOSITIONS = attribute(
    "torch.onnx.decomposition.count",
    "int",
    "`create_onnx_friendly_decomposition_table`",
    "Operators that have a decomposition and no translation of their own.",
)
PASS_MODIFIED = attribute(
    "torch.onnx.pass.modified",
    "boolean",
    "passes of onnx_ir",
    "Whether the pass says it changed the model.",
)
PARAMETERS_CHANGE = attribute(
    "torch.onnx.graph.parameter.change",
    "int",
    "passes of onnx_ir",
    "Initializers at the end less those before the pass.",
)
PASS_CHANGES = attribute(
    "torch.onnx.pass.change.count",
    "int",
    "`RewritePass`, `RewriteRuleSet.apply_to_model`, `fuse`",
    "How often a rule was applied.",
)
PASS_RULES = attribute(
    "torch.onnx.pass.rules",
    "string[]",
    "`fuse`; at level `nodes` the rewriter",
    "The fusions or rewrite rules that were applied, and how often, as `RMSNormFusion=4`.",
)
VERSION_FROM = attribute(
    "torch.onnx.convert_version.source", "int", "`convert_version`", "The opset before."
)
VERSION_ASKED = attribute(
    "torch.onnx.convert_version.target", "int", "`convert_version`", "The opset asked for."
)
VERSION_RESULT = attribute(
    "torch.onnx.convert_version.result", "int", "`convert_version`", "The opset after."
)
VERIFY_OUTPUTS = attribute(
    "torch.onnx.verify.outputs",
    "string[]",
    "`verify_onnx_program`, root",
    "The outputs that were compared.",
)
VERIFY_ABSOLUTE = attribute(
    "torch.onnx.verify.max_absolute",
    "double[]",
    "as above",
    "The largest absolute difference of each, between torch and ONNX Runtime.",
)
VERIFY_RELATIVE = attribute(
    "torch.onnx.verify.max_relative",
    "double[]",
    "as above",
    "The largest relative difference of each.",
)
REPORT_FILE = attribute(
    "torch.onnx.report.file.name",
    "string",
    "the reports' spans",
    "The report's name, without its folder.",
)
REPORT_BYTES = attribute(
    "torch.onnx.report.size", "int, By", "the reports' spans", "Bytes of the report as written."
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
    "What dispatch says of its choice, or of its refusal.",
)
NODE_REFUSED = attribute(
    "torch.onnx.node.refused",
    "string[]",
    "as above, when there are any",
    "The operator's other translations, and why each was not taken.",
)
