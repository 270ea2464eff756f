"""The metrics, and what they are counted by."""

from __future__ import annotations

import dataclasses

from onnxspan.conventions.exports import ERROR_TYPE, EXPORTER


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
    "Exports that have ended; `error.type` is set when the export failed.",
)
FAILURES = Metric(
    "torch.onnx.failures",
    "counter",
    "{failure}",
    (EXPORTER, STAGE_NAME, ERROR_TYPE),
    "Stages and passes that raised: each exception once, at the first span that it left. Exceptions "
    "that torch handles itself count too.",
)
EXPORT_DURATION = Metric(
    "torch.onnx.export.duration", "histogram", "s", (EXPORTER, ERROR_TYPE), "Time of an export."
)
STAGE_DURATION = Metric(
    "torch.onnx.stage.duration",
    "histogram",
    "s",
    (EXPORTER, STAGE_NAME, ERROR_TYPE),
    "Time of a stage, with the passes and stages inside.",
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
VERIFY_OUTCOME = "torch.onnx.verify.outcome"
VERIFICATIONS = Metric(
    "torch.onnx.verifications",
    "counter",
    "{export}",
    (EXPORTER, VERIFY_OUTCOME),
    "Verified exports that have ended, by outcome: `agrees`, `differs`, `nondeterministic` (the eager "
    "model gives two answers) or `not_run` (no step of the export could be run).",
)
VERIFY_DIFFERENCE = Metric(
    "torch.onnx.verify.difference",
    "histogram",
    "1",
    (EXPORTER, VERIFY_OUTCOME),
    "The largest absolute difference that a verified export has shown, where it is finite.",
)
METRICS = (
    EXPORTS,
    FAILURES,
    EXPORT_DURATION,
    STAGE_DURATION,
    PASS_DURATION,
    EXPORT_NODES,
    EXPORT_SIZE,
    VERIFICATIONS,
    VERIFY_DIFFERENCE,
)
"""Every metric, in the order of the reference page."""
