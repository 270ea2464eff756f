"""What is said in words below a span: its failure, and what a reader should not overlook."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.failure import in_module, is_handled, module_of
from onnxspan.reading.text import one_line, without_colours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Span

MESSAGE = 400
"""Characters of a failure's message that are shown; the file has the whole."""


MAX_OUTPUTS = 4
"""Outputs whose verification is shown; the file has them all."""


def failure_lines(span: Span) -> Iterator[str]:
    """The message of a failure, where it happened, and the node that it happened at."""
    if not span.error or any(child.description == span.description for child in span.children):
        return
    message = without_colours(span.description or str(span.get(c.ERROR_TYPE, "failed")))
    message = one_line(f"handled: {message}" if is_handled(span) else message)
    yield message if len(message) <= MESSAGE else message[: MESSAGE - 1] + "…"
    module = module_of(span) if span.get(c.NODE_SCOPE) else ""
    if module:
        yield in_module(module)
    if span.get(c.NODE_OPERATOR) and span.get(c.FILE):
        yield one_line(f"at {span.get(c.FILE)}:{span.get(c.LINE, '?')}")


PASSING_MEMORY = 0.05
"""From this share of the process's peak on, memory that a span took and gave back is said."""


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
    passing = _passing_memory(span)
    if passing and not any(2 * _passing_memory(child) >= passing for child in span.children):
        yield f"took {figures.size(passing)} more in between, and gave it back"
    lost = span.get(c.DYNAMIC_LOST)
    if isinstance(lost, list) and lost:
        yield f"dynamic dimensions lost here: {one_line(', '.join(map(str, lost)))}"
    yield from _of_export(span)
    yield from _of_pack(span)
    dropped_events = span.number(c.EVENTS_DROPPED)
    if dropped_events:
        yield f"{figures.count(dropped_events)} log lines or warnings more were not kept"
    if not span.end:
        yield "begun, and never ended"


def _of_pack(span: Span) -> Iterator[str]:
    """What a step before or after an export did to a model."""
    change, size = span.number(c.PACK_BYTES_CHANGE), span.number(c.PACK_BYTES)
    if change and size is not None:
        was, now = figures.size(size - change), figures.size(size)
        if was != now:
            yield f"{was} → {now}"
    operators = span.get(c.PACK_OPERATORS)
    if isinstance(operators, list) and operators:
        shown = [str(each).replace("=", " ") for each in operators[:_MAX_CHANGES]]
        more = f", {len(operators) - _MAX_CHANGES} more" if len(operators) > _MAX_CHANGES else ""
        yield one_line(f"operators: {', '.join(shown)}{more}")
    providers = span.get(c.PACK_PROVIDERS)
    if isinstance(providers, list) and providers and not span.is_node:
        yield one_line(f"runs on {', '.join(map(str, providers))}")
    optimized = str(span.get(c.PACK_OPTIMIZED, ""))
    if optimized:
        known = not optimized.startswith("unknown")
        yield one_line(
            f"nodes after onnxruntime's optimisation (from: {optimized})"
            if known
            else f"nodes after onnxruntime's optimisation: {optimized}"
        )


_MAX_CHANGES = 5


def _of_export(span: Span) -> Iterator[str]:
    """What was found about the numbers, the shapes and the constants of an export."""
    if c.VERIFY_LARGEST in span.attributes:
        yield _step_verified(span)
    elif c.PACK_BYTES in span.attributes and span.get(c.VERIFY_SKIPPED):
        yield one_line(f"not verified: {span.get(c.VERIFY_SKIPPED)}")
    elif span.get(c.MISMATCH_INPUTS) is None and (span.number(c.VERIFY_MISMATCHED) or 0) > 0:
        largest = span.get(c.VERIFY_MAX_ABS)
        far = f" by {_short(largest)} at most" if isinstance(largest, float) else ""
        yield (
            f"the numbers differ from the eager model's{far}, in "
            f"{figures.count(span.number(c.VERIFY_MISMATCHED) or 0)} elements"
        )
    elif span.parent is None or c.EXPORTER in span.attributes:
        yield from _verified(span)
    if c.EXPORTER in span.attributes:
        yield from _baked(span)
    yield from _constants(span)
    missing = span.get(c.INPUTS_MISSING)
    if isinstance(missing, list) and missing:
        yield one_line(f"inputs that are not in the model: {', '.join(map(str, missing))}")
    ends = span.get(c.DYNAMIC_ENDS)
    for end in ends if isinstance(ends, list) else ():
        yield one_line(f"a dynamic dimension of the inputs ends: {end}")
    required = span.get(c.DYNAMIC_REQUIRED) if c.EXPORTER in span.attributes else None
    for condition in required if isinstance(required, list) else ():
        yield one_line(f"the model requires of a dynamic dimension: {condition}")


def _constants(span: Span) -> Iterator[str]:
    """Why a file is larger than the model: constants that are no parameters."""
    size, parameters = span.number(c.RESULT_CONSTANT_BYTES), span.number(c.MODEL_BYTES)
    names, sizes = span.get(c.RESULT_CONSTANTS), span.get(c.RESULT_CONSTANTS_BYTES)
    if not isinstance(names, list) or not isinstance(sizes, list):
        return
    if size is None or parameters is None or size < _LARGER * parameters:
        return
    listed = [
        f"{name} ({figures.size(taken)})"
        for name, taken in zip(names, sizes, strict=False)
        if isinstance(taken, int)
    ]
    yield one_line(
        f"the file's constants take {figures.size(size)}, the model's parameters "
        f"{figures.size(parameters)}; the largest that are no parameters: "
        + "; ".join(listed[:_MAX_CONSTANTS])
    )


_LARGER = 1.1
"""Constants of so many times the parameters' bytes are worth a line."""
_MAX_CONSTANTS = 3


def _baked(span: Span) -> Iterator[str]:
    """The lines at which tracing made a constant of a value, from torch's warnings."""
    places: dict[str, None] = {}
    for below in span.walk():
        for event in below.events:
            if (
                event.name == c.WARNING_EVENT
                and event.attributes.get(c.WARNING_CATEGORY) in _TRACER
            ):
                file = str(event.attributes.get(c.FILE, "?"))
                places[f"{file}:{event.attributes.get(c.LINE, '?')}"] = None
    if places:
        count = (
            f"{len(places)} values became constants"
            if len(places) > 1
            else "a value became a constant"
        )
        shown = ", ".join(list(places)[:MAX_OUTPUTS])
        more = f" and {len(places) - MAX_OUTPUTS} more" if len(places) > MAX_OUTPUTS else ""
        yield one_line(f"{count} while tracing: {shown}{more}")


_TRACER = ("TracerWarning", "torch.jit.TracerWarning")


def _step_verified(span: Span) -> str:
    """How far the model that a step of a pack made is from the one that it was given."""
    far = span.get(c.VERIFY_MAX_ABS)
    wrong = span.number(c.VERIFY_MISMATCHED) or 0
    if not wrong and span.get(c.MISMATCH_INPUTS) is None:
        return (
            f"verified: the numbers agree with the given model's, largest difference {_short(far)}"
        )
    by = f" by {_short(far)} at most" if isinstance(far, int | float) else ""
    elements = span.number(c.VERIFY_ELEMENTS) or 0
    told = (
        f"the numbers differ from the given model's{by} (largest value "
        f"{_short(span.get(c.VERIFY_LARGEST))}), in {figures.count(wrong)} of "
        f"{figures.count(elements)} elements"
    )
    return f"{told}: the step lowers the precision" if span.get(c.VERIFY_LOSSY) is True else told


def _verified(span: Span) -> Iterator[str]:
    """What verification found, on the root of an export that was verified."""
    steps = span.number(c.VERIFY_STEPS)
    if steps and span.get(c.MISMATCH_INPUTS) is None:
        yield f"verified: the graph was run {figures.count(steps)} times, and the numbers agree"
    for note in span.get(c.VERIFY_NOTES) or ():
        yield one_line(f"verification: {note}")


def _passing_memory(span: Span) -> int:
    """Bytes by which a span raised the process's peak above what it kept; 0 when too few."""
    raised = span.number(c.MEMORY_PEAK_GROWTH) or 0
    given_back = raised - max(span.number(c.MEMORY_GROWTH) or 0, 0)
    return given_back if given_back > PASSING_MEMORY * (span.number(c.MEMORY_PEAK) or 0) else 0


def findings(span: Span) -> Iterator[str]:
    """What a stage was run to find out: how far the outputs are from torch's, where a report is."""
    if c.EXPORTER in span.attributes and span.parent is not None:
        return  # its own spans say it
    columns = [span.get(key) for key in (c.VERIFY_OUTPUTS, c.VERIFY_ABSOLUTE, c.VERIFY_RELATIVE)]
    if span.name == c.PROGRAM_CHECK and all(isinstance(each, list) for each in columns):
        rows = sorted(zip(*columns, strict=False), key=_closeness)
        for name, absolute, relative in rows[:MAX_OUTPUTS]:
            yield one_line(
                f"{name}: differs by {_short(absolute)} at most, {_short(relative)} relative"
            )
        if len(columns[0]) > MAX_OUTPUTS:
            yield f"and {len(columns[0]) - MAX_OUTPUTS} more outputs"
    if span.get(c.REPORT_FILE):
        yield one_line(f"wrote {span.get(c.REPORT_FILE)}")


def _closeness(row: tuple[Any, Any, Any]) -> float:
    """What differs most comes first, and before it what cannot be compared."""
    absolute = row[1]
    return -absolute if isinstance(absolute, int | float) and absolute >= 0 else -math.inf


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else str(value)
