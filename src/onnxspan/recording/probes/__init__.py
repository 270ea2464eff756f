"""WHAT is wrapped: tables of rows. A new probe is a new row."""

from __future__ import annotations

from onnxspan.recording.probe import Exporter, Probe
from onnxspan.recording.probes.dynamo.table import DYNAMO
from onnxspan.recording.probes.roots import ENTRY_POINTS
from onnxspan.recording.probes.torchscript.table import TORCHSCRIPT

TABLES: dict[Exporter, tuple[Probe, ...]] = {
    Exporter.TORCHSCRIPT: TORCHSCRIPT,
    Exporter.DYNAMO: DYNAMO,
}
"""The rows of each exporter, wrapped only while it runs."""

__all__ = ["ENTRY_POINTS", "TABLES"]
