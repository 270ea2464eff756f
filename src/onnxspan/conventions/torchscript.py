"""Attributes of the TorchScript exporter's stages and passes."""

from __future__ import annotations

from onnxspan.conventions.registry import attribute, operator_sums

# --- _decide_input_format -----------------------------------------------------
FORMAT_POSITIONAL = attribute(
    "torch.onnx.input_format.positional.count",
    "int",
    "`_decide_input_format`",
    "Positional arguments that the export was given.",
)
FORMAT_KEYWORDS = attribute(
    "torch.onnx.input_format.keywords",
    "string[]",
    "`_decide_input_format`",
    "Names in the trailing dictionary of keyword arguments that the export was given.",
)
FORMAT_PLACED = attribute(
    "torch.onnx.input_format.placed",
    "string[]",
    "`_decide_input_format`",
    "Keyword arguments that became positional arguments, in the order of `forward`.",
)
FORMAT_DROPPED = attribute(
    "torch.onnx.input_format.dropped",
    "string[]",
    "`_decide_input_format`",
    "Keyword arguments that `forward` does not have; the exporter drops them without a warning.",
)
FORMAT_DEFAULTS = attribute(
    "torch.onnx.input_format.defaults",
    "string[]",
    "`_decide_input_format`",
    "Arguments of `forward` that the exporter filled with their defaults.",
)
FORMAT_RESULT = attribute(
    "torch.onnx.input_format.result.count",
    "int",
    "`_decide_input_format`",
    "Positional arguments that `_decide_input_format` returned.",
)

# --- _create_jit_graph --------------------------------------------------------
JIT_BRANCH = attribute(
    "torch.onnx.jit_graph.branch",
    "string",
    "`_create_jit_graph`",
    "The branch of `_create_jit_graph` that ran: `traced module`, `ScriptModule` or `ScriptFunction`.",
)
JIT_PARAMETERS = attribute(
    "torch.onnx.jit_graph.parameter.count",
    "int",
    "`_create_jit_graph`",
    "Parameters that `_create_jit_graph` returned.",
)
JIT_FLAT_INPUTS = attribute(
    "torch.onnx.jit_graph.flat_input.count",
    "int",
    "`_create_jit_graph`",
    "Tensors in the flattened example inputs.",
)
JIT_GRAPH_INPUTS = attribute(
    "torch.onnx.jit_graph.graph_input.count",
    "int",
    "`_create_jit_graph`",
    "Inputs of the graph that `_create_jit_graph` returned; parameters plus flattened inputs should give this number.",
)
JIT_INVARIANT = attribute(
    "torch.onnx.jit_graph.invariant_holds",
    "boolean",
    "`_create_jit_graph`",
    "Whether the parameters plus the flattened inputs are as many as the inputs of the graph, as torch itself once asserted.",
)
JIT_TORCH_OUT = attribute(
    "torch.onnx.jit_graph.has_torch_out",
    "boolean",
    "`_create_jit_graph`",
    "Whether the model was run and the model's output kept (a traced module), or not (a scripted one).",
)
JIT_MODULE = attribute(
    "torch.onnx.jit_graph.module",
    "string",
    "`_create_jit_graph`",
    "Class of the module that `_create_jit_graph` returned, with the class's module; `None` when `_create_jit_graph` returned no module, as for a traced model.",
)


# --- per-operator work --------------------------------------------------------
SYMBOLIC = operator_sums("symbolic", "Symbolic functions run by `_jit_pass_onnx`")
NODE_INFERENCE = operator_sums("node_shape_inference", "Shape inference of single nodes")
BLOCKS = operator_sums("control_flow", "Sub-blocks and fix-ups of If and Loop nodes")

AUTOGRAD_FUNCTIONS = attribute(
    "torch.onnx.graph.autograd_functions",
    "string[]",
    "a failed pass (torchscript) whose graph calls a `torch.autograd.Function`",
    "The classes of the `torch.autograd.Function` calls in the graph at the failure, each with the "
    "path and class of its module, as `Narrow in window (Window)`; 8 at most.",
)
