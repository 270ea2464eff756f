"""Where the numbers of a verified export begin to differ from the eager model's."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading.text import printable, shorten_path

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span, Trace

INPUTS = {
    "example": "the example inputs",
    "other values": "other values of the example's shapes, drawn with a fixed seed",
    "other sizes": "other sizes of the dynamic dimensions",
    "given": "the inputs that were given",
    "drawn": "values drawn with a fixed seed: no verified export has inputs of these names and types",
}
"""What each kind of inputs is called on the screen."""


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """The first step whose outputs differ.

    Attributes:
        stage: the stage of the exporter; `pass_name` the span after which they differ.
        operator: the first operator that computes other values from equal inputs, and what
            it was converted to; None where none could be found.
        module: path of the module that called the operator; `module_class` its class.
        file: the line of the model; `line` its number and `text` its text.
        output: the output that differs most.
        max_abs_diff: largest absolute difference; `max_rel_diff` the largest relative one.
            Infinite where a shape differs, or where one value alone is NaN or infinite.
        mismatched: elements beyond the tolerance, of `elements`.
        rtol: relative tolerance; `atol` the absolute one.
        inputs: `example`, `other values`, `other sizes` or `given`.
        nondeterministic: the eager model itself gives two answers; nothing is blamed.
        before: the last step that agreed, and `before_max_abs_diff` how far.
        also: how many more operators compute other values from equal inputs.
        unrun: steps between `before` and `pass_name` that could not be run: the fault may lie
            in each of them.
        state: buffers and attributes that each run of the model changes, when the capture differs.
        what: in words, a shape or type that differs, or an error of the graph.
        is_of_step: found in a step of a pack, against the model that the step was given.
    """

    stage: str | None
    pass_name: str | None
    operator: str | None
    module: str | None
    module_class: str | None
    file: str | None
    line: int | None
    text: str | None
    output: str
    max_abs_diff: float
    max_rel_diff: float
    mismatched: int
    elements: int
    rtol: float
    atol: float
    inputs: str
    nondeterministic: bool
    before: str | None = None
    before_max_abs_diff: float | None = None
    also: int = 0
    unrun: tuple[str, ...] = ()
    what: str | None = None
    state: tuple[str, ...] = ()
    is_of_step: bool = False

    def as_json(self) -> dict[str, Any]:
        """The fields by name; a difference that is not finite is None: JSON has no infinity."""
        return {
            key: value if not isinstance(value, float) or math.isfinite(value) else None
            for key, value in dataclasses.asdict(self).items()
        }

    def lines(self) -> list[tuple[str, str]]:
        """Label and text of each line of the screen below its head."""
        found: list[tuple[str, str]] = []
        if self.operator:
            plural = "" if self.also == 1 else "s"
            more = f" and {self.also:,} more operator{plural}" if self.also else ""
            found.append(("operator", f"{self.operator}{more}"))
        if self.module is not None or self.module_class:
            where = self.module or "the model itself"
            found.append(
                ("module", f"{where} ({self.module_class})" if self.module_class else where)
            )
        if self.file:
            found.append(("source", f"{self.file}:{self.line}"))
            if self.text:
                found.append(("", self.text))
        if self.what:
            found.append(("what", self.what))
        if not self.what:
            largest = (
                f"{self.max_abs_diff:.1e} absolute, {self.max_rel_diff:.1e} relative, "
                f"{self.mismatched:,} of {self.elements:,} elements "
                f"(tolerance {self.atol:g}, {self.rtol:g})"
            )
            found.append(("largest", largest))
        if self.before is not None:
            found.append(
                ("before it", f"{self.before_max_abs_diff or 0.0:.1e} after {self.before}")
            )
        if self.unrun:
            found.append(
                ("not run", f"{', '.join(self.unrun)}: the fault may lie in each of them")
            )
        if self.state:
            found.append(("state", f"each run of the model changes {', '.join(self.state)}"))
        found.append(("inputs", INPUTS.get(self.inputs, self.inputs)))
        found.append(("try", self.advice()))
        return found

    def advice(self) -> str:  # noqa: PLR0911  # one case after the other
        """What to do next."""
        if self.nondeterministic:
            return (
                "The eager model gives two answers to the same inputs (dropout in training mode, "
                "a random operator): export with model.eval(), or give the random values as inputs."
            )
        if self.state:
            return (
                "The exporter runs the model more than once, and the file holds what a later run left. "
                "Do not change buffers or attributes in forward: give the state as an input and "
                "return the new one."
            )
        if self.is_of_step:
            return (
                "This step made a model that answers otherwise than the model it was given: leave the "
                "step out, or ask the library for less (its options), and report the model to it."
            )
        if self.pass_name == c.OPTIMISED_FILE:
            return (
                "The file is right and onnxruntime's graph optimisation changes the numbers: lower "
                "SessionOptions.graph_optimization_level, and report the model to onnxruntime."
            )
        if self.inputs != "example" and self.stage in c.CAPTURES:
            return (
                "The capture fixed a value, a branch or a size of the example inputs. Compute it "
                "with tensor operators, script the function, use torch.cond, or declare the "
                "dimension dynamic."
            )
        if self.operator and "→" in self.operator:
            return (
                "Look at the function that converts this operator (onnxspan walk), or replace it: "
                "register_custom_op_symbolic, or custom_translation_table with dynamo=True."
            )
        return (
            "See the step in the walk: onnxspan walk FILE; record with --snapshots for the graph."
        )

    def screen(self, width: int = 100) -> str:
        """The mismatch as text; advice is wrapped, a place is never cut.

        Args:
            width: columns to fit.
        """
        if self.nondeterministic:
            head = "The eager model gives two answers to the same inputs"
        else:
            head = f"The numbers begin to differ in {self.pass_name}"
        label = max(len(name) for name, _ in self.lines())
        rows = [head]
        for name, text in self.lines():
            room = max(width - label - 2, 40)
            wrapped = [shorten_path(text, room)] if name == "source" else textwrap.wrap(text, room)
            rows += [
                f"{'' if number else name:<{label}}  {line}" for number, line in enumerate(wrapped)
            ]
        return printable("\n".join(rows))


def of_trace(trace: Trace) -> list[Mismatch]:
    """The mismatch of each export that has one, then of each step of a pack."""
    found = [one for one in map(of_export, trace.exports) if one is not None]
    steps = [span for span in trace.spans if is_of_step(span)]
    return [*found, *(one for one in map(of_export, steps) if one is not None)]


def is_of_step(span: Span) -> bool:
    """Whether a span is a step of a pack that made another model with other numbers."""
    return c.VERIFY_LARGEST in span.attributes and c.MISMATCH_INPUTS in span.attributes


def of_export(span: Span) -> Mismatch | None:
    """The mismatch that an export's root says; None when it says none."""
    inside = next((one for one in span.walk() if c.MISMATCH_INPUTS in one.attributes), None)
    inside = inside or span.holder(c.MISMATCH_INPUTS)
    if inside is None:
        return None
    get = inside.get
    return Mismatch(
        stage=get(c.MISMATCH_STAGE),
        pass_name=get(c.MISMATCH_PASS),
        operator=get(c.MISMATCH_OPERATOR),
        module=get(c.MISMATCH_MODULE),
        module_class=get(c.MISMATCH_MODULE_CLASS),
        file=get(c.MISMATCH_FILE),
        line=inside.number(c.MISMATCH_LINE),
        text=get(c.MISMATCH_TEXT),
        output=str(get(c.MISMATCH_OUTPUT, "")),
        max_abs_diff=_number(get(c.MISMATCH_MAX_ABS, math.inf)),
        max_rel_diff=_number(get(c.MISMATCH_MAX_REL, math.inf)),
        mismatched=inside.number(c.MISMATCH_MISMATCHED) or 0,
        elements=inside.number(c.MISMATCH_ELEMENTS) or 0,
        rtol=_number(get(c.MISMATCH_RTOL)),
        atol=_number(get(c.MISMATCH_ATOL)),
        inputs=str(get(c.MISMATCH_INPUTS)),
        nondeterministic=bool(get(c.MISMATCH_NONDETERMINISTIC)),
        before=get(c.MISMATCH_BEFORE),
        before_max_abs_diff=(
            _number(get(c.MISMATCH_BEFORE_MAX_ABS)) if get(c.MISMATCH_BEFORE) is not None else None
        ),
        also=inside.number(c.MISMATCH_ALSO) or 0,
        unrun=tuple(get(c.MISMATCH_UNRUN) or ()),
        what=get(c.MISMATCH_WHAT),
        state=tuple(get(c.MISMATCH_STATE) or ()),
        is_of_step=is_of_step(inside),
    )


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
