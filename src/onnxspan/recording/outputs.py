"""Where spans go: for now, a file of OTLP JSON lines."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_BATCH = 512
"""Spans a line; several lines keep a reader's memory, and a line's loss, small."""


def write_file(path: str | os.PathLike[str], spans: Sequence[ReadableSpan]) -> None:
    """Write spans as OTLP JSON lines by OpenTelemetry's own exporter, whole or not at all.

    The spans go to a temporary name in the same folder, which then takes the file's place.

    Raises:
        OSError: when the folder or file cannot be written; nothing is then left of it.
        ValueError: when there is nothing to write.
    """
    from opentelemetry.exporter.otlp.json.file import FileSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

    if not spans:
        raise ValueError(
            f"{os.fspath(path)} was not written: no export was recorded. "
            "Call torch.onnx.export inside the `with onnxspan.trace()` block."
        )
    target = Path(path)
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{target.name}.", suffix=".part", dir=target.parent
    )
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            exporter = FileSpanExporter(stream=stream)
            for first in range(0, len(spans), _BATCH):
                if exporter.export(spans[first : first + _BATCH]) is not SpanExportResult.SUCCESS:
                    raise OSError(f"{target}: the OTLP file exporter could not write the spans")
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp's 0600 is not what `open` would give
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
