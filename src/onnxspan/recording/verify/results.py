"""What a verified export has found, and how it is written on the spans."""

from __future__ import annotations

import dataclasses
import linecache
import math
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.faults import goes_on
from onnxspan.recording.verify.compare import Difference, Tolerance, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from onnxspan.recording.verify.inputs import InputSet


@dataclasses.dataclass
class Step:
    """A step after which the graph was run."""

    name: str
    stage: str
    worst: float = 0.0


@dataclasses.dataclass
class Found:
    """A mismatch.

    Attributes:
        step: the first step that differs; `before` the last one that agreed.
        one: the inputs with which it differs.
        difference: of the output that differs most.
        unrun: the steps between the two that could not be run: one of them may be at fault.
        blamed: attributes of the operator or line at fault.
    """

    step: Step
    before: Step | None
    one: InputSet
    difference: Difference
    unrun: list[str] = dataclasses.field(default_factory=list)
    blamed: dict[str, Any] = dataclasses.field(default_factory=dict)

    def write(self, attributes: dict[str, Any]) -> None:
        """Set the attributes of the export's root."""
        difference = self.difference
        attributes.update(
            {
                c.MISMATCH_OUTPUT: difference.output,
                c.MISMATCH_MISMATCHED: difference.mismatched,
                c.MISMATCH_ELEMENTS: difference.elements,
                c.MISMATCH_RTOL: difference.rtol,
                c.MISMATCH_ATOL: difference.atol,
                c.MISMATCH_INPUTS: self.one.kind,
                c.MISMATCH_NONDETERMINISTIC: not self.step.name,
            }
        )
        # A file of JSON has no infinity: what is not finite is left out.
        if math.isfinite(difference.max_abs):
            attributes[c.MISMATCH_MAX_ABS] = difference.max_abs
        if math.isfinite(difference.max_rel):
            attributes[c.MISMATCH_MAX_REL] = difference.max_rel
        if self.step.name:
            attributes[c.MISMATCH_STAGE] = self.step.stage
            attributes[c.MISMATCH_PASS] = self.step.name
        if difference.what:
            attributes[c.MISMATCH_WHAT] = difference.what
        if self.unrun:
            attributes[c.MISMATCH_UNRUN] = self.unrun
        if self.before is not None:
            attributes[c.MISMATCH_BEFORE] = self.before.name
            attributes[c.MISMATCH_BEFORE_MAX_ABS] = self.before.worst
        attributes.update(self.blamed)
        file, line = attributes.get(c.MISMATCH_FILE), attributes.get(c.MISMATCH_LINE)
        if file and line:
            linecache.checkcache(file)  # a notebook's file may have changed meanwhile
            text = linecache.getline(file, line).strip()
            if text:
                attributes[c.MISMATCH_TEXT] = text[:240]


def worst_of(one: InputSet, outputs: list[torch.Tensor], tolerance: Tolerance) -> Difference:
    """The output of a graph that differs most from what the eager model answered."""
    if len(outputs) != len(one.expected):
        what = f"{len(outputs)} outputs instead of {len(one.expected)}"
        return Difference("", float("inf"), float("inf"), 1, 1, what=what)
    differences = [
        compare(f"output {number}", expected, actual, tolerance, noise)
        for number, (expected, actual, noise) in enumerate(
            zip(one.expected, outputs, one.noise, strict=True)
        )
    ]
    return max(differences, key=rank, default=Difference(""))


def rank(difference: Difference) -> tuple[bool, float]:
    """Sorts differences: a mismatch counts more than any difference within the tolerance."""
    return not difference.agrees, difference.max_abs


def step_attributes(difference: Difference, one: InputSet) -> dict[str, Any]:
    """The attributes of the span after which a graph was run."""
    found: dict[str, Any] = {
        c.VERIFY_MISMATCHED: difference.mismatched,
        c.VERIFY_ELEMENTS: difference.elements,
        c.VERIFY_INDEX: difference.index,
        c.VERIFY_INPUTS: one.kind,
    }
    if math.isfinite(difference.max_abs):
        found[c.VERIFY_MAX_ABS] = difference.max_abs
    if math.isfinite(difference.max_rel):
        found[c.VERIFY_MAX_REL] = difference.max_rel
    return found


def worst_of_sets(
    sets: Sequence[InputSet],
    run: Callable[[InputSet], list[torch.Tensor]],
    tolerance: Tolerance,
) -> tuple[Difference, InputSet]:
    """The largest difference over all sets of inputs; the first that is a mismatch, if any.

    Args:
        sets: at least one; the example first.
        run: gives the outputs of the graph for a set.
        tolerance: what may differ.

    Raises:
        Exception: what `run` raises on the first set: then nothing says that the graph can be run.
    """
    worst: tuple[Difference, InputSet] | None = None
    for one in sets:
        try:
            difference = worst_of(one, run(one), tolerance)
        except Exception as error:
            if worst is None or goes_on(error):
                raise
            # The model takes these inputs, and on the first set this very graph could be run.
            what = f"the graph fails: {short(error)}"
            difference = Difference("", float("inf"), float("inf"), 1, 1, what=what)
        if worst is None or rank(difference) > rank(worst[0]):
            worst = difference, one
        if not difference.agrees:
            break
    assert worst is not None
    return worst


def short(error: BaseException) -> str:
    """An error in one line: its type, and the line of its text that says why."""
    lines = str(error).strip().splitlines()
    # The interpreter says first that an operation failed, and last why.
    line = lines[-1] if lines and "TorchScript interpreter" in lines[0] else "".join(lines[:1])
    return f"{type(error).__name__}: {line.removeprefix(type(error).__name__ + ': ')[:200]}".strip(
        ": "
    )
