"""What an export wrote: the model's file, and its weights beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import figures

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span


def written(span: Span) -> int | None:
    """Bytes of the model as written, external data included; None when nothing was."""
    model = span.number(c.RESULT_BYTES)
    return None if model is None else model + (span.number(c.RESULT_EXTERNAL_BYTES) or 0)


def written_text(span: Span) -> str:
    """As `1.02 MiB`, or `1.02 MiB, of it 1.00 MiB external data`; empty for nothing."""
    whole = written(span)
    if whole is None:
        return ""
    external = span.number(c.RESULT_EXTERNAL_BYTES)
    if not external:
        return figures.size(whole)
    return f"{figures.size(whole)}, of it {figures.size(external)} external data"
