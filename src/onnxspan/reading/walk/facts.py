"""What a span's attributes say, in sentences: what went in, what came out, and the rest."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.text import one_line, printable
from onnxspan.reading.written import written_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.source.trace import Event, Span

MAX_NAMES = 8
"""Names that a line lists before it says how many more there are."""
MAX_LINES = 40
"""Lines of what was said inside one span."""
MAX_CHARACTERS = 240
"""Of one such line."""


@dataclasses.dataclass(frozen=True)
class Size:
    """A graph's size, as far as a span says it."""

    nodes: int | None
    inputs: int | None
    kind: str = ""

    @classmethod
    def of(cls, span: Span) -> Size | None:
        """The size at the span's end; None when it says none."""
        values = [span.get(key) for key in (c.NODES, c.INPUTS)]
        nodes, inputs = (value if isinstance(value, int) else None for value in values)
        kind = one_line(str(span.get(c.GRAPH_KIND, "")))
        return cls(nodes, inputs, kind) if nodes is not None else None

    def has_other_inputs(self, before: Size) -> bool:
        """Whether the number of inputs is another than before, as far as both are known."""
        known = self.kind == before.kind and None not in (self.inputs, before.inputs)
        return known and self.inputs != before.inputs

    def text(self) -> str:
        """As `43 nodes, 9 inputs`, or `83 fx nodes` where there are several kinds of graph."""
        parts = ((self.nodes, f"{self.kind} node".lstrip()), (self.inputs, "input"))
        return ", ".join(number(value, noun) for value, noun in parts if value is not None)


def number(value: Any, noun: str) -> str:
    """As `1 node`, `1,234 nodes`."""
    counted = figures.count(value) if isinstance(value, int) else one_line(str(value))
    return f"{counted} {noun}{'' if value == 1 else 's'}"


def size_text(value: Any) -> str:
    """Bytes as people read them; a file may say anything in their place."""
    return figures.size(value) if isinstance(value, int | float) else one_line(str(value))


def listed(names: Any) -> str:
    """Names with commas; the first few, and how many more."""
    if not isinstance(names, list):
        return one_line(str(names))
    shown = ", ".join(one_line(str(name)) for name in names[:MAX_NAMES])
    left = len(names) - MAX_NAMES
    return f"{shown} and {left} more" if left > 0 else shown


def in_and_out(span: Span, before: Size | None) -> tuple[list[str], list[str]]:
    """What the span was given and what it made of it.

    Args:
        span: the span.
        before: the graph's size when it began, when that is known.
    """
    own = _SPECIAL.get(span.name)
    if c.EXPORTER in span.attributes:
        own = _export
    elif own is None or not any(key.startswith(own[0]) for key in span.attributes):
        return _graph_in(span, before), _graph_out(span)
    else:
        own = own[1]
    return own(span)


def _graph_in(span: Span, before: Size | None) -> list[str]:
    size = Size.of(span)
    change = span.get(c.NODES_CHANGE)
    if size is not None and size.nodes is not None and isinstance(change, int):
        inputs = before.inputs if before is not None and before.kind == size.kind else None
        before = Size(size.nodes - change, inputs, size.kind)
    if size is None or before is None:
        return []
    return [f"graph: {before.text()}"]


def _graph_out(span: Span) -> list[str]:
    lines = []
    size = Size.of(span)
    if size is not None:
        change = span.get(c.NODES_CHANGE)
        changed = f" ({change:+,})" if isinstance(change, int) and change else ""
        nodes, comma, rest = size.text().partition(",")
        lines.append(f"graph: {nodes}{changed}{comma}{rest}")
    parameters = _counted_bytes(span, c.PARAMETERS, c.PARAMETER_BYTES, "tensor")
    if parameters:
        lines.append(f"parameters: {parameters}")
    if span.get(c.CONSTANT_BYTES):
        lines.append(f"constants in the graph: {size_text(span.get(c.CONSTANT_BYTES))}")
    if c.DYNAMIC_INPUTS in span.attributes and span.get(c.DYNAMIC_SYMBOLS):
        lines.append(_dynamic(span))
    if written_text(span):
        lines.append(f"bytes: {written_text(span)}")
    return lines


def _dynamic(span: Span) -> str:
    counts = [
        f"{number(span.get(key, 0), 'dimension')} of the {what}"
        for what, key in (("inputs", c.DYNAMIC_INPUTS), ("outputs", c.DYNAMIC_OUTPUTS))
    ]
    return f"dynamic: {' and '.join(counts)} ({listed(span.get(c.DYNAMIC_SYMBOLS))})"


def _counted_bytes(span: Span, count: str, size: str, noun: str) -> str:
    if count not in span.attributes:
        return ""
    text = number(span.get(count), noun)
    return f"{text}, {size_text(span.get(size))}" if size in span.attributes else text


def _export(span: Span) -> tuple[list[str], list[str]]:
    get = span.get
    went_in = [f"model: {one_line(str(get(c.MODEL_CLASS, '?')))}"]
    scalars = _counted_bytes(span, c.MODEL_PARAMETERS, c.MODEL_BYTES, "number")
    if scalars:
        went_in.append(f"parameters: {scalars}")
    asked = {"dynamic axes": c.DYNAMIC_AXES, "dynamic shapes": c.DYNAMIC_SHAPES}
    for label, key in {"inputs": c.MODEL_INPUT_SHAPES, **asked}.items():
        if get(key):
            went_in.append(f"{label}: {listed(get(key))}")
    versions = [
        f"{name} {one_line(str(get(key)))}"
        for name, key in (("torch", c.VERSION_TORCH), ("onnx", c.VERSION_ONNX))
        if get(key)
    ]
    exporter, opset = (one_line(str(get(key, "?"))) for key in (c.EXPORTER, c.OPSET))
    went_in.append(", ".join([f"exporter: {exporter}", f"opset {opset}", *versions]))
    came_out = []
    if get(c.RESULT_FILE):
        size = f", {written_text(span)}" if written_text(span) else ""
        came_out.append(f"file: {one_line(str(get(c.RESULT_FILE)))}{size}")
    if c.RESULT_NODES in span.attributes:
        initializers = number(get(c.RESULT_INITIALIZERS, 0), "initializer")
        came_out.append(f"graph: {number(get(c.RESULT_NODES), 'node')}, {initializers}")
    if get(c.RESULT_OPERATORS):
        came_out.append(f"operators: {listed(get(c.RESULT_OPERATORS))}")
    return went_in, came_out


def _input_format(span: Span) -> tuple[list[str], list[str]]:
    get = span.get
    went_in = [number(get(c.FORMAT_POSITIONAL, 0), "positional argument")]
    if get(c.FORMAT_KEYWORDS):
        went_in.append(f"a dictionary with {listed(get(c.FORMAT_KEYWORDS))}")
    came_out = [number(get(c.FORMAT_RESULT, 0), "positional argument")]
    for label, key in (
        ("placed from the dictionary", c.FORMAT_PLACED),
        ("filled with their defaults", c.FORMAT_DEFAULTS),
        ("dropped, `forward` does not know them", c.FORMAT_DROPPED),
    ):
        if get(key):
            came_out.append(f"{label}: {listed(get(key))}")
    return went_in, came_out


def _jit_graph(span: Span) -> tuple[list[str], list[str]]:
    get = span.get
    flat = number(get(c.JIT_FLAT_INPUTS, 0), "tensor")
    went_in = [f"{one_line(str(get(c.JIT_BRANCH)))}, {flat} in its flattened arguments"]
    kept = "kept from the run" if get(c.JIT_TORCH_OUT) else "none, the model was not run"
    holds = "holds" if get(c.JIT_INVARIANT) else "does not hold"
    counted = number(get(c.JIT_PARAMETERS, 0), "parameter")
    inputs = number(get(c.JIT_GRAPH_INPUTS, 0), "graph input")
    flattened = number(get(c.JIT_FLAT_INPUTS, 0), "flattened input")
    came_out = [
        *_graph_out(span),
        f"params: {counted}",
        f"torch_out: {kept}",
        f"module: {one_line(str(get(c.JIT_MODULE)))}",
        f"invariant: {counted} + {flattened} = {inputs}: {holds}",
    ]
    return went_in, came_out


_SPECIAL: dict[str, Any] = {
    c.INPUT_FORMAT: ("torch.onnx.input_format.", _input_format),
    c.JIT_CAPTURE: ("torch.onnx.jit_graph.", _jit_graph),
}
"""Stages with attributes of their own: their prefix, and what makes sentences of them."""

_SAID = frozenset(
    {
        c.FUNCTION, c.FILE, c.LINE, c.LEVEL, c.ERROR_TYPE, c.NODES, c.NODES_CHANGE, c.INPUTS,
        c.OUTPUTS, c.PARAMETERS, c.PARAMETER_BYTES, c.CONSTANT_BYTES, c.GRAPH_KIND,
        c.PASS_MODIFIED, c.MEMORY_RSS, c.MEMORY_PEAK, c.EVENTS_DROPPED, c.EXPORTER, c.VERSION_TORCH,
        c.VERSION_ONNX, c.OPSET, c.MODEL_CLASS, c.MODEL_PARAMETERS, c.MODEL_BYTES,
        c.MODEL_INPUTS, c.MODEL_INPUT_SHAPES, c.DYNAMIC_AXES, c.DYNAMIC_SHAPES, c.DYNAMIC_INPUTS,
        c.DYNAMIC_OUTPUTS, c.DYNAMIC_SYMBOLS, c.RESULT_FILE, c.RESULT_BYTES, c.RESULT_EXTERNAL_BYTES,
        c.RESULT_NODES, c.RESULT_INITIALIZERS, c.RESULT_OPERATORS,
    }
)  # fmt: skip
"""Attributes that are said elsewhere in a step, or that say little to a walker."""

_TYPES = {attribute.key: attribute.type for attribute in c.ATTRIBUTES}


def more(span: Span) -> Iterator[tuple[str, str]]:
    """The attributes that nothing else says, each as a label and a readable value."""
    special = _SPECIAL.get(span.name, ("\0",))[0]
    sums = {key.removesuffix(".operators") for key in span.attributes if _is_sum(span, key)}
    for key, value in span.attributes.items():
        prefix = key.rpartition(".")[0]
        if prefix in sums:
            if key.endswith(".operators"):
                yield prefix.removeprefix("torch.onnx."), _operators(span, prefix)
        elif key not in _SAID and not key.startswith(special):
            label = one_line(key.removeprefix("torch.onnx."))
            text = _readable(key, value)
            if text:
                yield label, text


_TELEMETRY = ("cpu.", "gc.", "memory.", "snapshot.", "tracing.", "version.", "events.", "verify.")


def is_telemetry(label: str) -> bool:
    """Whether a label of `more` is about the recording or the process, and not about the graph."""
    return label.startswith(_TELEMETRY)


def _is_sum(span: Span, key: str) -> bool:
    prefix = key.removesuffix(".operators")
    parts = [span.get(f"{prefix}.{part}") for part in ("operators", "calls", "durations")]
    return prefix != key and all(isinstance(part, list) for part in parts)


def _operators(span: Span, prefix: str) -> str:
    names, calls, seconds = (
        span.get(f"{prefix}.{part}") for part in ("operators", "calls", "durations")
    )
    rows = [row for row in zip(names, calls, seconds, strict=False) if _is_number(row[2])]
    rows.sort(key=lambda row: -row[2])
    return listed(
        [f"{count} x {name} {figures.duration(duration)}" for name, count, duration in rows]
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _readable(key: str, value: Any) -> str:
    """A value as people read it; empty when it is not worth a line."""
    type_ = _TYPES.get(key, "")
    if isinstance(value, list):
        text = listed(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        text = one_line(str(value))
    elif key == c.MEMORY_GROWTH:
        text = figures.growth(int(value))
    elif not value:
        text = ""
    elif "By" in type_:
        text = figures.size(value)
    elif type_.endswith(", s"):
        text = figures.duration(value)
    else:
        text = figures.count(value) if isinstance(value, int) else f"{value:g}"
    return text


def place(span: Span) -> str:
    """Where the wrapped function is: `file:line` for Python, the dotted name for C++."""
    file, line = span.get(c.FILE), span.get(c.LINE)
    if file:
        return one_line(f"{file}:{line}" if line else str(file))
    return one_line(str(span.get(c.FUNCTION, "")))


def log(span: Span) -> Iterator[str]:
    """What was said inside a span, failures left out: a line each, and how many more there are."""
    said = [_event_text(event) for event in span.events if event.name != c.EXCEPTION_EVENT]
    yield from said[:MAX_LINES]
    left = len(said) - MAX_LINES
    if left > 0:
        yield f"and {left} more in the trace"
    dropped = span.number(c.EVENTS_DROPPED)
    if dropped:
        yield f"and {dropped:,} more that were not kept"


def _event_text(event: Event) -> str:
    get = event.attributes.get
    message = next((line for line in str(get(c.LOG_MESSAGE, "")).splitlines() if line.strip()), "")
    where = f"{get(c.FILE)}:{get(c.LINE)}"
    if event.name == c.NATIVE_LOG_EVENT:
        text = f"{where} {message}"
    elif event.name == c.WARNING_EVENT:
        text = f"{get(c.WARNING_CATEGORY)}: {message} ({where})"
    elif event.name == c.LOG_EVENT:
        text = f"{get(c.LOG_LEVEL)} {get(c.LOG_LOGGER)}: {message}"
    else:
        text = " ".join([event.name, *(str(value) for value in event.attributes.values())])
    text = one_line(text)
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


def error(span: Span) -> str:
    """The failure: type and message; empty for a span that succeeded."""
    if not span.end:
        return "it never ended: the process died or was stopped inside"
    if not span.error:
        return ""
    kind = str(span.get(c.ERROR_TYPE, ""))
    text = span.description or kind or "failed"
    is_named = kind in text or text.startswith(f"{kind.rpartition('.')[2]}:")
    return printable(text if is_named else f"{kind}: {text}")
