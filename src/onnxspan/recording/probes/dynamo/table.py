"""The dynamo exporter: capture, decomposition, translation, passes, file, verification.

Read beside torch/onnx/_internal/exporter/_core.py, in the order in which an export calls
them. Nothing that a model's `forward` may call is wrapped: strict capture would break on it.
"""

from __future__ import annotations

from onnxspan import conventions as c
from onnxspan.conventions import Level
from onnxspan.recording.probe import Before, PerNode, Probe
from onnxspan.recording.probes.dynamo import capture, nodes, stages
from onnxspan.recording.probes.dynamo.failures import failed_stage
from onnxspan.recording.probes.dynamo.sizes import before_fx

_EXPORTER = "torch.onnx._internal.exporter"
_TRACE = "torch.export._trace"
_PROGRAM = "torch.export.exported_program"
_MAX_SPANS = 40


def _in(module: str, name: str) -> tuple[str, ...]:
    return (f"{_EXPORTER}.{module}:{name}",)


def _capture(name: str, before: Before = before_fx, **measures: object) -> Probe:
    """A step inside `torch.export.export`, seen from the level `passes`."""
    return Probe(
        name,
        (f"{_TRACE}:{name}",),
        Level.PASSES,
        before=before,
        failed=failed_stage,
        most=_MAX_SPANS,
        **measures,  # type: ignore[arg-type]
    )


_PREPARATION = (
    # torch 2.5 calls the package's own copy of the name.
    Probe("export_compat", (f"{_EXPORTER}:export_compat", *_in("_compat", "export_compat"))),
    Probe(
        "from_dynamic_axes_to_dynamic_shapes",
        _in("_dynamic_shapes", "from_dynamic_axes_to_dynamic_shapes"),
        Level.PASSES,
    ),
    Probe(
        "convert_str_to_export_dim",
        _in("_dynamic_shapes", "convert_str_to_export_dim"),
        Level.PASSES,
    ),
    Probe(
        "ONNXRegistry.from_torchlib",
        _in("_registration", "ONNXRegistry.from_torchlib"),
        after=capture.after_from_torchlib,
    ),
    Probe("get_torchlib_ops", ("{apis}:get_torchlib_ops",), Level.PASSES),
    Probe(
        "ONNXRegistry._register",
        _in("_registration", "ONNXRegistry._register"),
        Level.NODES,
        per_node=PerNode(c.PREPARED, nodes.registered, spans=False, ends_work=True),
    ),
    Probe(
        "_core.export",
        _in("_core", "export"),
        before=capture.before_core_export,
        failed=failed_stage,
    ),
)

_CAPTURE = (
    Probe(
        "CaptureStrategy",
        _in("_capture_strategies", "CaptureStrategy.__call__"),
        named=capture.strategy_name,
        before=capture.before_strategy,
        after=capture.after_strategy,
        runs_model=True,
    ),
    Probe(
        "torch.export.export",
        ("torch.export:export",),
        after=capture.after_program,
        failed=failed_stage,
        most=_MAX_SPANS,
        runs_model=True,
    ),
    Probe(
        "torch.export.draft_export",
        ("torch.export:draft_export",),
        after=capture.after_program,
        failed=failed_stage,
    ),
    _capture("_export", after=capture.after_program),
    _capture("_export_for_training", after=capture.after_program),
    _capture("_non_strict_export", after=capture.after_artifact),
    _capture("_strict_export", after=capture.after_artifact),
    _capture("_export_to_torch_ir", after=capture.after_graph_module),
    Probe(
        "fullgraph_capture",
        ("torch._dynamo.functional_export:fullgraph_capture",),
        Level.PASSES,
        failed=failed_stage,
        most=_MAX_SPANS,
    ),
    _capture("make_fake_inputs"),
    _capture("_fakify_params_buffers"),
    _capture("_export_to_aten_ir_make_fx", after=capture.after_artifact),
    Probe(
        "_MakefxTracer.trace",
        ("torch.fx.experimental.proxy_tensor:_MakefxTracer.trace",),
        Level.PASSES,
        after=capture.after_graph_module,
        failed=failed_stage,
        most=_MAX_SPANS,
    ),
    # Called as an operator's place in the graph is known; while the operator itself runs, no frame
    # of ours is on the stack, which torch reads for its messages.
    Probe(
        "track_tensor_tree",
        ("torch.fx.experimental.proxy_tensor:track_tensor_tree",),
        Level.NODES,
        per_node=PerNode(c.TRACED, nodes.tracked_target, spans=False, ends_work=True),
    ),
    Probe(
        "create_aot_state",
        ("torch._functorch.aot_autograd:create_aot_state",),
        Level.PASSES,
        failed=failed_stage,
        most=_MAX_SPANS,
    ),
    _capture("_produce_aten_artifact", after=capture.after_artifact),
    _capture("apply_runtime_assertion_pass", after=capture.after_graph_module),
    _capture("_replace_unbacked_bindings"),
    _capture("placeholder_naming_pass"),
    _capture("produce_guards_and_solve_constraints", before=capture.before_constraints),
    Probe(
        "_detach_traced_inputs",
        ("torch._functorch._aot_autograd.graph_capture:_detach_traced_inputs",),
        Level.PASSES,
        most=_MAX_SPANS,
    ),
    Probe("torch.export.save", ("torch.export:save",)),
)

_DECOMPOSITION = (
    Probe(
        "_prepare_exported_program_for_export",
        _in("_core", "_prepare_exported_program_for_export"),
        before=before_fx,
        after=capture.after_prepare,
        failed=failed_stage,
    ),
    Probe(
        "decompose_with_registry",
        _in("_fx_passes", "decompose_with_registry"),
        Level.PASSES,
        before=before_fx,
        after=capture.after_program,
    ),
    Probe(
        "create_onnx_friendly_decomposition_table",
        _in("_decomp", "create_onnx_friendly_decomposition_table"),
        Level.PASSES,
        after=capture.after_decomposition_table,
    ),
    Probe(
        "run_decompositions",
        (f"{_PROGRAM}:ExportedProgram.run_decompositions",),
        before=before_fx,
        after=capture.after_program,
        failed=failed_stage,
        most=_MAX_SPANS,
    ),
    Probe(
        "_decompose_exported_program",
        (f"{_PROGRAM}:_decompose_exported_program",),
        Level.PASSES,
        failed=failed_stage,
        most=_MAX_SPANS,
    ),
    *(
        Probe(name, (f"{_PROGRAM}:{name}",), Level.PASSES, most=_MAX_SPANS)
        for name in (
            "_split_decomp_table_to_cia_and_python_decomp",
            "ExportedProgram.module",
            "_register_constants_as_buffers",
            "_fakify_params_buffers",
            "_populate_param_buffer_metadata_to_new_gm",
            "placeholder_naming_pass",
            "_remove_unnecessary_copy_op_pass",
        )
    ),
    # Called for each operator whose decomposition is overridden meanwhile, on entering a context.
    Probe(
        "_get_decomp_for_cia",
        (f"{_PROGRAM}:_get_decomp_for_cia",),
        Level.NODES,
        per_node=PerNode(c.PREPARED, nodes.overridden, spans=False, ends_work=True),
    ),
    _capture("_export_to_aten_ir", after=capture.after_artifact),
    _capture("_aot_export_joint_with_descriptors", after=capture.after_graph_module),
    Probe(
        "insert_type_promotion_nodes",
        _in("_fx_passes", "insert_type_promotion_nodes"),
        Level.PASSES,
        before=before_fx,
        after=capture.after_changed_module,
        failed=failed_stage,
    ),
    Probe(
        "remove_assertion_nodes",
        _in("_fx_passes", "remove_assertion_nodes"),
        Level.PASSES,
        before=before_fx,
        after=capture.after_changed_module,
    ),
    Probe("compare_ops", _in("_analysis", "compare_ops"), Level.PASSES),
)

_TRANSLATION = (
    Probe(
        "_exported_program_to_onnx_program",
        _in("_core", "_exported_program_to_onnx_program"),
        after=stages.after_translate,
        failed=failed_stage,
    ),
    Probe(
        "_translate_fx_graph",
        (*_in("_core", "_translate_fx_graph"), *_in("_core", "_add_nodes")),  # so in torch 2.5
        after=stages.after_translate_graph,
        failed=failed_stage,
        most=_MAX_SPANS,
    ),
    Probe(
        "_handle_call_function_node_with_lowering",
        _in("_core", "_handle_call_function_node_with_lowering"),
        Level.NODES,
        per_node=PerNode(
            c.TRANSLATION,
            nodes.called_target,
            describe=nodes.describe_called,
        ),
        after=nodes.after_called,
        failed=nodes.failed_call,
    ),
    *(
        Probe(
            name,
            _in("_core", name),
            Level.NODES,
            per_node=PerNode(
                c.TRANSLATION, nodes.first_op, spans=False, describe=nodes.describe_first
            ),
        )
        for name in ("_handle_placeholder_node", "_handle_get_attr_node", "_handle_output_node")
    ),
    Probe(
        "dispatch",
        _in("_dispatching", "dispatch"),
        Level.NODES,
        per_node=PerNode(
            c.DISPATCH, nodes.dispatched_target, spans=False, note=nodes.note_dispatch
        ),
    ),
    Probe(
        "OpRecorder.eval",
        _in("_building", "OpRecorder.eval"),
        Level.NODES,
        per_node=PerNode(c.RECORDED, nodes.recorded_operator, spans=False),
    ),
    Probe("add_opset_imports", _in("_ir_passes", "add_opset_imports"), Level.PASSES),
)

_PASSES = (
    Probe(
        "convert_version",
        ("{apis}:convert_version",),
        before=stages.before_convert_version,
        after=stages.after_convert_version,
    ),
    Probe(
        "optimize_ir",
        ("onnxscript.optimizer:optimize_ir",),
        Level.PASSES,
        before=stages.before_model,
        after=stages.after_model,
    ),
    Probe(
        "fuse",
        ("onnxscript.rewriter.onnx_fusions:fuse",),
        Level.PASSES,
        before=stages.before_model,
        after=stages.after_fuse,
    ),
    # Every pass of onnx_ir and onnxscript, those inside others too, comes through here.
    Probe(
        "PassBase",
        ("onnx_ir.passes:PassBase.__call__", "onnxscript.ir.passes:PassBase.__call__"),
        Level.PASSES,
        named=stages.pass_name,
        before=stages.before_pass,
        after=stages.after_pass,
        most=2 * _MAX_SPANS,
    ),
    Probe(
        "RewriteRuleSet.apply_to_model",
        (
            "onnxscript.rewriter._rewrite_rule:RewriteRuleSet.apply_to_model",
            "onnxscript.rewriter.pattern:RewriteRuleSet.apply_to_model",
        ),
        Level.PASSES,
        after=stages.after_rewrite,
        most=_MAX_SPANS,
    ),
    Probe(
        "RewriteRule.try_rewrite",
        (
            "onnxscript.rewriter._rewrite_rule:RewriteRule.try_rewrite",
            "onnxscript.rewriter.pattern:RewriteRule.try_rewrite",
        ),
        Level.NODES,
        per_node=PerNode(
            c.RULES, nodes.rule_name, spans=False, ends_work=True, note=nodes.note_rule
        ),
    ),
    Probe(
        "FoldConstantsPass.process_node",
        ("onnxscript.optimizer._constant_folding:FoldConstantsPass.process_node",),
        Level.NODES,
        per_node=PerNode(c.FOLDED, nodes.folded_operator, spans=False, ends_work=True),
    ),
    *(
        Probe(name, _in("_ir_passes", name), after=stages.after_model)
        for name in ("rename_inputs", "rename_outputs")
    ),
    Probe(
        "_rename_dynamic_axes",
        _in("_onnx_program", "ONNXProgram._rename_dynamic_axes"),
        after=stages.after_model,
    ),
)

_FILE = (
    Probe(
        "save_model_with_external_data",
        ("{apis}:save_model_with_external_data",),
        before=stages.before_external,
    ),
    Probe("onnx_ir.save", ("onnx_ir:save",), Level.PASSES),
    Probe("onnxscript.ir.save", ("onnxscript.ir:save",), Level.PASSES),
    Probe("unload_from_model", ("onnx_ir.external_data:unload_from_model",), Level.PASSES),
    Probe(
        "serialize_model",
        ("onnx_ir.serde:serialize_model",),
        Level.PASSES,
        after=stages.after_serialize,
        most=_MAX_SPANS,
    ),
    Probe("onnx.save", ("onnx:save",), Level.PASSES),
)

_AFTERWARDS = (
    Probe("check_model", ("{apis}:check_model",), Level.PASSES),
    Probe(
        "ONNXProgram.initialize_inference_session",
        _in("_onnx_program", "ONNXProgram.initialize_inference_session"),
        Level.PASSES,
        most=_MAX_SPANS,
    ),
    Probe(
        "ONNXProgram.__call__",
        _in("_onnx_program", "ONNXProgram.__call__"),
        Level.PASSES,
        most=_MAX_SPANS,
    ),
    Probe(
        "ONNXProgram.release",
        _in("_onnx_program", "ONNXProgram.release"),
        Level.PASSES,
        most=_MAX_SPANS,
    ),
    *(
        Probe(name, _in("_reporting", name), after=stages.after_report)
        for name in ("create_onnx_export_report", "create_torch_export_error_report")
    ),
)

DYNAMO = (
    *_PREPARATION,
    *_CAPTURE,
    *_DECOMPOSITION,
    *_TRANSLATION,
    *_PASSES,
    *_FILE,
    *_AFTERWARDS,
)
