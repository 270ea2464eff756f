"""Every span, attribute and event name of onnxspan, once.

Both halves of the house share this vocabulary and nothing else. Names follow
OpenTelemetry's conventions: lower case, dotted, `torch.onnx.` for what is ours,
an attribute never also a namespace. Durations are in seconds (`s`), sizes in
bytes (`By`). `docs/reference/attributes.md` is generated from `ATTRIBUTES`.
"""

from __future__ import annotations

import dataclasses
import enum

SCOPE = "onnxspan"
"""Name of the instrumentation scope of every span."""


class Level(enum.IntEnum):
    """How deep an export is recorded; each level holds all of the one before."""

    STAGES = 1
    """The exporter's named steps: about 15 spans."""
    PASSES = 2
    """And every graph pass; per-operator work is summed. About 60 to 150 spans."""
    NODES = 3
    """And one span for every converted node."""

    @classmethod
    def parse(cls, value: str | Level) -> Level:
        """Turn `"stages"`, `"passes"` or `"nodes"` into a level.

        Raises:
            ValueError: for any other word; the message names the three.
        """
        if isinstance(value, Level):
            return value
        try:
            return cls[value.upper()]
        except (KeyError, AttributeError):
            names = ", ".join(repr(level.name.lower()) for level in cls)
            raise ValueError(f"unknown level {value!r}: use one of {names}") from None


# Span names are torch's own names for its functions; these two are looked for by name.
EXPORT = "torch.onnx.export"
TORCHSCRIPT_EXPORT = "_export"


def export_name(model_class: str | None, exporter: str) -> str:
    """The root span's name: `torch.onnx.export ResNet (dynamo)`.

    A backend's list of traces shows the root's name and nothing else of it. Classes are few,
    so it stays a name that can be grouped by.
    """
    model = f" {model_class.rpartition('.')[2]}" if model_class else ""
    return f"{EXPORT}{model} ({exporter})"


def torch_name(name: str) -> str:
    """A span's name as torch's source has it: a root's without model and exporter."""
    return EXPORT if name.startswith(f"{EXPORT} ") else name


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One documented attribute: its key, what type it has, and what it means."""

    key: str
    type: str
    on: str
    meaning: str


ATTRIBUTES: list[Attribute] = []
"""Every attribute that onnxspan sets, in the order of the reference page."""


def _attribute(key: str, type_: str, on: str, meaning: str) -> str:
    ATTRIBUTES.append(Attribute(key, type_, on, meaning))
    return key


# --- every span ---------------------------------------------------------------
FUNCTION = _attribute(
    "code.function.name",
    "string",
    "every span",
    "The wrapped function's full dotted place, as it is found in the installed torch.",
)
FILE = _attribute(
    "code.file.path",
    "string",
    "spans of Python functions; node spans",
    "The source file: of torch (relative to its package's parent folder) for a stage, of your model "
    "for a node.",
)
LINE = _attribute(
    "code.line.number", "int", "with `code.file.path`", "The line in that file, counted from 1."
)
LEVEL = _attribute(
    "torch.onnx.level", "string", "every span", "`stages`, `passes` or `nodes`: the span's level."
)
ERROR_TYPE = _attribute(
    "error.type", "string", "failed spans", "The exception's class, with its module."
)

# --- memory (stages and passes) -----------------------------------------------
MEMORY_RSS = _attribute(
    "torch.onnx.memory.rss",
    "int, By",
    "stages, passes",
    "Resident memory of the process at the end.",
)
MEMORY_GROWTH = _attribute(
    "torch.onnx.memory.growth",
    "int, By",
    "stages, passes",
    "Resident memory at the end less that at the beginning; negative when memory was given back.",
)
MEMORY_PEAK = _attribute(
    "torch.onnx.memory.peak",
    "int, By",
    "stages, passes",
    "The highest resident memory the process has had so far, at the end of the span.",
)

# --- the size of a graph ------------------------------------------------------
NODES = _attribute(
    "torch.onnx.graph.node.count",
    "int, {node}",
    "stages and passes that hold a graph",
    "Nodes of the graph at the end of the span, those inside If and Loop blocks included.",
)
NODES_CHANGE = _attribute(
    "torch.onnx.graph.node.change",
    "int, {node}",
    "stages and passes that hold a graph",
    "Nodes at the end less nodes at the last count before.",
)
INPUTS = _attribute(
    "torch.onnx.graph.input.count", "int", "as above", "Inputs of the graph, parameters included."
)
OUTPUTS = _attribute("torch.onnx.graph.output.count", "int", "as above", "Outputs of the graph.")
PARAMETERS = _attribute(
    "torch.onnx.graph.parameter.count",
    "int",
    "spans that return or take the parameters",
    "Tensors in the dictionary of parameters (initializers of the file).",
)
PARAMETER_BYTES = _attribute(
    "torch.onnx.graph.parameter.size",
    "int, By",
    "as above",
    "Bytes of those tensors.",
)
CONSTANT_BYTES = _attribute(
    "torch.onnx.graph.constant.size",
    "int, By",
    "`_create_jit_graph`, `_model_to_graph`",
    "Bytes of the tensors that stand inside the graph as constants.",
)

# --- the root -----------------------------------------------------------------
EXPORTER = _attribute(
    "torch.onnx.exporter", "string", "root", "Which exporter ran: `torchscript` or `dynamo`."
)
VERSION_TORCH = _attribute("torch.onnx.version.torch", "string", "root", "Version of torch.")
VERSION_ONNX = _attribute("torch.onnx.version.onnx", "string", "root", "Version of onnx.")
VERSION_ONNXSCRIPT = _attribute(
    "torch.onnx.version.onnxscript", "string", "root", "Version of onnxscript, when installed."
)
VERSION_ONNXSPAN = _attribute(
    "torch.onnx.version.onnxspan", "string", "root", "Version of onnxspan."
)
OPSET = _attribute(
    "torch.onnx.opset_version", "int", "root", "The opset asked for, or the exporter's default."
)
OPERATOR_EXPORT_TYPE = _attribute(
    "torch.onnx.operator_export_type",
    "string",
    "root (torchscript)",
    "`ONNX`, `ONNX_ATEN`, `ONNX_ATEN_FALLBACK` or `ONNX_FALLTHROUGH`: what becomes of an operator "
    "without a symbolic function.",
)
TRAINING = _attribute(
    "torch.onnx.training", "string", "root (torchscript)", "`EVAL`, `PRESERVE` or `TRAINING`."
)
DYNAMIC_AXES = _attribute(
    "torch.onnx.dynamic_axes",
    "string[]",
    "root",
    "The axes asked to be dynamic, as `input:axis=name`.",
)
MODEL_CLASS = _attribute("torch.onnx.model.class", "string", "root", "The model's class.")
MODEL_PARAMETERS = _attribute(
    "torch.onnx.model.parameter.count",
    "int",
    "root",
    "Scalars in the model's parameters, shared ones counted once.",
)
MODEL_BYTES = _attribute("torch.onnx.model.parameter.size", "int, By", "root", "Bytes of those.")
MODEL_INPUTS = _attribute(
    "torch.onnx.model.input.count", "int", "root", "Tensors among the example inputs."
)
MODEL_INPUT_SHAPES = _attribute(
    "torch.onnx.model.input.shapes",
    "string[]",
    "root",
    "Type and shape of each, as `float32[1, 3, 224, 224]`; never a value.",
)
RESULT_FILE = _attribute(
    "torch.onnx.result.file.name",
    "string",
    "root, `_export_file`",
    "The written file's name, without its folder.",
)
RESULT_BYTES = _attribute(
    "torch.onnx.result.size",
    "int, By",
    "root, `_export_onnx`, `_export_file`",
    "Bytes of the model as written.",
)
RESULT_NODES = _attribute(
    "torch.onnx.result.node.count", "int, {node}", "root", "Nodes of the exported model."
)
RESULT_INITIALIZERS = _attribute(
    "torch.onnx.result.initializer.count", "int", "root", "Initializers of the exported model."
)
RESULT_OPERATORS = _attribute(
    "torch.onnx.result.operators",
    "string[]",
    "root",
    "The exported model's operators, most frequent first, as `onnx::MatMul=96`.",
)
TRACING_DURATION = _attribute(
    "torch.onnx.tracing.duration",
    "double, s",
    "root",
    "Time that this export spent in onnxspan's own code.",
)
TRACING_SPANS = _attribute(
    "torch.onnx.tracing.span.count",
    "int, {span}",
    "root",
    "Spans that were begun, the root included.",
)
TRACING_ERRORS = _attribute(
    "torch.onnx.tracing.error.count",
    "int",
    "root, only when not zero",
    "Errors inside onnxspan that were kept away from the export.",
)
TRACING_ERROR = _attribute(
    "torch.onnx.tracing.error.message", "string", "with the count", "The first of them."
)

# --- _decide_input_format -----------------------------------------------------
FORMAT_POSITIONAL = _attribute(
    "torch.onnx.input_format.positional.count",
    "int",
    "`_decide_input_format`",
    "Positional arguments that were given.",
)
FORMAT_KEYWORDS = _attribute(
    "torch.onnx.input_format.keywords",
    "string[]",
    "`_decide_input_format`",
    "Names in the trailing dictionary of keyword arguments.",
)
FORMAT_PLACED = _attribute(
    "torch.onnx.input_format.placed",
    "string[]",
    "`_decide_input_format`",
    "Those of them that became positional arguments, in the order of `forward`.",
)
FORMAT_DROPPED = _attribute(
    "torch.onnx.input_format.dropped",
    "string[]",
    "`_decide_input_format`",
    "Those that `forward` does not know, and that are silently left out.",
)
FORMAT_DEFAULTS = _attribute(
    "torch.onnx.input_format.defaults",
    "string[]",
    "`_decide_input_format`",
    "Arguments of `forward` that were filled with their defaults.",
)
FORMAT_RESULT = _attribute(
    "torch.onnx.input_format.result.count",
    "int",
    "`_decide_input_format`",
    "Positional arguments that come out.",
)

# --- _create_jit_graph --------------------------------------------------------
JIT_BRANCH = _attribute(
    "torch.onnx.jit_graph.branch",
    "string",
    "`_create_jit_graph`",
    "The branch taken: `traced module`, `ScriptModule` or `ScriptFunction`.",
)
JIT_PARAMETERS = _attribute(
    "torch.onnx.jit_graph.parameter.count",
    "int",
    "`_create_jit_graph`",
    "Parameters that came out.",
)
JIT_FLAT_INPUTS = _attribute(
    "torch.onnx.jit_graph.flat_input.count",
    "int",
    "`_create_jit_graph`",
    "Tensors in the flattened arguments.",
)
JIT_GRAPH_INPUTS = _attribute(
    "torch.onnx.jit_graph.graph_input.count",
    "int",
    "`_create_jit_graph`",
    "Inputs of the graph; parameters plus flattened inputs should give this number.",
)
JIT_INVARIANT = _attribute(
    "torch.onnx.jit_graph.invariant_holds",
    "boolean",
    "`_create_jit_graph`",
    "Whether parameters + flattened inputs = graph inputs, as torch itself once asserted.",
)
JIT_TORCH_OUT = _attribute(
    "torch.onnx.jit_graph.has_torch_out",
    "boolean",
    "`_create_jit_graph`",
    "Whether the model was run and its output kept (a traced module) or not (a scripted one).",
)
JIT_MODULE = _attribute(
    "torch.onnx.jit_graph.module",
    "string",
    "`_create_jit_graph`",
    "Type of the module that came out.",
)


# --- per-operator work --------------------------------------------------------
def _operator_sums(group: str, meaning: str) -> tuple[str, str, str, str]:
    prefix = f"torch.onnx.{group}."
    where = "the span that contains the work"
    return (
        _attribute(
            prefix + "operators",
            "string[]",
            where,
            f"{meaning}: the operators, in the order first met.",
        ),
        _attribute(prefix + "calls", "int[]", where, "Calls of each of those operators."),
        _attribute(
            prefix + "durations", "double[], s", where, "Their total time, nested work included."
        ),
        _attribute(prefix + "longest", "double[], s", where, "Their longest single call."),
    )


SYMBOLIC = _operator_sums("symbolic", "Symbolic functions run by `_jit_pass_onnx`")
NODE_INFERENCE = _operator_sums("node_shape_inference", "Shape inference of single nodes")
BLOCKS = _operator_sums("control_flow", "Sub-blocks and fix-ups of If and Loop nodes")

NODE_OPERATOR = _attribute(
    "torch.onnx.node.operator",
    "string",
    "node spans; failed nodes at every level",
    "The operator, as `aten::linear`.",
)
NODE_SCOPE = _attribute(
    "torch.onnx.node.scope",
    "string",
    "as above",
    "The module path, as torch's `scopeName` gives it.",
)
NODE_FUNCTION = _attribute(
    "torch.onnx.node.function", "string", "as above", "The symbolic function that converts it."
)
NODE_PRODUCED = _attribute(
    "torch.onnx.node.produced.count", "int, {node}", "node spans", "ONNX nodes that came out."
)

# --- snapshots: the graph's text, in files beside the trace ---------------------
SNAPSHOT_FOLDER = ".snapshots"
"""The suffix of the folder beside a trace, in place of the trace's own."""
_WITH_SNAPSHOTS = "spans of passes, with `snapshots`"
SNAPSHOT_CHANGED = _attribute(
    "torch.onnx.snapshot.changed",
    "boolean",
    _WITH_SNAPSHOTS,
    "Whether the graph's text after the pass differs from that before it.",
)
SNAPSHOT_BEFORE = _attribute(
    "torch.onnx.snapshot.before.file.name",
    "string",
    _WITH_SNAPSHOTS,
    "The file with the graph's text before the pass, in the folder `NAME.snapshots` beside "
    "the trace `NAME.jsonl`.",
)
SNAPSHOT_BEFORE_HASH = _attribute(
    "torch.onnx.snapshot.before.sha256", "string", _WITH_SNAPSHOTS, "Its SHA-256, hexadecimal."
)
SNAPSHOT_AFTER = _attribute(
    "torch.onnx.snapshot.after.file.name",
    "string",
    _WITH_SNAPSHOTS,
    "The file with the graph's text after the pass; none when the pass failed.",
)
SNAPSHOT_AFTER_HASH = _attribute(
    "torch.onnx.snapshot.after.sha256", "string", _WITH_SNAPSHOTS, "Its SHA-256, hexadecimal."
)
SNAPSHOT_OMISSION = _attribute(
    "torch.onnx.snapshot.omission.reason",
    "string",
    _WITH_SNAPSHOTS,
    "Why a text was not kept: the limit that it would have gone over.",
)
SNAPSHOT_OMISSIONS = _attribute(
    "torch.onnx.snapshot.omission.count",
    "int",
    "root, only when not zero",
    "Passes whose texts were not kept because of a limit.",
)

# --- events -------------------------------------------------------------------
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"

# --- failures: further attributes of the exception event ------------------------
EXCEPTION_CHAIN = "torch.onnx.exception.chain"
"""`Type: message` of the exception, then of its causes, each in short."""
SOURCE_FILE = "torch.onnx.exception.source.file"
"""The innermost frame that is neither torch's nor an installed package's: file, line, text."""
SOURCE_LINE = "torch.onnx.exception.source.line"
SOURCE_TEXT = "torch.onnx.exception.source.text"
EXPORT_FILE = "torch.onnx.exception.export.file"
"""Where the user's code called the export: file, line, text."""
EXPORT_LINE = "torch.onnx.exception.export.line"
EXPORT_TEXT = "torch.onnx.exception.export.text"
MODULE_PATH = "torch.onnx.exception.module.path"
"""The path of the innermost module whose `forward` was running, and its class."""
MODULE_CLASS_RUNNING = "torch.onnx.exception.module.class"

# --- warnings, log records and the C++ passes' own log --------------------------
WARNING_EVENT = "torch.onnx.warning"
LOG_EVENT = "torch.onnx.log"
NATIVE_LOG_EVENT = "torch.onnx.native_log"
LOG_LEVEL = "torch.onnx.log.level"
"""`WARNING` and the like; of a native log line `UPDATE`, `DEBUG` or `DUMP`."""
LOG_MESSAGE = "torch.onnx.log.message"
LOG_LOGGER = "torch.onnx.log.logger"
WARNING_CATEGORY = "torch.onnx.warning.category"

EVENTS_DROPPED = _attribute(
    "torch.onnx.event.dropped.count",
    "int, {event}",
    "stages, passes, only when not zero",
    "Warnings, log records and native log lines beyond the most that one span keeps.",
)
NATIVE_LINES = _attribute(
    "torch.onnx.native_log.line.count",
    "int, {line}",
    "passes, with the native log on",
    "Lines that the C++ pass wrote to its own log, those that were dropped included.",
)

FLIGHT_FORMAT = "onnxspan.flight"
"""First key of the first line of a flight log."""
# --- the dynamo exporter ------------------------------------------------------
IMPORT = "import torch.onnx._internal.exporter"
"""Name of the span of the modules that the first export of a process imports."""

IMPORT_MODULES = _attribute(
    "torch.onnx.import.module.count", "int", "the import's span", "Modules that were imported."
)
TRACING_OMITTED = _attribute(
    "torch.onnx.tracing.omitted",
    "string[]",
    "root, only when there are any",
    "Calls that got no span because their function has had its share, as `_translate_fx_graph=160`; "
    "the level `nodes` has them all.",
)

GRAPH_KIND = _attribute(
    "torch.onnx.graph.kind",
    "string",
    "dynamo's stages and passes that hold a graph",
    "`fx` (of aten operators) or `onnx` (of ONNX operators): what the counts count.",
)
FUNCTIONS = _attribute(
    "torch.onnx.graph.function.count", "int", "spans of an ONNX model", "Functions of the model."
)
BUFFERS = _attribute(
    "torch.onnx.graph.buffer.count",
    "int",
    "spans of an ExportedProgram",
    "Buffers of the program.",
)
BUFFER_BYTES = _attribute("torch.onnx.graph.buffer.size", "int, By", "as above", "Bytes of those.")
CONSTANTS = _attribute(
    "torch.onnx.graph.constant.count",
    "int",
    "as above",
    "Constant tensors of the program; `torch.onnx.graph.constant.size` has their bytes.",
)
DYNAMIC_INPUTS = _attribute(
    "torch.onnx.graph.dynamic.input.count",
    "int",
    "stages that hold a whole graph",
    "Symbolic dimensions of the graph's inputs (parameters left out). Where it falls, a dynamic "
    "shape was lost.",
)
DYNAMIC_OUTPUTS = _attribute(
    "torch.onnx.graph.dynamic.output.count", "int", "as above", "Likewise of its outputs."
)
DYNAMIC_SYMBOLS = _attribute(
    "torch.onnx.graph.dynamic.symbols",
    "string[]",
    "as above",
    "The different symbols among both, in the order first met.",
)

DYNAMIC_SHAPES = _attribute(
    "torch.onnx.dynamic_shapes",
    "string[]",
    "root (dynamo)",
    "The dimensions asked to be dynamic, as `x:0=batch` or `x:0` for one without a name.",
)
OPTIONS = _attribute(
    "torch.onnx.options",
    "string[]",
    "root (dynamo)",
    "Options that differ from their default, as `verify=True`.",
)
CUSTOM_TRANSLATIONS = _attribute(
    "torch.onnx.custom_translations",
    "string[]",
    "root (dynamo)",
    "Operators in `custom_translation_table`.",
)
CAPTURED_OPERATORS = _attribute(
    "torch.onnx.captured.operators",
    "string[]",
    "root (dynamo)",
    "Operators of the captured program, most frequent first, as `aten.linear.default=12`.",
)
DECOMPOSED_OPERATORS = _attribute(
    "torch.onnx.decomposed.operators",
    "string[]",
    "root (dynamo)",
    "Likewise after the decompositions.",
)
TRANSLATED_OPERATORS = _attribute(
    "torch.onnx.translated.operators",
    "string[]",
    "root (dynamo)",
    "ONNX operators before version conversion and optimization; `torch.onnx.result.operators` "
    "has those after.",
)
RESULT_OPSET = _attribute(
    "torch.onnx.result.opset_version",
    "int",
    "root (dynamo)",
    "The opset of the result; another than asked for when its conversion did not succeed.",
)
RESULT_EXTERNAL_BYTES = _attribute(
    "torch.onnx.result.external_data.size",
    "int, By",
    "root, `ONNXProgram.save`",
    "Bytes of the file beside the model that holds the weights.",
)

CAPTURE_STRATEGY = _attribute(
    "torch.onnx.capture.strategy",
    "string",
    "root, `_core.export`",
    "The strategy whose program was taken; `ExportedProgram` when one was given.",
)
CAPTURE_FAILURES = _attribute(
    "torch.onnx.capture.failures",
    "string[]",
    "root, `_core.export`",
    "The strategies that failed, in order, each with the first line of its reason.",
)
CAPTURE_WARNING = _attribute(
    "torch.onnx.capture.warning",
    "string",
    "a strategy that succeeded with reservations",
    "What it reports of them.",
)
REGISTRY_OPERATORS = _attribute(
    "torch.onnx.registry.operator.count",
    "int",
    "`ONNXRegistry.from_torchlib`",
    "Operators that have a translation.",
)
DECOMPOSITIONS = _attribute(
    "torch.onnx.decomposition.count",
    "int",
    "`create_onnx_friendly_decomposition_table`",
    "Operators that have a decomposition and no translation of their own.",
)
PASS_MODIFIED = _attribute(
    "torch.onnx.pass.modified",
    "boolean",
    "passes of onnx_ir",
    "Whether the pass says it changed the model.",
)
PASS_CHANGES = _attribute(
    "torch.onnx.pass.change.count",
    "int",
    "`RewritePass`, `RewriteRuleSet.apply_to_model`, `fuse`",
    "How often a rule was applied.",
)
PASS_RULES = _attribute(
    "torch.onnx.pass.rules",
    "string[]",
    "`fuse`",
    "The fusions that were applied, as `RMSNormFusion=4`.",
)
VERSION_FROM = _attribute(
    "torch.onnx.convert_version.source", "int", "`convert_version`", "The opset before."
)
VERSION_ASKED = _attribute(
    "torch.onnx.convert_version.target", "int", "`convert_version`", "The opset asked for."
)
VERSION_RESULT = _attribute(
    "torch.onnx.convert_version.result", "int", "`convert_version`", "The opset after."
)
VERIFY_OUTPUTS = _attribute(
    "torch.onnx.verify.outputs",
    "string[]",
    "`verify_onnx_program`, root",
    "The outputs that were compared.",
)
VERIFY_ABSOLUTE = _attribute(
    "torch.onnx.verify.max_absolute",
    "double[]",
    "as above",
    "The largest absolute difference of each, between torch and ONNX Runtime.",
)
VERIFY_RELATIVE = _attribute(
    "torch.onnx.verify.max_relative",
    "double[]",
    "as above",
    "The largest relative difference of each.",
)
REPORT_FILE = _attribute(
    "torch.onnx.report.file.name",
    "string",
    "the reports' spans",
    "The report's name, without its folder.",
)
REPORT_BYTES = _attribute(
    "torch.onnx.report.size", "int, By", "the reports' spans", "Bytes of the report as written."
)

TRANSLATION = _operator_sums("translation", "Nodes of the fx graph translated to ONNX")
DISPATCH = _operator_sums("dispatch", "Choices of an ONNX function for a node")
RECORDED = _operator_sums("op_recorder", "ONNX operators recorded by `OpRecorder.eval`")

NODE_DISPATCH = _attribute(
    "torch.onnx.node.dispatch",
    "string",
    "node spans (dynamo); failed ones at every level",
    "What dispatch says of its choice, or of its refusal.",
)
NODE_REFUSED = _attribute(
    "torch.onnx.node.refused",
    "string[]",
    "as above, when there are any",
    "The operator's other translations, and why each was not taken.",
)


# --- metrics --------------------------------------------------------------------
@dataclasses.dataclass(frozen=True)
class Metric:
    """One documented metric: its name, instrument, unit, attributes and meaning."""

    name: str
    instrument: str
    unit: str
    attributes: tuple[str, ...]
    meaning: str


STAGE_NAME = "torch.onnx.stage.name"
PASS_NAME = "torch.onnx.pass.name"  # noqa: S105  # a graph pass

EXPORTS = Metric(
    "torch.onnx.exports",
    "counter",
    "{export}",
    (EXPORTER, ERROR_TYPE),
    "Exports that have ended; `error.type` only on those that failed.",
)
FAILURES = Metric(
    "torch.onnx.failures",
    "counter",
    "{failure}",
    (EXPORTER, STAGE_NAME, ERROR_TYPE),
    "Stages and passes that raised: each exception once, where it was met first. Those that "
    "torch handles itself are among them.",
)
EXPORT_DURATION = Metric(
    "torch.onnx.export.duration", "histogram", "s", (EXPORTER, ERROR_TYPE), "Time of an export."
)
STAGE_DURATION = Metric(
    "torch.onnx.stage.duration",
    "histogram",
    "s",
    (EXPORTER, STAGE_NAME, ERROR_TYPE),
    "Time of a stage, what it contains included.",
)
PASS_DURATION = Metric(
    "torch.onnx.pass.duration",
    "histogram",
    "s",
    (EXPORTER, PASS_NAME, ERROR_TYPE),
    "Time of a graph pass.",
)
EXPORT_NODES = Metric(
    "torch.onnx.export.nodes", "histogram", "{node}", (EXPORTER,), "Nodes of an exported model."
)
EXPORT_SIZE = Metric(
    "torch.onnx.export.size", "histogram", "By", (EXPORTER,), "Bytes of an exported model."
)
METRICS = (
    EXPORTS,
    FAILURES,
    EXPORT_DURATION,
    STAGE_DURATION,
    PASS_DURATION,
    EXPORT_NODES,
    EXPORT_SIZE,
)
"""Every metric, in the order of the reference page."""
