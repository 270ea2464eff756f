"""See inside every `torch.onnx.export`: a span per stage, graph pass and operator."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level
from onnxspan.errors import OnnxspanError, TraceFileError
from onnxspan.growing import growth
from onnxspan.recording.listeners.logs import add_span_ids
from onnxspan.recording.probe import Probe
from onnxspan.tracing import Tracing, trace
from onnxspan.version import __version__

if TYPE_CHECKING:
    from onnxspan.reading.failure import Failure
    from onnxspan.reading.mismatch import Mismatch
    from onnxspan.reading.origins.origins import Origins
    from onnxspan.reading.source.trace import Span, Trace
    from onnxspan.recording.call import Call
    from onnxspan.recording.listeners.hooks import Moment

_LAZY = {
    "Trace": "onnxspan.reading.source.trace",
    "Span": "onnxspan.reading.source.trace",
    "Failure": "onnxspan.reading.failure",
    "Mismatch": "onnxspan.reading.mismatch",
    "Origins": "onnxspan.reading.origins.origins",
    "Call": "onnxspan.recording.call",
    "Moment": "onnxspan.recording.listeners.hooks",
}
"""Classes that people name in annotations and isinstance, by module: imported when asked for."""


def __getattr__(name: str) -> Any:
    place = _LAZY.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(place), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext onnxspan` calls: adds the cell magic `%%onnxspan`."""
    from onnxspan import ipython  # only in a notebook

    ipython.load(shell)


__all__ = [  # noqa: RUF022  # grouped by use, not by letter
    # Recording
    "trace",
    "Tracing",
    "Level",
    "Probe",
    "Call",
    "Moment",
    # Reading
    "Trace",
    "Span",
    "Failure",
    "Mismatch",
    "Origins",
    # Logs
    "add_span_ids",
    # Comparing
    "growth",
    # Errors
    "OnnxspanError",
    "TraceFileError",
    # Version
    "__version__",
]
