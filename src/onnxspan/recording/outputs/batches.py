"""Cutting spans into batches that every collector takes.

A gRPC server refuses a message above 4 MiB and the whole batch with it, so a batch is cut by
an estimate of its bytes that is never too low, well under that limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opentelemetry.sdk.trace import ReadableSpan

LIMIT = 2 * 1024 * 1024
"""Bytes of a batch, estimated: half of what gRPC servers take by default."""
_ENTRY = 24
"""Protobuf's tags and lengths around one attribute or value, at most."""
_SPAN = 256
"""Ids, times, status, flags and the span's share of the scope."""


def cut(spans: Iterable[ReadableSpan], limit: int = LIMIT) -> Iterator[list[ReadableSpan]]:
    """Yield the spans in their order, in batches whose estimated size is within `limit` bytes.

    A span that is larger than the limit is a batch of its own.
    """
    batch: list[ReadableSpan] = []
    size = 0
    for span in spans:
        weight = weigh(span)
        if batch and size + weight > limit:
            yield batch
            batch, size = [], 0
        batch.append(span)
        size += weight
    if batch:
        yield batch


def weigh(span: ReadableSpan) -> int:
    """An upper estimate of the bytes that a span takes in OTLP's protobuf form."""
    size = _SPAN + _text(span.name) + _text(span.status.description or "")
    size += _attributes(span.attributes)
    for event in span.events:
        size += _ENTRY + _text(event.name) + _attributes(event.attributes)
    for link in span.links:
        size += 64 + _attributes(link.attributes)
    return size


def _attributes(attributes: Mapping[str, Any] | None) -> int:
    return sum(_ENTRY + _text(key) + _value(value) for key, value in (attributes or {}).items())


def _value(value: Any) -> int:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, tuple | list):
        return sum(_ENTRY + _value(item) for item in value)
    return 10  # a varint or a double


def _text(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
