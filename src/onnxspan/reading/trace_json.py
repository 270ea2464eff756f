"""A trace as plain JSON, for programs: `onnxspan show FILE --json`."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading import mismatch
from onnxspan.reading.tree import modules

if TYPE_CHECKING:
    from onnxspan.reading.failure import Failure
    from onnxspan.reading.source.trace import Span, Trace


def as_json(trace: Trace) -> dict[str, Any]:
    """The trace as nested objects; keys are stable.

    Returns:
        `{"source", "scripts": [span], "roots": [span], "failures": [failure]}`; a script is what `onnxspan run` ran, with
        what it imported as `children`. A span has `name`, `trace_id`, `span_id`, `start` and
        `end` (Unix time in nanoseconds; `end` null when it never ended), `duration_s`
        (seconds, null likewise), `status` (`"ok"` or `"error"`), `description`,
        `attributes`, `events` and `children`. The span of an export also has `mismatch`: the
        fields of `Mismatch`, or null when the export was not verified or its numbers agree (of a step
        of a pack only where there is one); and
        `modules`: `{"path", "operators", "nodes", "seconds"}` of each module of the model, the
        longest first, empty below level `nodes`. A failure has what the failure screen shows, as the
        fields of `Failure`, with the `span_id` of its span; `handled` ones did not end the export.
    """
    made: dict[int, dict[str, Any]] = {}
    # Children before parents: a deep trace must not reach Python's recursion limit.
    for span in reversed(trace.spans):
        made[id(span)] = _span(span, [made[id(child)] for child in span.children])
    return {
        "source": trace.source,
        "scripts": [
            _span(script, [_span(one, []) for one in script.children]) for script in trace.scripts
        ],
        "roots": [made[id(root)] for root in trace.roots],
        "failures": [_failure(failure) for failure in trace.failures],
    }


def _failure(failure: Failure) -> dict[str, Any]:
    fields = {
        field.name: getattr(failure, field.name)
        for field in dataclasses.fields(failure)
        if field.name not in {"span", "number", "of"}
    }
    return {"span_id": failure.span.span_id, **_plain(fields)}


def _span(span: Span, children: list[dict[str, Any]]) -> dict[str, Any]:
    is_export = c.EXPORTER in span.attributes
    of_export: dict[str, Any] = {}
    if is_export or mismatch.is_of_step(span):
        found = mismatch.of_export(span)
        of_export["mismatch"] = found.as_json() if found is not None else None
    if is_export:
        of_export["modules"] = [dataclasses.asdict(one) for one in modules.modules(span)]
    return {
        "name": span.name,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "start": span.start,
        "end": span.end or None,
        "duration_s": span.duration if span.end else None,
        "status": "error" if span.error else "ok",
        "description": span.description,
        "scope": span.scope,
        "attributes": _plain(span.attributes),
        "events": [
            {"name": event.name, "time": event.time, "attributes": _plain(event.attributes)}
            for event in span.events
        ],
        **of_export,
        "children": children,
    }


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
