"""What is said in words below a span: its failure, and what a reader should not overlook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.trace import Span

MESSAGE = 400
"""Characters of a failure's message that are shown; the file has the whole."""


MOST_OUTPUTS = 4
"""Outputs whose verification is shown; the file has them all."""


def failure_lines(span: Span) -> Iterator[str]:
    """The message of a failure, where it happened, and the node that it happened at."""
    if not span.error or any(child.description == span.description for child in span.children):
        return
    message = one_line(span.description or str(span.get(c.ERROR_TYPE, "failed")))
    yield message if len(message) <= MESSAGE else message[: MESSAGE - 1] + "…"
    scope = span.get(c.NODE_SCOPE)
    if scope:
        yield f"in module {one_line(str(scope))}"
    if span.get(c.NODE_OPERATOR) and span.get(c.FILE):
        yield one_line(f"at {span.get(c.FILE)}:{span.get(c.LINE, '?')}")


def notes(span: Span) -> Iterator[str]:
    """What is odd about a span that succeeded."""
    dropped = span.get(c.FORMAT_DROPPED)
    if isinstance(dropped, list) and dropped:
        yield f"inputs left out: {one_line(', '.join(map(str, dropped)))}"
    if span.get(c.JIT_INVARIANT) is False:
        yield one_line(
            f"{span.get(c.JIT_PARAMETERS)} parameters + {span.get(c.JIT_FLAT_INPUTS)} inputs "
            f"are not the graph's {span.get(c.JIT_GRAPH_INPUTS)} inputs"
        )
    lost = span.get(c.DYNAMIC_LOST)
    if isinstance(lost, list) and lost:
        yield f"dynamic dimensions lost here: {one_line(', '.join(map(str, lost)))}"
    if not span.end:
        yield "begun, and never ended"


def findings(span: Span) -> Iterator[str]:
    """What a stage was run to find out: how far the outputs are from torch's, where a report is."""
    if c.EXPORTER in span.attributes and span.parent is not None:
        return  # its own spans say it
    columns = [span.get(key) for key in (c.VERIFY_OUTPUTS, c.VERIFY_ABSOLUTE, c.VERIFY_RELATIVE)]
    if span.name == "verify_onnx_program" and all(isinstance(each, list) for each in columns):
        rows = sorted(zip(*columns, strict=False), key=_closeness)
        for name, absolute, relative in rows[:MOST_OUTPUTS]:
            yield one_line(
                f"{name}: differs by {_short(absolute)} at most, {_short(relative)} relative"
            )
        if len(columns[0]) > MOST_OUTPUTS:
            yield f"and {len(columns[0]) - MOST_OUTPUTS} more outputs"
    if span.get(c.REPORT_FILE):
        yield one_line(f"wrote {span.get(c.REPORT_FILE)}")


def _closeness(row: tuple[Any, Any, Any]) -> float:
    """What differs most comes first, and before it what cannot be compared."""
    absolute = row[1]
    return -absolute if isinstance(absolute, int | float) and absolute >= 0 else -math.inf


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else str(value)
