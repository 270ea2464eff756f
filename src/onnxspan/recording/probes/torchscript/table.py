"""The TorchScript exporter: its stages, its graph passes, its symbolic functions.

Read beside torch/onnx/_internal/torchscript_exporter/utils.py (torch/onnx/utils.py before
torch 2.9), in the order in which an export calls them.
"""

from __future__ import annotations

from onnxspan import conventions as c
from onnxspan.conventions import Level
from onnxspan.recording.probe import PerNode, Probe
from onnxspan.recording.probes.roots import in_utils
from onnxspan.recording.probes.torchscript import counting as graphs
from onnxspan.recording.probes.torchscript import nodes, stages

_PROTO_UTILS = (
    "torch.onnx._internal.torchscript_exporter.onnx_proto_utils",
    "torch.onnx._internal.onnx_proto_utils",
)
_MAX_SPANS = 20
"""Spans of a function that a model's own code may call often."""


def _in_proto_utils(name: str) -> tuple[str, ...]:
    return tuple(f"{module}:{name}" for module in _PROTO_UTILS)


TORCHSCRIPT = (
    Probe("_setup_trace_module_map", in_utils("_setup_trace_module_map")),
    Probe(
        "_decide_input_format",
        in_utils("_decide_input_format"),
        before=stages.before_decide_input_format,
        after=stages.after_decide_input_format,
    ),
    Probe(
        "_model_to_graph",
        in_utils("_model_to_graph"),
        before=stages.before_model_to_graph,
        after=stages.after_model_to_graph,
    ),
    Probe(
        "_create_jit_graph",
        in_utils("_create_jit_graph"),
        after=stages.after_create_jit_graph,
        runs_model=True,
    ),
    Probe(
        "_trace_and_get_graph_from_model",
        in_utils("_trace_and_get_graph_from_model"),
        after=graphs.after_tracing,
    ),
    Probe("_optimize_graph", in_utils("_optimize_graph"), after=graphs.after_result),
    # A quantized model is traced before anything else; a scripted one is frozen, and run once.
    Probe("torch.jit.trace", ("torch.jit:trace",), Level.PASSES, runs_model=True, most=_MAX_SPANS),
    Probe("_freeze_module", ("torch._C:_freeze_module",), Level.PASSES, most=_MAX_SPANS),
    Probe(
        "_propagate_and_assign_input_shapes",
        ("torch._C:_propagate_and_assign_input_shapes",),
        Level.PASSES,
        after=graphs.after_result,
    ),
    Probe("_get_example_outputs", in_utils("_get_example_outputs"), Level.PASSES, runs_model=True),
    Probe(
        "_split_tensor_list_constants",
        in_utils("_split_tensor_list_constants"),
        Level.PASSES,
        before=graphs.before_pass,
        after=graphs.after_pass,
        failed=nodes.failed_pass,
        once=True,
    ),
    Probe(
        "_export_onnx",
        ("torch._C:Graph._export_onnx",),
        before=stages.before_export_onnx,
        after=stages.after_export_onnx,
    ),
    Probe("_add_onnxscript_fn", _in_proto_utils("_add_onnxscript_fn")),
    Probe("_export_file", _in_proto_utils("_export_file"), before=stages.before_export_file),
    # Per-node work. C++ looks the first one up by name for every node: up to torch 2.8 in
    # torch.onnx (an import copy), from 2.9 in the exporter's utils.
    Probe(
        "_run_symbolic_function",
        (
            "torch.onnx._internal.torchscript_exporter.utils:_run_symbolic_function",
            "torch.onnx:_run_symbolic_function",
            "torch.onnx.utils:_run_symbolic_function",
        ),
        Level.NODES,
        per_node=PerNode(c.SYMBOLIC, nodes.symbolic_operator, describe=nodes.describe_symbolic),
        after=nodes.after_symbolic,
        failed=nodes.failed_symbolic,
    ),
    Probe(
        "_run_symbolic_method",
        (
            "torch.onnx._internal.torchscript_exporter.utils:_run_symbolic_method",
            "torch.onnx:_run_symbolic_method",
            "torch.onnx.utils:_run_symbolic_method",
        ),
        Level.NODES,
        per_node=PerNode(c.SYMBOLIC, nodes.method_operator, describe=nodes.describe_method),
    ),
    Probe(
        "_jit_pass_onnx_node_shape_type_inference",
        ("torch._C:_jit_pass_onnx_node_shape_type_inference",),
        Level.NODES,
        # Twice as often as a symbolic function, and a few microseconds each: at `passes` its sums
        # alone would be a fifth of what tracing costs.
        per_node=PerNode(
            c.NODE_INFERENCE, nodes.first_argument_kind, spans=False, level=Level.NODES
        ),
    ),
    Probe(
        "_jit_pass_onnx_block",
        ("torch._C:_jit_pass_onnx_block",),
        Level.NODES,
        per_node=PerNode(c.BLOCKS, lambda _args: "_jit_pass_onnx_block"),
        calls_python=True,
    ),
    Probe(
        "_jit_pass_fixup_onnx_controlflow_node",
        ("torch._C:_jit_pass_fixup_onnx_controlflow_node",),
        Level.NODES,
        per_node=PerNode(c.BLOCKS, nodes.first_argument_kind),
    ),
    Probe(
        "_jit_pass_onnx",
        ("torch._C:_jit_pass_onnx",),
        Level.PASSES,
        before=graphs.before_pass,
        after=graphs.after_pass,
        failed=nodes.failed_pass,
        calls_python=True,
    ),
    # Every other graph pass, whatever this torch has.
    Probe(
        "_jit_pass_*",
        ("torch._C:_jit_pass_*",),
        Level.PASSES,
        before=graphs.before_pass,
        after=graphs.after_pass,
        failed=nodes.failed_pass,
    ),
)
