"""The constants of an exported model that are no parameter of the model, and what each was made from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_LISTED = 5
"""Constants that are told."""
MIN_BYTES = 4096
"""Smaller constants are no reason why a file is large."""
SAMPLES = 64
"""Elements that are compared: two tensors of weights that agree in so many are the same."""


def note_constants(
    attributes: dict[str, Any], values: Mapping[str, Any], model: Any, read: Callable[[Any], Any]
) -> None:
    """Write the bytes of all constants, and the largest of those that are no parameter by name.

    Args:
        attributes: the root's.
        values: the constants by name, each with `nbytes`.
        model: the model as it was given to the export: a module or an ExportedProgram.
        read: gives a constant as a tensor of torch or of numpy.
    """
    known = _tensors(model)
    made = [name for name in values if name not in known and values[name].nbytes >= MIN_BYTES]
    made.sort(key=lambda name: -values[name].nbytes)
    attributes[c.RESULT_CONSTANT_BYTES] = sum(value.nbytes for value in values.values())
    if made:
        attributes[c.RESULT_CONSTANTS] = [
            _described(name, read(values[name]), known) for name in made[:MAX_LISTED]
        ]
        attributes[c.RESULT_CONSTANTS_BYTES] = [
            int(values[name].nbytes) for name in made[:MAX_LISTED]
        ]


def large(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the values of Constant nodes those that make a file large: most are an axis or a shape."""
    return {name: value for name, value in values.items() if value.nbytes >= MIN_BYTES}


def _tensors(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in ("named_parameters", "named_buffers"):
        if hasattr(model, kind):
            found.update(getattr(model, kind)())
    return found


def _described(name: str, value: Any, known: Mapping[str, Any]) -> str:
    shape = ", ".join(map(str, value.shape))
    sources = [text for key, one in known.items() if (text := _made_from(value, key, one))]
    # Several weights with the same values, such as zeros, tell nothing.
    return f"{name} {_kind(value)}[{shape}]" + (f", {sources[0]}" if len(sources) == 1 else "")


def _made_from(value: Any, name: str, source: Any) -> str:
    """How a constant follows from a tensor of the model; empty when it does not."""
    mine, whose = tuple(value.shape), tuple(source.shape)
    if math.prod(mine) != math.prod(whose) or _kind(value) != _kind(source):
        return ""
    source, count = source.detach(), math.prod(mine)
    places = [(number * count // SAMPLES + number) % count for number in range(SAMPLES)]
    found = _at(value, [_index(place, mine) for place in places])
    if found == _at(source, [_index(place, whose) for place in places]):
        return f"a copy of {name}" if mine == whose else f"{name} in another shape"
    if len(mine) != 2 or mine != whose[::-1]:  # noqa: PLR2004  # a matrix
        return ""
    turned = _at(source, [_index(place, mine)[::-1] for place in places])
    return f"{name} transposed" if found == turned else ""


def _kind(tensor: Any) -> str:
    return str(tensor.dtype).rpartition(".")[2]


def _index(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        index.append(place % size)
        place //= size
    return tuple(reversed(index))


def _at(tensor: Any, indices: list[tuple[int, ...]]) -> list[Any]:
    """The elements at some indices, of a tensor of torch or of numpy."""
    return list(tensor[tuple(map(list, zip(*indices, strict=True)))].tolist())
