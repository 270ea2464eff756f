"""Where spans go besides memory: OTLP endpoints, any OpenTelemetry exporter, a file."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from onnxspan import files
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.outputs import exporter_logs
from onnxspan.recording.outputs.delivery import Delivery, Outcome, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from onnxspan.recording.call import Call, Export
    from onnxspan.recording.outputs.otlp import Endpoint
    from onnxspan.recording.session import Session

    Waiting: TypeAlias = Callable[[str], object]
    """Takes what is waited for, in words."""

_logger = logging.getLogger("onnxspan")

_BATCH = 512
"""Spans a line; several lines keep a reader's memory, and a line's loss, small."""
_FLUSH_SECONDS = 30.0
_PATIENCE = 1.0
"""Seconds after which it is said what is waited for."""
_SPANS_A_SECOND = 1000.0
"""What a busy machine encodes; a large trace may take longer than the 30 s."""


class Outputs(Listener):
    """A session's outputs: fed when an export has ended, emptied between exports, told at the end.

    A listener of the session, which must be set as `session` before it is opened.

    Args:
        endpoints: where spans go by OTLP.
        exporters: OpenTelemetry span exporters: to the console, to memory, to anywhere.
    """

    def __init__(
        self, endpoints: Sequence[Endpoint] = (), exporters: Sequence[SpanExporter] = ()
    ) -> None:
        self.session: Session
        self.reports: list[Report] = []
        self._endpoints = list(endpoints)
        self._exporters = list(exporters)
        self._deliveries: list[Delivery] = []
        self._under_way: set[int] = set()
        self._handed = 0
        self._lock = threading.Lock()
        self._process = os.getpid()

    def entered(self, call: Call) -> None:
        """An export begins: from now on only torch works."""
        if call.parent is None:
            self._leave_to_parent()
            self._under_way.add(id(call.export))
            self._hold(held=True)

    def finished(self, export: Export) -> None:
        """Hand over what was recorded."""
        self._under_way.discard(id(export))
        self._hand_over()
        if not self._under_way:
            self._hold(held=False)

    def close(self, saved: Path | None = None, waiting: Waiting | None = None) -> list[Report]:
        """Wait, within bounds, until all is delivered; what is not goes to a file.

        The bound is `OTEL_BSP_EXPORT_TIMEOUT` (milliseconds), or 30 s and one more for
        each 1000 spans, for all outputs.

        Args:
            saved: a file that holds all spans already.
            waiting: called with what is waited for, when that takes more than a second.

        Returns:
            What became of the spans, one report for each output. A difference between what
            was recorded and what arrived is also said aloud, as a warning of the logger
            `onnxspan`, once for each output.
        """
        self._leave_to_parent()
        self._hand_over()
        deliveries, self._deliveries = self._deliveries, []
        deadline = time.monotonic() + _flush_seconds(self.session.span_count)
        interrupted: BaseException | None = None
        reports = []
        for delivery in deliveries:
            try:
                left = 0.0 if interrupted else deadline - time.monotonic()
                if waiting is not None and not delivery.is_settled_within(min(left, _PATIENCE)):
                    waiting(
                        f"{delivery.place} to take {delivery.emitted} spans, {left:.0f} s at most"
                    )
                delivery.wait(left)
            except BaseException as error:  # Ctrl-C while waiting: the spans still go to a file
                interrupted = error
                delivery.problem = f"waiting was broken off ({type(error).__name__})"
            missing = delivery.stop()
            arrived = delivery.emitted - len(missing)
            report = Report(delivery.place, delivery.emitted, arrived, resend=delivery.resend)
            if missing:
                report.problem = delivery.problem
                _keep(report, missing, saved)
                _logger.warning("%s", describe(report))
            reports.append(report)
        self.reports += reports
        if interrupted is not None:
            raise interrupted
        return reports

    def _leave_to_parent(self) -> None:
        """In a forked child: what was recorded before is the parent's to deliver."""
        if os.getpid() != self._process:
            self._process = os.getpid()
            self._lock = threading.Lock()
            self._deliveries = []
            self._under_way.clear()
            self._handed = self.session.span_count

    def _hand_over(self) -> None:
        with self._lock:  # exports may end in several threads at once
            spans = self.session.kept_from(self._handed)
            self._handed += len(spans)
            if not spans:
                return
            for delivery in self._open():
                delivery.add(spans)

    def _open(self) -> list[Delivery]:
        if not self._deliveries:
            from onnxspan.recording.outputs import otlp  # it needs an extra

            self._deliveries = [otlp.delivery(endpoint) for endpoint in self._endpoints]
            self._deliveries += [of_exporter(exporter) for exporter in self._exporters]
            self._hold(held=bool(self._under_way))
        return self._deliveries

    def _hold(self, *, held: bool) -> None:
        for delivery in self._deliveries:
            delivery.hold(held)


def describe(report: Report) -> str:
    """What to say of an output that not all spans have reached."""
    where = f" They are in {report.file}" if report.file else " They could not be kept in a file"
    again = ""
    if report.file and report.resend:
        again = f"; send them with: onnxspan send {report.file} {report.resend}"
    return (
        f"onnxspan: {report.missing} of {report.emitted} spans did not reach {report.place}: "
        f"{report.problem or 'no reason was given'}.{where}{again}"
    )


def _keep(report: Report, missing: list[ReadableSpan], saved: Path | None) -> None:
    if saved is not None and report.delivered == 0:
        report.file = saved
        return
    context = missing[0].get_span_context()
    trace = format(context.trace_id if context else 0, "032x")[:8]
    for folder in (Path(), Path(tempfile.gettempdir())):
        try:
            path = _free_name(folder, f"onnxspan-undelivered-{trace}")
            write_file(path, missing)
        except OSError as error:
            report.problem += f" ({path}: {error.strerror or error})"
            continue
        report.file = path
        return


def _free_name(folder: Path, stem: str) -> Path:
    number = 1
    path = folder / f"{stem}.jsonl"
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.jsonl"
    return path


def _flush_seconds(spans: int) -> float:
    try:
        return int(os.environ["OTEL_BSP_EXPORT_TIMEOUT"]) / 1000
    except (KeyError, ValueError):
        return _FLUSH_SECONDS + spans / _SPANS_A_SECOND


def of_exporter(exporter: SpanExporter) -> Delivery:
    """A delivery to one of OpenTelemetry's exporters, which is called from one thread only."""
    return Delivery(type(exporter).__name__, lambda: _ExporterSender(exporter))


class _ExporterSender:
    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def send(self, batch: list[ReadableSpan]) -> Outcome:
        result = self._exporter.export(batch)
        return Outcome("" if result.name == "SUCCESS" else f"it returned {result.name}")

    def close(self) -> None:
        # It is the user's: they may go on with it, and shut it down when they are done.
        self._exporter.force_flush()


def write_file(path: str | os.PathLike[str], spans: Sequence[ReadableSpan]) -> None:
    """Write spans as OTLP JSON lines by OpenTelemetry's own exporter, whole or not at all.

    Raises:
        OSError: when the folder or file cannot be written; nothing is then left of it.
        ValueError: when there is nothing to write.
    """
    from opentelemetry.exporter.otlp.json.file import FileSpanExporter

    if not spans:
        raise ValueError(
            f"{os.fspath(path)} was not written: no export was recorded. "
            "Call torch.onnx.export inside the `with onnxspan.trace()` block."
        )
    with files.whole(path) as stream:
        exporter = FileSpanExporter(stream=stream)
        for first in range(0, len(spans), _BATCH):
            problem = exporter_logs.export(exporter, spans[first : first + _BATCH])
            if problem:
                raise OSError(f"{os.fspath(path)}: {problem}")
