"""What two exports were asked for differently, and the operators that they ended with."""

from __future__ import annotations

from collections import Counter
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
            if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
                pairs = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
                old, new = ([pair[side] for pair in pairs] for side in (0, 1))
            rows.append((name, _value_text(old), _value_text(new)))
    return rows


def _value_text(value: Any) -> str:
    """A setting as text; of a list each value once, with how often it is there."""
    if value is None:
        return "-"
    if not isinstance(value, list):
        return str(value)
    counts = Counter(map(str, value))
    return ", ".join(
        f"{count} \N{MULTIPLICATION SIGN} {text}" if count > 1 else text
        for text, count in counts.items()
    )


def operators(before: Sample, after: Sample) -> list[tuple[str, int, int]]:
    """Operators whose count changed: name, before, after; the largest change first."""
    old, new = before.operators, after.operators
    if not old or not new:  # a failed export has none: that is no loss of all of them
        return []
    changed = [(name, old[name], new[name]) for name in {**old, **new} if old[name] != new[name]]
    return sorted(changed, key=lambda row: (-abs(row[2] - row[1]), row[0]))
