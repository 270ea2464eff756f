"""Attributes of any export, of the script around exports, and of the steps of packs."""

from __future__ import annotations

from onnxspan.conventions.registry import attribute

# --- every span ---------------------------------------------------------------
FUNCTION = attribute(
    "code.function.name",
    "string",
    "every span but a node's that has a line",
    "Where the wrapped function stands, as `module.function`, in the installed torch. Absent on a node span whose `code.file.path` is a file of your model.",
)
FILE = attribute(
    "code.file.path",
    "string",
    "spans of Python functions; node spans",
    "The source file of the wrapped function, relative to the parent folder of torch's package; on a node span, the file of the model's line that the node "
    "comes from.",
)
LINE = attribute(
    "code.line.number",
    "int",
    "with `code.file.path`",
    "The line in the file `code.file.path`, counted from 1.",
)
LEVEL = attribute(
    "torch.onnx.level",
    "string",
    "every span",
    "The level at which the span is recorded: `stages`, `passes` or `nodes`.",
)
ERROR_TYPE = attribute(
    "error.type", "string", "failed spans", "The class of the exception, with its module."
)

# --- memory (stages and passes) -----------------------------------------------
MEMORY_RSS = attribute(
    "torch.onnx.memory.rss",
    "int, By",
    "stages, passes",
    "Resident memory of the process at the end of the span.",
)
MEMORY_GROWTH = attribute(
    "torch.onnx.memory.growth",
    "int, By",
    "stages, passes",
    "Resident memory at the end of the span less resident memory at the start; negative when memory was given back.",
)
MEMORY_PEAK = attribute(
    "torch.onnx.memory.peak",
    "int, By",
    "stages, passes",
    "The highest resident memory of the process up to the end of the span.",
)
MEMORY_PEAK_GROWTH = attribute(
    "torch.onnx.memory.peak_growth",
    "int, By",
    "stages, passes",
    "Increase of the process's highest resident memory during the span, even if the memory was released later; absent for zero. Memory below an earlier "
    "peak does not show here.",
)

# --- CPU time (stages and passes) ----------------------------------------
CPU = attribute(
    "torch.onnx.cpu.duration",
    "double, s",
    "stages, passes",
    "Processor time of the exporting thread during the span, spans inside included. Less than the span's duration where the thread waited: for a file, or because "
    "the machine had other work.",
)
GC_TIME = attribute(
    "torch.onnx.gc.duration",
    "double, s",
    "stages, passes in which Python collected garbage",
    "Processor time that Python's garbage collector took during the span. Python collects where allocations reach a threshold, so the time says little about the "
    "step.",
)

# --- the size of a graph ------------------------------------------------------
NODES = attribute(
    "torch.onnx.graph.node.count",
    "int, {node}",
    "stages and passes that hold a graph",
    "Nodes of the graph at the end of the span, those inside If and Loop blocks included.",
)
NODES_CHANGE = attribute(
    "torch.onnx.graph.node.change",
    "int, {node}",
    "stages and passes that hold a graph",
    "Nodes of the graph at the end of the span less nodes when the graph was last counted before.",
)
INPUTS = attribute(
    "torch.onnx.graph.input.count",
    "int",
    "stages and passes that hold a graph",
    "Inputs of the graph, parameters included.",
)
OUTPUTS = attribute(
    "torch.onnx.graph.output.count",
    "int",
    "stages and passes that hold a graph",
    "Outputs of the graph.",
)
PARAMETERS = attribute(
    "torch.onnx.graph.parameter.count",
    "int",
    "spans that return or take the parameters",
    "Tensors in the exporter's dictionary of parameters, which become initializers of the file.",
)
PARAMETER_BYTES = attribute(
    "torch.onnx.graph.parameter.size",
    "int, By",
    "spans that return or take the parameters",
    "Bytes of the tensors in the exporter's dictionary of parameters.",
)
CONSTANT_BYTES = attribute(
    "torch.onnx.graph.constant.size",
    "int, By",
    "`_create_jit_graph`, `_model_to_graph`",
    "Bytes of the tensors that stand inside the graph as constants.",
)

# --- the root -----------------------------------------------------------------
EXPORTER = attribute(
    "torch.onnx.exporter", "string", "root", "Which exporter ran: `torchscript` or `dynamo`."
)
VERSION_TORCH = attribute("torch.onnx.version.torch", "string", "root", "Version of torch.")
VERSION_ONNX = attribute("torch.onnx.version.onnx", "string", "root", "Version of onnx.")
VERSION_ONNXSCRIPT = attribute(
    "torch.onnx.version.onnxscript", "string", "root", "Version of onnxscript, when installed."
)
VERSION_ONNXSPAN = attribute(
    "torch.onnx.version.onnxspan", "string", "root", "Version of onnxspan."
)
OPSET = attribute(
    "torch.onnx.opset_version", "int", "root", "The opset asked for, or the exporter's default."
)
OPERATOR_EXPORT_TYPE = attribute(
    "torch.onnx.operator_export_type",
    "string",
    "root (torchscript)",
    "`ONNX`, `ONNX_ATEN`, `ONNX_ATEN_FALLBACK` or `ONNX_FALLTHROUGH`: what becomes of an operator "
    "without a symbolic function.",
)
TRAINING = attribute(
    "torch.onnx.training",
    "string",
    "root (torchscript)",
    "The training mode asked for: `EVAL`, `PRESERVE` or `TRAINING`.",
)
DYNAMIC_AXES = attribute(
    "torch.onnx.dynamic_axes",
    "string[]",
    "root",
    "The axes asked to be dynamic, as `input:axis=name`.",
)
MODEL_CLASS = attribute("torch.onnx.model.class", "string", "root", "The model's class.")
MODEL_PARAMETERS = attribute(
    "torch.onnx.model.parameter.count",
    "int",
    "root",
    "Scalars in the model's parameters, shared ones counted once, and in the weights that torch's quantized modules pack. Absent where packed weights "
    "cannot be unpacked.",
)
MODEL_BYTES = attribute(
    "torch.onnx.model.parameter.size",
    "int, By",
    "root",
    "Bytes of the model's parameters, shared ones counted once.",
)
MODEL_BUFFERS = attribute(
    "torch.onnx.model.buffer.count",
    "int",
    "root, only where the buffers are larger than the parameters",
    "Scalars in the model's buffers: quantized weights may be buffers.",
)
MODEL_BUFFER_BYTES = attribute(
    "torch.onnx.model.buffer.size",
    "int, By",
    "root, only where the buffers are larger than the parameters",
    "Bytes of the model's buffers.",
)
MODEL_INPUTS = attribute(
    "torch.onnx.model.input.count", "int", "root", "Tensors among the example inputs."
)
MODEL_INPUT_SHAPES = attribute(
    "torch.onnx.model.input.shapes",
    "string[]",
    "root",
    "Type and shape of each tensor among the example inputs, as `float32[1, 3, 224, 224]`; never a value.",
)
RESULT_FILE = attribute(
    "torch.onnx.result.file.name",
    "string",
    "root, `_export_file`",
    "The written file's name, without its folder.",
)
RESULT_BYTES = attribute(
    "torch.onnx.result.size",
    "int, By",
    "root, `_export_onnx`, `_export_file`",
    "Bytes of the model's file as written; external data is in `torch.onnx.result.external_data.size`.",
)
RESULT_NODES = attribute(
    "torch.onnx.result.node.count", "int, {node}", "root", "Nodes of the exported model."
)
RESULT_INPUTS = attribute(
    "torch.onnx.result.inputs",
    "string[]",
    "root",
    "Names of the exported model's inputs, the first 64.",
)
INPUTS_MISSING = attribute(
    "torch.onnx.inputs.missing",
    "string[]",
    "root, when an input that was given or named is no input of the exported model",
    "Names of the inputs that were given or named and that the exported model does not have, in the order given; in words where no name is known. The usual "
    "reason is that nothing in the graph uses the input, or that its value became a constant.",
)
RESULT_INITIALIZERS = attribute(
    "torch.onnx.result.initializer.count", "int", "root", "Initializers of the exported model."
)
RESULT_CONSTANT_BYTES = attribute(
    "torch.onnx.result.constants.size",
    "int, By",
    "root",
    "Bytes of the exported model's initializers, and of its Constant nodes of 4 KiB or more.",
)
RESULT_CONSTANTS = attribute(
    "torch.onnx.result.constants.largest",
    "string[]",
    "root, only when there are any",
    "The largest initializers and Constant nodes without the name of a parameter or buffer of the model, and, where known, what each was made from, as `onnx::MatMul_831 "
    "float32[256, 2000], embed.weight transposed`.",
)
RESULT_CONSTANTS_BYTES = attribute(
    "torch.onnx.result.constants.sizes",
    "int[], By",
    "root, with `torch.onnx.result.constants.largest`",
    "Bytes of each constant in `torch.onnx.result.constants.largest`, in the same order.",
)
RESULT_OPERATORS = attribute(
    "torch.onnx.result.operators",
    "string[]",
    "root",
    "The exported model's operators and how many nodes of each, most frequent first, as `onnx::MatMul=96`.",
)
TRACING_DURATION = attribute(
    "torch.onnx.tracing.duration",
    "double, s",
    "root",
    "Time that the export spent in onnxspan's own code.",
)
TRACING_SPANS = attribute(
    "torch.onnx.tracing.span.count",
    "int, {span}",
    "root",
    "Spans begun in the export, the root included.",
)
TRACING_ERRORS = attribute(
    "torch.onnx.tracing.error.count",
    "int",
    "root, only when not zero",
    "Errors inside onnxspan that were kept away from the export.",
)
TRACING_ERROR = attribute(
    "torch.onnx.tracing.error.message",
    "string",
    "root, with `torch.onnx.tracing.error.count`",
    "The first error inside onnxspan that was kept away from the export.",
)

# --- nodes -------------------------------------------------------------------
NODE_OPERATOR = attribute(
    "torch.onnx.node.operator",
    "string",
    "node spans; failed nodes at every level",
    "The operator that was converted, as `aten::linear`.",
)
NODE_SCOPE = attribute(
    "torch.onnx.node.scope",
    "string",
    "node spans; failed nodes at every level",
    "Path of the module that the node belongs to, as torch's `scopeName` gives it.",
)
NODE_FUNCTION = attribute(
    "torch.onnx.node.function",
    "string",
    "node spans; failed nodes at every level",
    "The symbolic function or translation that converts the operator.",
)
NODE_PRODUCED = attribute(
    "torch.onnx.node.produced.count",
    "int, {node}",
    "node spans",
    "ONNX nodes that the conversion of the operator produced.",
)

# --- the script of `onnxspan run` ---------------------------------------------------
SCRIPT = attribute(
    "torch.onnx.script.name",
    "string",
    "the span `onnxspan run`",
    "The script or module that was run, as it was typed.",
)
SCRIPT_IMPORT = attribute(
    "torch.onnx.script.import",
    "string",
    "spans `import NAME` of a script",
    "The module that the script imported; the imports made meanwhile are part of the span.",
)
SCRIPT_CPU = attribute(
    "torch.onnx.script.cpu.duration",
    "double, s",
    "the span `onnxspan run`",
    "Processor time of the whole process while the script ran, all threads together.",
)

# --- the steps of a pack -------------------------------------------------------------
_PACK = "spans of packs, where a model goes in or comes out"
PACK_BYTES = attribute(
    "torch.onnx.pack.model.size",
    "int, By",
    _PACK,
    "Bytes of the model that the step returned, wrote or changed, external data included.",
)
PACK_BYTES_CHANGE = attribute(
    "torch.onnx.pack.model.size_change",
    "int, By",
    _PACK,
    "Bytes of the model after the step less bytes of the model before the step.",
)
PACK_OPERATORS = attribute(
    "torch.onnx.pack.operators.change",
    "string[]",
    _PACK,
    "Operators that the model gained and lost in the step, as `Constant=-12`, largest change first.",
)
PACK_PROVIDERS = attribute(
    "torch.onnx.pack.session.providers",
    "string[]",
    "`onnxruntime.InferenceSession`",
    "Execution providers of the session, in the order in which onnxruntime asks them.",
)
PACK_OPTIMIZED = attribute(
    "torch.onnx.pack.session.optimized",
    "string",
    "`onnxruntime.InferenceSession`",
    "How the nodes after onnxruntime's own optimisation are known: `optimized_model_filepath`, or `second session` for one that onnxspan made at level "
    "`nodes`; `torch.onnx.graph.node.count` then counts the optimised graph. Else `unknown` with the reason: the nodes are those of the given model.",
)
