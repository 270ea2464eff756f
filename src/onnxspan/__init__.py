"""See inside every `torch.onnx.export`: a span per stage, graph pass and operator."""

from __future__ import annotations

from onnxspan.conventions import Level
from onnxspan.errors import OnnxspanError, TraceFileError
from onnxspan.growing import growth
from onnxspan.recording.listeners.logs import add_span_ids
from onnxspan.recording.probe import Probe
from onnxspan.tracing import Tracing, trace
from onnxspan.version import __version__

__all__ = [  # noqa: RUF022  # grouped by use, not by letter
    # Recording
    "trace",
    "Tracing",
    "Level",
    "Probe",
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
