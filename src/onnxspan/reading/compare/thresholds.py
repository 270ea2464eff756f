"""Thresholds for CI: `duration>1.5x`, `nodes>+10`, `bytes>5%`, `duration(_jit_pass_onnx)>2x`."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from onnxspan.errors import OnnxspanError

if TYPE_CHECKING:
    from onnxspan.reading.compare.diff import Comparison, Figure

METRICS = ("duration", "processor", "nodes", "bytes", "memory", "max_abs_diff", "max_rel_diff")
DIFFERENCES = ("max_abs_diff", "max_rel_diff")
_UNITS = {
    "duration": {"s": 1.0, "ms": 1e-3},
    "nodes": {"": 1.0},
    "bytes": {"": 1.0, "B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3},
}
_UNITS |= {"max_abs_diff": {"": 1.0}, "max_rel_diff": {"": 1.0}}
_UNITS |= {"memory": _UNITS["bytes"], "processor": _UNITS["duration"]}
_FORM = re.compile(
    r"(?P<metric>[a-z_]+)(?:\((?P<step>[^()]+)\))?\s*>\s*"
    r"(?P<sign>\+?)(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?P<unit>[A-Za-z%]*)"
)


@dataclasses.dataclass(frozen=True)
class Threshold:
    """One threshold, parsed.

    Attributes:
        step: a step's name; None for the whole export.
        kind: `ratio` (after by before), `increase` (after less before), or `value` (after).
    """

    text: str
    metric: str
    step: str | None
    kind: str
    limit: float


def parse(text: str) -> Threshold:
    """Read a threshold.

    Raises:
        OnnxspanError: for what is none; the message shows the forms.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None or match["metric"] not in METRICS:
        raise _refused(text)
    metric, unit, number = match["metric"], match["unit"], float(match["number"])
    if match["step"] is not None and metric not in ("duration", "nodes"):
        raise _refused(text)
    if unit == "x" and not match["sign"]:
        return Threshold(text, metric, match["step"], "ratio", number)
    if unit == "%":
        return Threshold(text, metric, match["step"], "ratio", 1 + number / 100)
    if unit not in _UNITS[metric]:
        raise _refused(text)
    kind = "increase" if match["sign"] else "value"
    return Threshold(text, metric, match["step"], kind, number * _UNITS[metric][unit])


def crossed(threshold: Threshold, found: Comparison) -> str | None:
    """Why the threshold is crossed; None when it is not.

    A change of duration that is within the noise of repeated traces crosses nothing.

    Raises:
        OnnxspanError: for a step, or a figure, that neither side has.
    """
    figures = _figures(threshold, found)
    if any(s.failed for s in found.after) and not any(s.failed for s in found.before):
        return "the export failed after, and did not before"
    if not figures:
        raise OnnxspanError(
            f"--fail-if {threshold.text}: neither side has a step of that name. "
            "`onnxspan diff --json` lists the steps"
        )
    for figure in figures:
        if threshold.metric in DIFFERENCES and (figure.after is None):
            raise OnnxspanError(
                f"--fail-if {threshold.text}: the trace after was not verified. Record it with "
                "`onnxspan run --verify`"
            )
        if figure.before is None and figure.after is None:
            raise OnnxspanError(
                f"--fail-if {threshold.text}: neither side says its {threshold.metric}. "
                "Compare finished exports, recorded with this version"
            )
        noisy = (
            threshold.metric in ("duration", "processor")
            and found.repeated
            and threshold.kind != "value"
        )
        if noisy and figure.before and figure.after and not figure.differs:
            continue
        if _beyond(threshold, figure):
            return _reason(threshold, figure)
    return None


def _figures(threshold: Threshold, found: Comparison) -> list[Figure]:
    if threshold.step is None:
        if threshold.metric == "duration":
            return [found.whole.duration]
        return [found.totals[threshold.metric]]
    rows = [row for row in found.rows if row.name == threshold.step]
    return [row.duration if threshold.metric == "duration" else row.nodes for row in rows]


def _beyond(threshold: Threshold, figure: Figure) -> bool:
    after = figure.after.median if figure.after is not None else 0.0
    before = figure.before.median if figure.before is not None else 0.0
    if threshold.kind == "value":
        return after > threshold.limit
    if threshold.kind == "increase":
        return after - before > threshold.limit
    return after > threshold.limit * before


def _reason(threshold: Threshold, figure: Figure) -> str:
    before = f"{figure.before.median:g}" if figure.before is not None else "missing"
    after = f"{figure.after.median:g}" if figure.after is not None else "missing"
    units = {"duration": " s", "processor": " s", "bytes": " B", "memory": " B"}
    unit = units.get(threshold.metric, "")
    ratio = f" ({figure.ratio:.2f}x)" if figure.ratio is not None else ""
    return f"{before} -> {after}{unit}{ratio}"


def _refused(text: str) -> OnnxspanError:
    return OnnxspanError(
        f"--fail-if {text!r} is not a threshold. Write a metric, `>` and a limit: "
        "'duration>1.5x', 'duration>+200ms', 'nodes>+10', 'bytes>5%', 'memory>1GiB', "
        "'max_abs_diff>1e-4', "
        "or of one step 'duration(_jit_pass_onnx)>2x'"
    )
