"""Attributes of a verified export."""

from __future__ import annotations

from onnxspan.conventions.registry import attribute

WRITTEN_FILE = "the file as written"
"""The step that runs the file with onnxruntime's optimisations off."""
OPTIMISED_FILE = "onnxruntime's optimiser"
"""The step that runs the file as onnxruntime does by default."""

_STEP = "spans after which a verified export ran its graph"
VERIFY_MAX_ABS = attribute(
    "torch.onnx.verify.max_abs_diff",
    "double",
    _STEP,
    "The largest absolute difference between an output of the graph and the eager model's; for a step of a pack, between the model that the step made and "
    "the model that the step was given.",
)
VERIFY_MAX_REL = attribute(
    "torch.onnx.verify.max_rel_diff",
    "double",
    _STEP,
    "The largest relative difference between an output of the graph and the eager model's; for a step of a pack, between the model that the step made and "
    "the model that the step was given.",
)
VERIFY_MISMATCHED = attribute(
    "torch.onnx.verify.mismatched",
    "int",
    _STEP,
    "Elements of the outputs that differ by more than the tolerance; 0 when the graph agrees.",
)
VERIFY_ELEMENTS = attribute(
    "torch.onnx.verify.elements", "int", _STEP, "Elements of the outputs that were compared."
)
VERIFY_INDEX = attribute(
    "torch.onnx.verify.index",
    "int",
    _STEP,
    "Where the largest difference is: an index into the flattened output of the graph.",
)
VERIFY_INPUTS = attribute(
    "torch.onnx.verify.inputs",
    "string",
    _STEP,
    "The set of inputs that gave the largest difference: `example`, `other values`, `other sizes` or `given`; `drawn` for a step of a pack whose model no "
    "verified export made.",
)
_PACK_STEP = "steps of packs that were verified, against the model that the step was given"
VERIFY_LARGEST = attribute(
    "torch.onnx.verify.largest",
    "double",
    _PACK_STEP,
    "The largest finite absolute value in the outputs of the model that the step was given.",
)
VERIFY_LOSSY = attribute(
    "torch.onnx.verify.lossy",
    "boolean",
    _PACK_STEP,
    "Whether the step lowers the precision on purpose: then a difference is no mismatch, unless a shape differs or a value is not finite.",
)
VERIFY_SKIPPED = attribute(
    "torch.onnx.verify.skipped",
    "string",
    "spans after which a verified export could not run its graph",
    "Why the graph could not be run after the span.",
)

_ROOT = "the root of a verified export"
VERIFY_MODE = attribute(
    "torch.onnx.verify.mode",
    "string",
    _ROOT,
    "When verification ran the graph. `passes`: after each pass that changed the graph; `stages`: after each stage.",
)
VERIFY_STEPS = attribute(
    "torch.onnx.verify.steps", "int", _ROOT, "How often verification ran and compared the graph."
)
VERIFY_NOTES = attribute(
    "torch.onnx.verify.notes",
    "string[]",
    _ROOT,
    "What verification did not do, and why.",
)

_FOUND = "the root of a verified export whose numbers differ"
MISMATCH_STAGE = attribute(
    "torch.onnx.mismatch.stage",
    "string",
    _FOUND,
    "The stage in which the numbers begin to differ from the eager model's.",
)
MISMATCH_PASS = attribute(
    "torch.onnx.mismatch.pass_name",
    "string",
    _FOUND,
    "The span after which the numbers differ from the eager model's for the first time.",
)
MISMATCH_OPERATOR = attribute(
    "torch.onnx.mismatch.operator",
    "string",
    _FOUND,
    "The first operator that computes other values than the eager model from equal inputs, and what the operator became.",
)
MISMATCH_ALSO = attribute(
    "torch.onnx.mismatch.also",
    "int",
    _FOUND,
    "How many operators besides `torch.onnx.mismatch.operator` compute other values from equal inputs.",
)
MISMATCH_MODULE = attribute(
    "torch.onnx.mismatch.module",
    "string",
    _FOUND,
    "The path of the module that called the operator `torch.onnx.mismatch.operator`.",
)
MISMATCH_MODULE_CLASS = attribute(
    "torch.onnx.mismatch.module_class",
    "string",
    _FOUND,
    "The class of the module that called the operator `torch.onnx.mismatch.operator`.",
)
MISMATCH_FILE = attribute(
    "torch.onnx.mismatch.file", "string", _FOUND, "The source file of the model's line at fault."
)
MISMATCH_LINE = attribute(
    "torch.onnx.mismatch.line",
    "int",
    _FOUND,
    "The number of the model's line at fault, counted from 1.",
)
MISMATCH_TEXT = attribute(
    "torch.onnx.mismatch.text", "string", _FOUND, "The text of the model's line at fault."
)
MISMATCH_OUTPUT = attribute(
    "torch.onnx.mismatch.output", "string", _FOUND, "The output of the graph that differs most."
)
MISMATCH_MAX_ABS = attribute(
    "torch.onnx.mismatch.max_abs_diff",
    "double",
    _FOUND,
    "The largest absolute difference between the output `torch.onnx.mismatch.output` and the eager model's.",
)
MISMATCH_MAX_REL = attribute(
    "torch.onnx.mismatch.max_rel_diff",
    "double",
    _FOUND,
    "The largest relative difference between the output `torch.onnx.mismatch.output` and the eager model's.",
)
MISMATCH_MISMATCHED = attribute(
    "torch.onnx.mismatch.mismatched",
    "int",
    _FOUND,
    "Elements of the output `torch.onnx.mismatch.output` that differ by more than the tolerance.",
)
MISMATCH_ELEMENTS = attribute(
    "torch.onnx.mismatch.elements",
    "int",
    _FOUND,
    "Elements of the output `torch.onnx.mismatch.output`.",
)
MISMATCH_RTOL = attribute(
    "torch.onnx.mismatch.rtol", "double", _FOUND, "The relative tolerance of the comparison."
)
MISMATCH_ATOL = attribute(
    "torch.onnx.mismatch.atol", "double", _FOUND, "The absolute tolerance of the comparison."
)
MISMATCH_INPUTS = attribute(
    "torch.onnx.mismatch.inputs",
    "string",
    _FOUND,
    "The set of inputs with which the numbers differ: `example`, `other values`, `other sizes`, `given` or `drawn`.",
)
MISMATCH_NONDETERMINISTIC = attribute(
    "torch.onnx.mismatch.nondeterministic",
    "boolean",
    _FOUND,
    "True when the eager model itself gives two answers to the same inputs: then no pass is named as the cause.",
)
MISMATCH_BEFORE = attribute(
    "torch.onnx.mismatch.before",
    "string",
    _FOUND,
    "The last span after which the numbers still agreed with the eager model's.",
)
MISMATCH_BEFORE_MAX_ABS = attribute(
    "torch.onnx.mismatch.before_max_abs_diff",
    "double",
    _FOUND,
    "The largest absolute difference after the span `torch.onnx.mismatch.before`, the last that agreed.",
)
MISMATCH_WHAT = attribute(
    "torch.onnx.mismatch.what",
    "string",
    _FOUND,
    "What differs besides numbers, in words: a shape or type, or an error that the graph raises and the model does not.",
)
MISMATCH_STATE = attribute(
    "torch.onnx.mismatch.state",
    "string[]",
    _FOUND,
    "The buffers and attributes of the model that one run of the model changes, when the capture already differs: the exporter runs the model more than "
    "once, so the file holds values of a later run.",
)
MISMATCH_UNRUN = attribute(
    "torch.onnx.mismatch.unrun",
    "string[]",
    _FOUND,
    "Spans between the last that agreed and the first that differs after which the graph could not be run: each may hold the fault.",
)
