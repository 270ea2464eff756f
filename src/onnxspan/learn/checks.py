"""What each exercise asks of an attempt: a sentence for what is missing, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan.learn.attempt import CLOSE, Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from onnxspan.learn.exercise import Exercise

LARGE = 64 * 1024
FEW = 20


def check(exercise: Exercise, script: Path) -> list[str]:
    """What a script still lacks; empty when the exercise is solved.

    Args:
        exercise: which one.
        script: the learner's file.
    """
    attempt = Attempt(script, exercise.start, verify=exercise.number in _VERIFIED)
    if attempt.error is not None:
        failure = attempt.trace.failure
        if failure is not None:
            return ["The export fails:", failure.screen()]
        return [f"The script raises {type(attempt.error).__name__}: {attempt.error}"]
    if attempt.proto is None or not attempt.trace.exports:
        return ["The script writes no model.onnx by torch.onnx.export."]
    if exercise.exporter not in ("both", attempt.exporter):
        return [
            f"The {attempt.exporter} exporter ran; this exercise is about {exercise.exporter}."
        ]
    return list(_CHECKS[exercise.number](attempt))


def _exporter(attempt: Attempt) -> Iterator[str]:
    if attempt.exporter != "torchscript":
        yield "The dynamo exporter ran."


def _names(attempt: Attempt) -> Iterator[str]:
    for what, values, wanted in (
        ("input", attempt.proto.graph.input, "image"),
        ("output", attempt.proto.graph.output, "label"),
    ):
        if [one.name for one in values] != [wanted]:
            yield f"The {what} is named {[one.name for one in values]}, not {wanted}."


def _removed(attempt: Attempt) -> Iterator[str]:
    passes = {one.pass_name for one in attempt.origins.removed if "dropout" in one.origin.operator}
    yield from _answer(attempt, passes, "The dropout was still there before another pass.")


def _fused(attempt: Attempt) -> Iterator[str]:
    passes = {
        name
        for node in attempt.origins.nodes
        if node.op_type == "Conv"
        for name, did in node.passes
        if did == "fused"
    }
    yield from _answer(attempt, passes, "Another pass fused the two.")


def _line(attempt: Attempt) -> Iterator[str]:
    lines = {
        origin.line
        for node in attempt.origins.nodes
        if node.op_type == "Softmax"
        for origin in node.origins
    }
    yield from _answer(attempt, lines, "The Softmax stems from another line.")


def _answer(attempt: Attempt, right: set[Any], wrong: str) -> Iterator[str]:
    answer = attempt.names.get("ANSWER")
    if answer in ("?", 0, None):
        yield "ANSWER is still to be written."
    elif answer not in right:
        yield f"ANSWER is {answer!r}. {wrong}"


def _constant(attempt: Attempt) -> Iterator[str]:
    size = len(attempt.proto.SerializeToString())
    if size >= LARGE:
        yield f"The file has {size:,} bytes."
    yield from _same(attempt)


def _same(attempt: Attempt, *inputs: tuple[Any, ...]) -> Iterator[str]:
    try:
        difference = attempt.differs(*inputs)
    except Exception as error:  # onnxruntime may raise anything for a file
        yield f"The file cannot be run on the inputs of this exercise: {str(error)[:200]}"
        return
    if not difference <= CLOSE:
        yield f"The numbers differ from the model's by {difference:.2g}."


def _split(attempt: Attempt) -> Iterator[str]:
    operators = attempt.operators
    if any("Sequence" in one for one in operators):
        yield f"The file still has a sequence: {', '.join(operators)}."
    if operators.count("Split") != 1:
        yield f"The file has {operators.count('Split')} Split."
    yield from _same(attempt)


def _hypot(attempt: Attempt) -> Iterator[str]:
    operators = {origin.operator for node in attempt.origins.nodes for origin in node.origins}
    if not any("hypot" in one for one in operators):
        yield "No node of the file stems from hypot: leave the model as it is."
    yield from _same(attempt)


def _batch(attempt: Attempt) -> Iterator[str]:
    import torch

    graph = attempt.proto.graph
    if not isinstance(attempt.shape(graph.input[0])[0], str):
        yield f"The input has the shape {attempt.shape(graph.input[0])}."
    if not isinstance(attempt.shape(graph.output[0])[0], str):
        yield f"The output has the shape {attempt.shape(graph.output[0])}."
    (example,) = attempt.names["args"]
    yield from _same(attempt, (torch.rand(5, *example.shape[1:]),))


def _branch(attempt: Attempt) -> Iterator[str]:
    import torch

    yield from _same(attempt, (torch.ones(2, 2),), (-torch.ones(2, 2) * 3,))


def _training(attempt: Attempt) -> Iterator[str]:
    if "Dropout" in attempt.operators:
        yield "The file still has a Dropout."


def _differ(attempt: Attempt) -> Iterator[str]:
    found = attempt.trace.mismatch
    if found is None:
        yield "The numbers agree: leave the wrong function where it is, and find it."
        return
    yield from _answer(attempt, {found.module}, "Another module comes first.")


def _loop(attempt: Attempt) -> Iterator[str]:
    operators = attempt.operators
    if operators.count("Loop") != 1:
        yield f"The file has {operators.count('Loop')} Loop."
    if len(operators) > FEW:
        yield f"The file has {len(operators)} nodes."
    yield from _same(attempt)


def _fold(attempt: Attempt) -> Iterator[str]:
    if "Transpose" in attempt.operators:
        yield "The file still has a Transpose."
    yield from _same(attempt)


_CHECKS: dict[int, Callable[[Attempt], Iterator[str]]] = {
    1: _exporter,
    2: _names,
    3: _removed,
    4: _fused,
    5: _line,
    6: _constant,
    7: _split,
    8: _hypot,
    9: _hypot,
    10: _batch,
    11: _batch,
    12: _branch,
    13: _training,
    14: _differ,
    15: _loop,
    16: _fold,
}
_VERIFIED = {14}
