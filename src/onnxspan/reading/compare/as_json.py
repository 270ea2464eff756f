"""Comparisons and growths as plain data for `--json`. Seconds, bytes and counts; no rounding."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan.reading.compare import diff_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxspan.reading.compare.diff import Comparison, Figure, Row
    from onnxspan.reading.compare.growth import Growth
    from onnxspan.reading.compare.noise import Measured
    from onnxspan.reading.compare.samples import Sample
    from onnxspan.reading.compare.series import Series


def comparison(found: Comparison) -> dict[str, Any]:
    """A diff as JSON data."""
    return {
        "answer": diff_answer.sentences(found),
        "before": [_sample(sample) for sample in found.before],
        "after": [_sample(sample) for sample in found.after],
        "noise_known": found.repeated,
        "usual_spread_log": found.usual,
        "settings": [
            {"name": name, "before": old, "after": new} for name, old, new in found.settings
        ],
        "duration": _figure(found.whole.duration),
        **{name: _figure(figure) for name, figure in found.totals.items()},
        "operators": [
            {"name": name, "before": old, "after": new} for name, old, new in found.operators
        ],
        "steps": [_row(row) for row in found.rows[1:]],
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "source": sample.source,
        "exporter": sample.exporter,
        "model": sample.model,
        "failed": sample.failed,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "path": list(row.path),
        "level": row.level,
        "only": row.only,
        "moved_from": list(row.moved_from) if row.moved_from is not None else None,
        "duration": _figure(row.duration),
        "own_duration": _figure(row.self_time),
        "calls": _figure(row.calls),
        "nodes": _figure(row.nodes),
        "node_change": _figure(row.change),
        "failures_before": row.failures_before,
        "failures_after": row.failures_after,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "before": _values(figure.before),
        "after": _values(figure.after),
        "ratio": figure.ratio,
        "differs": figure.differs,
    }


def _values(side: Measured | None) -> Sequence[float] | None:
    return list(side.values) if side is not None else None


def _clock(series: Series) -> str:
    return "processor" if series.on_cpu else "wall"


def growth(found: Growth) -> dict[str, Any]:
    """A growth as JSON data."""
    return {
        "state": found.state,
        "unsure": [list(row.path) for row in found.unsure],
        "sizes": found.sizes,
        "repeats": found.repeats,
        "noise_known": found.repeated,
        "noise_share": found.noise,
        "skipped": found.skipped,
        "steps": [
            {
                "path": list(row.path),
                "level": row.level,
                "sizes": row.total.sizes,
                "clock": _clock(row.total),
                "seconds": row.total.fastest,
                "own_clock": _clock(row.self_time),
                "own_seconds": row.self_time.fastest,
                "fit": dataclasses.asdict(row.total_fit) if row.total_fit else None,
                "own_fit": dataclasses.asdict(row.self_fit) if row.self_fit else None,
                "superlinear": row.flagged,
                "superlinear_inside": row.inherits,
            }
            for row in found.rows
        ],
    }
