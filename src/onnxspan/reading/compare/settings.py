"""What two exports were asked for differently, and the operators that they ended with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c

if TYPE_CHECKING:
    from onnxspan.reading.compare.samples import Sample

SETTINGS = {
    "exporter": c.EXPORTER,
    "model": c.MODEL_CLASS,
    "torch": c.VERSION_TORCH,
    "onnx": c.VERSION_ONNX,
    "onnxscript": c.VERSION_ONNXSCRIPT,
    "opset": c.OPSET,
    "inputs": c.MODEL_INPUT_SHAPES,
    "dynamic axes": c.DYNAMIC_AXES,
    "dynamic shapes": c.DYNAMIC_SHAPES,
    "options": c.OPTIONS,
    "training": c.TRAINING,
    "operator export type": c.OPERATOR_EXPORT_TYPE,
    "parameters": c.MODEL_PARAMETERS,
}
"""What may have been asked for differently, and the root's attribute that says it."""


def settings(before: Sample, after: Sample) -> list[tuple[str, str, str]]:
    """What was asked for differently: name, before, after."""
    rows = []
    for name, key in SETTINGS.items():
        old, new = before.root.get(key), after.root.get(key)
        if old != new:
            rows.append((name, _said(old), _said(new)))
    return rows


def _said(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def operators(before: Sample, after: Sample) -> list[tuple[str, int, int]]:
    """Operators whose count changed: name, before, after; the largest change first."""
    old, new = before.operators, after.operators
    if not old or not new:  # a failed export has none: that is no loss of all of them
        return []
    changed = [(name, old[name], new[name]) for name in {**old, **new} if old[name] != new[name]]
    return sorted(changed, key=lambda row: (-abs(row[2] - row[1]), row[0]))
