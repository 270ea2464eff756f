"""Attributes of any export, and of the TorchScript exporter's stages and passes."""

from __future__ import annotations

from onnxspan.conventions.registry import attribute, operator_sums

# --- every span ---------------------------------------------------------------
FUNCTION = attribute(
    "code.function.name",
    "string",
    "every span but a node's that has a line",
    "The wrapped function's full dotted place, as it is found in the installed torch. A node's line is "
    "of your model, and that function is not.",
)
FILE = attribute(
    "code.file.path",
    "string",
    "spans of Python functions; node spans",
    "The source file: of torch (relative to its package's parent folder) for a stage, of your model "
    "for a node.",
)
LINE = attribute(
    "code.line.number", "int", "with `code.file.path`", "The line in that file, counted from 1."
)
LEVEL = attribute(
    "torch.onnx.level", "string", "every span", "`stages`, `passes` or `nodes`: the span's level."
)
ERROR_TYPE = attribute(
    "error.type", "string", "failed spans", "The exception's class, with its module."
)

# --- memory (stages and passes) -----------------------------------------------
MEMORY_RSS = attribute(
    "torch.onnx.memory.rss",
    "int, By",
    "stages, passes",
    "Resident memory of the process at the end.",
)
MEMORY_GROWTH = attribute(
    "torch.onnx.memory.growth",
    "int, By",
    "stages, passes",
    "Resident memory at the end less that at the beginning; negative when memory was given back.",
)
MEMORY_PEAK = attribute(
    "torch.onnx.memory.peak",
    "int, By",
    "stages, passes",
    "The highest resident memory the process has had so far, at the end of the span.",
)
MEMORY_PEAK_GROWTH = attribute(
    "torch.onnx.memory.peak_growth",
    "int, By",
    "stages, passes",
    "By how much the span raised that peak, also where it gave the memory back; absent for zero. "
    "Memory below an earlier peak does not show here.",
)

# --- processor time (stages and passes) ----------------------------------------
CPU = attribute(
    "torch.onnx.cpu.duration",
    "double, s",
    "stages, passes",
    "Processor time of the exporting thread in the span, with what is inside. Less than the span's "
    "duration where the thread waited: for a file, or because the machine had other work.",
)
COLLECTOR = attribute(
    "torch.onnx.gc.duration",
    "double, s",
    "stages, passes in which Python collected garbage",
    "How much of that processor time Python's garbage collector took. It runs where allocations "
    "reach its threshold, so it says little about the step.",
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
    "Nodes at the end less nodes at the last count before.",
)
INPUTS = attribute(
    "torch.onnx.graph.input.count", "int", "as above", "Inputs of the graph, parameters included."
)
OUTPUTS = attribute("torch.onnx.graph.output.count", "int", "as above", "Outputs of the graph.")
PARAMETERS = attribute(
    "torch.onnx.graph.parameter.count",
    "int",
    "spans that return or take the parameters",
    "Tensors in the dictionary of parameters (initializers of the file).",
)
PARAMETER_BYTES = attribute(
    "torch.onnx.graph.parameter.size",
    "int, By",
    "as above",
    "Bytes of those tensors.",
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
    "torch.onnx.training", "string", "root (torchscript)", "`EVAL`, `PRESERVE` or `TRAINING`."
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
    "Scalars in the model's parameters, shared ones counted once, and in what torch's quantized modules "
    "pack. None where these cannot be unpacked.",
)
MODEL_BYTES = attribute("torch.onnx.model.parameter.size", "int, By", "root", "Bytes of those.")
MODEL_INPUTS = attribute(
    "torch.onnx.model.input.count", "int", "root", "Tensors among the example inputs."
)
MODEL_INPUT_SHAPES = attribute(
    "torch.onnx.model.input.shapes",
    "string[]",
    "root",
    "Type and shape of each, as `float32[1, 3, 224, 224]`; never a value.",
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
    "Their names, in the order in which they were given; in words where no name is known. The usual "
    "reason is that nothing in the graph uses the input, or that its value became a constant.",
)
RESULT_INITIALIZERS = attribute(
    "torch.onnx.result.initializer.count", "int", "root", "Initializers of the exported model."
)
RESULT_CONSTANT_BYTES = attribute(
    "torch.onnx.result.constants.size",
    "int, By",
    "root",
    "Bytes of the exported model's initializers.",
)
RESULT_CONSTANTS = attribute(
    "torch.onnx.result.constants.largest",
    "string[]",
    "root, only when there are any",
    "The largest initializers that bear no name of a parameter or buffer of the model, and what each "
    "was made from where it is known, as `onnx::MatMul_831 float32[256, 2000], embed.weight "
    "transposed`.",
)
RESULT_CONSTANTS_BYTES = attribute(
    "torch.onnx.result.constants.sizes", "int[], By", "as above", "Bytes of each of them."
)
RESULT_OPERATORS = attribute(
    "torch.onnx.result.operators",
    "string[]",
    "root",
    "The exported model's operators, most frequent first, as `onnx::MatMul=96`.",
)
TRACING_DURATION = attribute(
    "torch.onnx.tracing.duration",
    "double, s",
    "root",
    "Time that this export spent in onnxspan's own code.",
)
TRACING_SPANS = attribute(
    "torch.onnx.tracing.span.count",
    "int, {span}",
    "root",
    "Spans that were begun, the root included.",
)
TRACING_ERRORS = attribute(
    "torch.onnx.tracing.error.count",
    "int",
    "root, only when not zero",
    "Errors inside onnxspan that were kept away from the export.",
)
TRACING_ERROR = attribute(
    "torch.onnx.tracing.error.message", "string", "with the count", "The first of them."
)

# --- _decide_input_format -----------------------------------------------------
FORMAT_POSITIONAL = attribute(
    "torch.onnx.input_format.positional.count",
    "int",
    "`_decide_input_format`",
    "Positional arguments that were given.",
)
FORMAT_KEYWORDS = attribute(
    "torch.onnx.input_format.keywords",
    "string[]",
    "`_decide_input_format`",
    "Names in the trailing dictionary of keyword arguments.",
)
FORMAT_PLACED = attribute(
    "torch.onnx.input_format.placed",
    "string[]",
    "`_decide_input_format`",
    "Those of them that became positional arguments, in the order of `forward`.",
)
FORMAT_DROPPED = attribute(
    "torch.onnx.input_format.dropped",
    "string[]",
    "`_decide_input_format`",
    "Those that `forward` does not know, and that are silently left out.",
)
FORMAT_DEFAULTS = attribute(
    "torch.onnx.input_format.defaults",
    "string[]",
    "`_decide_input_format`",
    "Arguments of `forward` that were filled with their defaults.",
)
FORMAT_RESULT = attribute(
    "torch.onnx.input_format.result.count",
    "int",
    "`_decide_input_format`",
    "Positional arguments that come out.",
)

# --- _create_jit_graph --------------------------------------------------------
JIT_BRANCH = attribute(
    "torch.onnx.jit_graph.branch",
    "string",
    "`_create_jit_graph`",
    "The branch taken: `traced module`, `ScriptModule` or `ScriptFunction`.",
)
JIT_PARAMETERS = attribute(
    "torch.onnx.jit_graph.parameter.count",
    "int",
    "`_create_jit_graph`",
    "Parameters that came out.",
)
JIT_FLAT_INPUTS = attribute(
    "torch.onnx.jit_graph.flat_input.count",
    "int",
    "`_create_jit_graph`",
    "Tensors in the flattened arguments.",
)
JIT_GRAPH_INPUTS = attribute(
    "torch.onnx.jit_graph.graph_input.count",
    "int",
    "`_create_jit_graph`",
    "Inputs of the graph; parameters plus flattened inputs should give this number.",
)
JIT_INVARIANT = attribute(
    "torch.onnx.jit_graph.invariant_holds",
    "boolean",
    "`_create_jit_graph`",
    "Whether parameters + flattened inputs = graph inputs, as torch itself once asserted.",
)
JIT_TORCH_OUT = attribute(
    "torch.onnx.jit_graph.has_torch_out",
    "boolean",
    "`_create_jit_graph`",
    "Whether the model was run and its output kept (a traced module) or not (a scripted one).",
)
JIT_MODULE = attribute(
    "torch.onnx.jit_graph.module",
    "string",
    "`_create_jit_graph`",
    "Class of the module that `_create_jit_graph` returned, with its full name; `None` when it returned no module, as for a traced model.",
)


# --- per-operator work --------------------------------------------------------
SYMBOLIC = operator_sums("symbolic", "Symbolic functions run by `_jit_pass_onnx`")
NODE_INFERENCE = operator_sums("node_shape_inference", "Shape inference of single nodes")
BLOCKS = operator_sums("control_flow", "Sub-blocks and fix-ups of If and Loop nodes")

NODE_OPERATOR = attribute(
    "torch.onnx.node.operator",
    "string",
    "node spans; failed nodes at every level",
    "The operator, as `aten::linear`.",
)
NODE_SCOPE = attribute(
    "torch.onnx.node.scope",
    "string",
    "as above",
    "The module path, as torch's `scopeName` gives it.",
)
NODE_FUNCTION = attribute(
    "torch.onnx.node.function", "string", "as above", "The symbolic function that converts it."
)
NODE_PRODUCED = attribute(
    "torch.onnx.node.produced.count", "int, {node}", "node spans", "ONNX nodes that came out."
)

AUTOGRAD_FUNCTIONS = attribute(
    "torch.onnx.graph.autograd_functions",
    "string[]",
    "a failed pass (torchscript) whose graph calls a `torch.autograd.Function`",
    "The classes of the `torch.autograd.Function` calls in the graph at the failure, each with the "
    "path and class of its module, as `Narrow in window (Window)`; 8 at most.",
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
    "The module that the script imported; imports inside the import are part of it.",
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
    "Bytes of the model after the step less those before the step.",
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
    "Where the nodes after onnxruntime's own optimisation are known from: `optimized_model_filepath`, "
    "or a `second session` that onnxspan made at level `nodes`; `torch.onnx.graph.node.count` then counts "
    "the optimised graph. Else `unknown` with the reason: the nodes are those of the given model.",
)
