"""The rows of every pack, named as people know the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level
from onnxspan.recording.probe import Probe
from onnxspan.recording.probes.packs import measure, profile, sessions

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

MAX_SPANS = 200
"""Spans that one recording gets of a row below the level `nodes`: a model may run a million times."""


def _no_exporter(_call: Call) -> None:
    """A step of the pipeline is no exporter."""


def _row(
    pack: str,
    name: str,
    *places: str,
    level: Level = Level.STAGES,
    before: Any = measure.before,
    after: Any = measure.after,
) -> Probe:
    return Probe(
        name,
        places or (_place(name),),
        level,
        opens=_no_exporter,
        before=before,
        after=after,
        root=True,
        pack=pack,
        most=MAX_SPANS,
    )


def _place(name: str) -> str:
    module, _, function = name.rpartition(".")
    return f"{module}:{function}"


def _rows(pack: str, *names: str, level: Level = Level.STAGES) -> tuple[Probe, ...]:
    return tuple(_row(pack, name, level=level) for name in names)


_SESSION = "onnxruntime.capi.onnxruntime_inference_collection:InferenceSession"

PACKS: dict[str, tuple[Probe, ...]] = {
    "onnx": (
        *_rows("onnx", "onnx.load", "onnx.load_model", "onnx.save", "onnx.save_model"),
        *_rows(
            "onnx",
            "onnx.checker.check_model",
            "onnx.shape_inference.infer_shapes",
            "onnx.shape_inference.infer_shapes_path",
            "onnx.version_converter.convert_version",
            "onnx.compose.merge_models",
            "onnx.inliner.inline_local_functions",
            "onnx.utils.extract_model",
            "onnx.external_data_helper.load_external_data_for_model",
            "onnx.external_data_helper.convert_model_to_external_data",
        ),
    ),
    "onnxruntime": (
        _row(
            "onnxruntime", "onnxruntime.InferenceSession", f"{_SESSION}.__init__",
            after=sessions.after,
        ),
        _row(
            "onnxruntime", "onnxruntime.InferenceSession.run", f"{_SESSION}.run",
            after=profile.after_run,
        ),
        _row(
            "onnxruntime", "onnxruntime.InferenceSession.end_profiling",
            f"{_SESSION}.end_profiling",
            before=profile.before_end, after=profile.after_end,
        ),
        _row(
            "onnxruntime", "onnxruntime.InferenceSession.run_with_iobinding",
            f"{_SESSION}.run_with_iobinding",
        ),
        *_rows(
            "onnxruntime",
            "onnxruntime.quantization.quantize_static",
            "onnxruntime.quantization.quantize_dynamic",
            "onnxruntime.quantization.quantize",
        ),
        _row(
            "onnxruntime", "onnxruntime.quantization.quant_pre_process",
            "onnxruntime.quantization.shape_inference:quant_pre_process",
        ),
        *_rows(
            "onnxruntime",
            "onnxruntime.transformers.optimizer.optimize_model",
            "onnxruntime.transformers.float16.convert_float_to_float16",
        ),
        _row(
            "onnxruntime",
            "onnxruntime.tools.symbolic_shape_infer.SymbolicShapeInference.infer_shapes",
            "onnxruntime.tools.symbolic_shape_infer:SymbolicShapeInference.infer_shapes",
        ),
    ),
    "onnxslim": _rows(
        "onnxslim", "onnxslim.slim", "onnxslim.core.optimize", "onnxslim.core.shape_infer"
    ),
    "onnxsim": _rows("onnxsim", "onnxsim.simplify"),
    "onnxconverter_common": _rows(
        "onnxconverter_common",
        "onnxconverter_common.float16.convert_float_to_float16",
        "onnxconverter_common.float16.convert_float_to_float16_model_path",
        "onnxconverter_common.auto_mixed_precision.auto_convert_mixed_precision",
    ),
    "onnxscript": _rows(
        "onnxscript",
        "onnxscript.optimizer.optimize",
        "onnxscript.optimizer.fold_constants",
        "onnxscript.optimizer.inline",
        "onnxscript.rewriter.rewrite",
        "onnxscript.version_converter.convert_version",
    ),
    "onnx_ir": (
        *_rows("onnx_ir", "onnx_ir.load", "onnx_ir.save"),
        _row("onnx_ir", "onnx_ir.passes.PassManager", "onnx_ir.passes:PassManager.__call__"),
    ),
    "openvino": (
        *_rows("openvino", "openvino.convert_model", "openvino.save_model"),
        _row("openvino", "openvino.Core.read_model", "openvino:Core.read_model"),
        _row("openvino", "openvino.compile_model", "openvino:compile_model"),
        _row("openvino", "openvino.Core.compile_model", "openvino:Core.compile_model"),
    ),
    "optimum": (
        # To look at the package itself would make it import this module, which may take seconds.
        _row("optimum", "optimum.exporters.onnx.main_export",
             "optimum.exporters.onnx.__main__:main_export"),
        _row("optimum", "optimum.exporters.onnx.onnx_export_from_model",
             "optimum.exporters.onnx.convert:onnx_export_from_model"),
        _row("optimum", "optimum.exporters.onnx.export_models",
             "optimum.exporters.onnx.convert:export_models"),
        _row("optimum", "optimum.exporters.onnx.validate_models_outputs",
             "optimum.exporters.onnx.convert:validate_models_outputs"),
        _row("optimum", "optimum.exporters.tasks.TasksManager.get_model_from_task",
             "optimum.exporters.tasks:TasksManager.get_model_from_task"),
    ),
    "ultralytics": (
        _row("ultralytics", "ultralytics.YOLO", "ultralytics.engine.model:Model.__init__"),
        _row("ultralytics", "ultralytics.YOLO.export", "ultralytics.engine.model:Model.export"),
        _row("ultralytics", "ultralytics.Exporter", "ultralytics.engine.exporter:Exporter.__call__"),
        _row("ultralytics", "ultralytics.Exporter.export_onnx",
             "ultralytics.engine.exporter:Exporter.export_onnx"),
    ),
    "lightning": (
        _row("lightning", "lightning.LightningModule.to_onnx",
             "lightning.pytorch.core.module:LightningModule.to_onnx",
             "pytorch_lightning.core.module:LightningModule.to_onnx",
             before=None),  # a file of that name is of an earlier run
    ),
    "transformers": (
        _row("transformers", "transformers.PreTrainedModel.from_pretrained",
             "transformers.modeling_utils:PreTrainedModel.from_pretrained"),
        _row("transformers", "transformers.PreTrainedModel.save_pretrained",
             "transformers.modeling_utils:PreTrainedModel.save_pretrained"),
    ),
}  # fmt: skip
"""Each pack's name and rows; the name is the library's."""
LOSSY = frozenset(
    row.name
    for rows in PACKS.values()
    for row in rows
    if row.name.startswith(("onnxruntime.quantization.quantize", "onnxconverter_common."))
    or ".float16." in row.name
)
"""Steps that make numbers less exact on purpose: verification says how far, and calls it no mismatch."""
OTHER_MODEL = frozenset({"onnx.compose.merge_models", "onnx.utils.extract_model"})
"""Steps that make another model on purpose, whose numbers are not those of the model that is given."""
