"""What OpenTelemetry's own exporters say of a failure: they log it, and return no reason."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter


class _LogCatcher(logging.Filter):
    """Keeps what an exporter logs in a thread that exports for us, instead of letting it out."""

    def __init__(self) -> None:
        super().__init__()
        self.records = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(self.records, "is_exporting", False):
            return True
        self.records.last = record
        return False


_catcher = _LogCatcher()
for _name in (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.json.file.trace_exporter",
):
    logging.getLogger(_name).addFilter(_catcher)


def export(exporter: SpanExporter, batch: Sequence[ReadableSpan]) -> str:
    """Export a batch; the empty string, or what the exporter logged about the failure."""
    _catcher.records.is_exporting = True
    _catcher.records.last = None
    try:
        result = exporter.export(batch)
    finally:
        _catcher.records.is_exporting = False
    if result.name == "SUCCESS":
        return ""
    record = last_record()
    return record.getMessage() if record is not None else "the exporter gave no reason"


def last_record() -> logging.LogRecord | None:
    """What the exporter logged last in this thread's last export."""
    record: logging.LogRecord | None = getattr(_catcher.records, "last", None)
    return record
