"""One question before a step shows its result: what will the pass do to the graph?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.text import one_line
from onnxspan.reading.walk import facts
from onnxspan.reading.walk.steps import visits

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Trace

ANSWERS = {"m": "more", "f": "fewer", "s": "the same"}
"""By key, what can be answered."""


@dataclasses.dataclass(frozen=True)
class Question:
    """A question made from the trace.

    Attributes:
        text: the question in one sentence.
        answer: the right key of `ANSWERS`.
        result: what happened, in one sentence.
    """

    text: str
    answer: str
    result: str

    def judged(self, key: str) -> str:
        """Whether an answer is right, and what happened."""
        return f"{'Right' if key == self.answer else 'No'}: {self.result}"


def of_trace(trace: Trace) -> dict[str, Question]:
    """By span's id, the question for each step whose graph has a size before and after it.

    Two graphs of different kinds (fx nodes, ONNX nodes) are compared too: what a conversion makes
    of a graph is the best question of all.
    """
    found: dict[str, Question] = {}
    for root in trace.roots:
        for visit in visits(root):
            span, before, after = visit.span, visit.before, facts.Size.of(visit.span)
            if span.get(c.LEVEL) != c.Level.PASSES.name.lower() or before is None or after is None:
                continue
            if before.nodes is None or after.nodes is None:
                continue
            answer = (
                "m" if after.nodes > before.nodes else "f" if after.nodes < before.nodes else "s"
            )
            was, now = figures.count(before.nodes), figures.count(after.nodes)
            found[span.span_id] = Question(
                f"{facts.number(before.nodes, 'node')}; {one_line(span.name)} comes: more (m), "
                "fewer (f) or the same number (s)?",
                answer,
                f"{was} → {now} nodes, {ANSWERS[answer]}",
            )
    return found
