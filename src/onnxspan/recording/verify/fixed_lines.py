"""The line of a model at which tracing fixed a value that other inputs do not have."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from onnxspan.recording.faults import goes_on
from onnxspan.recording.probes.torchscript.nodes import source_of
from onnxspan.recording.verify.untouched import untouched

Place = tuple[str, int]
"""A file and the number of a line."""
_ALWAYS = ("always", None, torch.jit.TracerWarning, None, 0)


def fixed_line(
    model: Any, args: tuple[Any, ...], other_args: tuple[Any, ...], warned: list[Place]
) -> Place | None:
    """The line that fixed a value, found by tracing the model on the example and on other inputs.

    The two graphs are the same up to the first operator that a fixed value has changed. The line
    is that of torch's last warning before this operator; without a warning the operator's own.

    Args:
        model: the user's model.
        args: the example inputs.
        other_args: inputs on which the traced graph computes something else than the model.
        warned: the lines of the TracerWarnings that the export has raised. Python shows a warning
            once a place, and a filter may hide it: then there is none.

    Returns:
        None where it is not certain.
    """
    if len(set(warned)) == 1:
        return warned[0]
    example, lines = _traced(model, args)
    other, _ = _traced(model, other_args)
    lines = list(dict.fromkeys([*warned, *lines]))
    pairs = zip(example, other, strict=False)
    differing = next((one[1] for one, two in pairs if one[0] != two[0]), None)
    if differing is None:
        return lines[0] if len(lines) == 1 else None
    before = [one for one in lines if one[0] == differing[0] and one[1] <= differing[1]]
    return max(before) if before else lines[0] if len(lines) == 1 else differing


def _traced(model: Any, args: tuple[Any, ...]) -> tuple[list[tuple[str, Place]], list[Place]]:
    """Each node of a traced graph with its place, and the lines of torch's warnings."""
    lines: list[Place] = []

    def keep(message: Any) -> None:
        if issubclass(message.category, torch.jit.TracerWarning):
            lines.append((str(message.filename), int(message.lineno)))

    graph = None
    with untouched(model):
        shown = warnings._showwarnmsg  # type: ignore[attr-defined]  # the one place
        warnings._showwarnmsg = keep  # type: ignore[attr-defined]  # as above
        # Put in by hand: `warnings.filterwarnings` would make Python forget what it has shown.
        warnings.filters.insert(0, _ALWAYS)  # type: ignore[attr-defined]  # a list, always
        try:
            graph = torch.jit._get_trace_graph(model, args)[0]
        except Exception as error:  # a model that cannot be traced has no lines
            if goes_on(error):
                raise
        finally:
            warnings.filters.remove(_ALWAYS)  # type: ignore[attr-defined]  # as above
            warnings._showwarnmsg = shown  # type: ignore[attr-defined]  # as above
    nodes = [] if graph is None else list(graph.nodes())
    return [(_form(node), source_of(node.sourceRange()) or ("", 0)) for node in nodes], lines


def _form(node: Any) -> str:
    """The operator and its attributes, without the names of values."""
    names = sorted(node.attributeNames())
    return f"{node.kind()} {[str(getattr(node, node.kindOf(name))(name)) for name in names]}"
