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
    "The largest absolute difference between an output of the graph and the eager model's; of a step of "
    "a pack, between the model that it made and the one that it was given.",
)
VERIFY_MAX_REL = attribute(
    "torch.onnx.verify.max_rel_diff",
    "double",
    _STEP,
    "The largest relative difference between an output of the graph and the eager model's.",
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
    "Where the largest difference is: an index into the flattened output.",
)
VERIFY_INPUTS = attribute(
    "torch.onnx.verify.inputs",
    "string",
    _STEP,
    "The inputs with the largest difference: `example`, `other values`, `other sizes` or `given`; "
    "`drawn` for a step of a pack whose model no verified export made.",
)
_PACK_STEP = (
    "steps of packs that were verified: what is compared is the model that the step was given"
)
VERIFY_LARGEST = attribute(
    "torch.onnx.verify.largest",
    "double",
    _PACK_STEP,
    "The largest finite absolute value that the given model answered.",
)
VERIFY_LOSSY = attribute(
    "torch.onnx.verify.lossy",
    "boolean",
    _PACK_STEP,
    "Whether the step lowers the precision on purpose: then a difference is no mismatch, unless a "
    "shape differs or a value is not finite.",
)
VERIFY_SKIPPED = attribute(
    "torch.onnx.verify.skipped",
    "string",
    "spans after which a verified export could not run its graph",
    "Why the graph could not be run after this span.",
)

_ROOT = "the root of a verified export"
VERIFY_MODE = attribute(
    "torch.onnx.verify.mode",
    "string",
    _ROOT,
    "`passes`: the graph was run after each pass that changed it; `stages`: after each stage.",
)
VERIFY_STEPS = attribute(
    "torch.onnx.verify.steps", "int", _ROOT, "How often the graph was run and compared."
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
    "The stage in which the numbers begin to differ.",
)
MISMATCH_PASS = attribute(
    "torch.onnx.mismatch.pass_name",
    "string",
    _FOUND,
    "The span after which the numbers differ for the first time.",
)
MISMATCH_OPERATOR = attribute(
    "torch.onnx.mismatch.operator",
    "string",
    _FOUND,
    "The first operator that computes other values from equal inputs, and what it became.",
)
MISMATCH_ALSO = attribute(
    "torch.onnx.mismatch.also",
    "int",
    _FOUND,
    "How many more operators compute other values from equal inputs.",
)
MISMATCH_MODULE = attribute(
    "torch.onnx.mismatch.module",
    "string",
    _FOUND,
    "The path of the module that called the operator.",
)
MISMATCH_MODULE_CLASS = attribute(
    "torch.onnx.mismatch.module_class", "string", _FOUND, "The class of the module."
)
MISMATCH_FILE = attribute(
    "torch.onnx.mismatch.file", "string", _FOUND, "The source file of the model's line at fault."
)
MISMATCH_LINE = attribute(
    "torch.onnx.mismatch.line", "int", _FOUND, "The number of the model's line at fault."
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
    "The largest absolute difference of the output.",
)
MISMATCH_MAX_REL = attribute(
    "torch.onnx.mismatch.max_rel_diff",
    "double",
    _FOUND,
    "The largest relative difference of the output.",
)
MISMATCH_MISMATCHED = attribute(
    "torch.onnx.mismatch.mismatched",
    "int",
    _FOUND,
    "Elements of the output that differ by more than the tolerance.",
)
MISMATCH_ELEMENTS = attribute(
    "torch.onnx.mismatch.elements", "int", _FOUND, "Elements of the output."
)
MISMATCH_RTOL = attribute("torch.onnx.mismatch.rtol", "double", _FOUND, "The relative tolerance.")
MISMATCH_ATOL = attribute("torch.onnx.mismatch.atol", "double", _FOUND, "The absolute tolerance.")
MISMATCH_INPUTS = attribute(
    "torch.onnx.mismatch.inputs",
    "string",
    _FOUND,
    "The inputs with which the numbers differ: `example`, `other values`, `other sizes`, `given` or "
    "`drawn`.",
)
MISMATCH_NONDETERMINISTIC = attribute(
    "torch.onnx.mismatch.nondeterministic",
    "boolean",
    _FOUND,
    "True when the eager model itself gives two answers to the same inputs: then no pass is blamed.",
)
MISMATCH_BEFORE = attribute(
    "torch.onnx.mismatch.before",
    "string",
    _FOUND,
    "The last span before, after which the numbers agreed.",
)
MISMATCH_BEFORE_MAX_ABS = attribute(
    "torch.onnx.mismatch.before_max_abs_diff",
    "double",
    _FOUND,
    "The largest absolute difference after that span.",
)
MISMATCH_WHAT = attribute(
    "torch.onnx.mismatch.what",
    "string",
    _FOUND,
    "In words: a shape or type that differs, or an error that the graph raises and the model does not.",
)
MISMATCH_STATE = attribute(
    "torch.onnx.mismatch.state",
    "string[]",
    _FOUND,
    "The buffers and attributes of the model that one run of it changes, when the capture already "
    "differs: the exporter runs the model more than once, so the file holds values of a later run.",
)
MISMATCH_UNRUN = attribute(
    "torch.onnx.mismatch.unrun",
    "string[]",
    _FOUND,
    "Spans between the last that agreed and the first that differs after which the graph could "
    "not be run: the fault may lie in each of them.",
)
