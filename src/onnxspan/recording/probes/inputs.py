"""Which of the inputs that an export was given are inputs of the exported model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.probe import Exporter

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

MAX_NAMES = 64
_NUMBERED = re.compile(r"(?:onnx::\w+_|input\.)?(\d+)")


def note_inputs(attributes: dict[str, Any], names: list[str]) -> None:
    """Write the names of the exported model's inputs."""
    attributes[c.RESULT_INPUTS] = names[:MAX_NAMES]


def note_missing(root: Call) -> None:
    """Write which inputs were given or named and are not among the exported model's."""
    attributes = root.attributes
    names = attributes.get(c.RESULT_INPUTS)
    if names is None or len(names) == MAX_NAMES:
        return
    missing = _missing(root, names)
    if missing:
        attributes[c.INPUTS_MISSING] = missing[:MAX_NAMES]


def _missing(root: Call, names: list[str]) -> list[str]:
    asked = root.argument("input_names")
    if asked:
        return _of_names(root, list(map(str, asked)), names)
    if root.export.exporters[:1] != [Exporter.DYNAMO]:
        return _of_axes(root, names) or _of_numbers(root, names)
    # It names inputs as `forward` does; a name may be changed, so the number has to agree.
    given = [name for name, value in _bound(root) if hasattr(value, "dtype")]
    missing = [name for name in given if name not in names]
    return missing if len(given) - len(missing) == len(names) else []


def _of_names(root: Call, asked: list[str], names: list[str]) -> list[str]:
    missing = [name for name in asked if name not in names]
    if missing and root.export.exporters[:1] == [Exporter.DYNAMO]:
        # The names are given to the inputs in their order, whichever inputs those are.
        moved = (
            f"{', '.join(missing)} ({len(asked)} names for {len(names)} inputs: from the first missing "
            "input on, each name stands for another one)"
        )
        return [moved]
    return missing


def _of_axes(root: Call, names: list[str]) -> list[str]:
    axes, outputs = root.argument("dynamic_axes"), root.argument("output_names")
    if not isinstance(axes, Mapping) or not outputs:  # a key may be the name of an output
        return []
    return [str(name) for name in axes if name not in names and name not in outputs]


def _of_numbers(root: Call, names: list[str]) -> list[str]:
    """Without names the exporter calls inputs as `onnx::Mul_2`: its third value, an input."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    given = [name for name, value in _bound(root) if _is_input(value)]
    if not given or None in found:
        return []
    numbers = {int(one[1]) for one in found if one is not None}
    if not numbers <= set(range(len(given))):
        return []
    return [name for number, name in enumerate(given) if number not in numbers]


def _is_input(value: Any) -> bool:
    return hasattr(value, "dtype") or isinstance(value, bool | int | float)


def _bound(root: Call) -> list[tuple[str, Any]]:
    """The parameters of `forward` and what they got; none where one got several tensors."""
    model = root.argument("model")
    args = root.argument("args")
    args = args if isinstance(args, tuple) else () if args is None else (args,)
    kwargs = root.argument("kwargs") or {}
    if args and isinstance(args[-1], dict) and not kwargs:
        args, kwargs = args[:-1], args[-1]
    try:
        bound = inspect.signature(model.forward).bind_partial(*args, **kwargs)
    except (AttributeError, TypeError, ValueError):
        return []
    given = list(bound.arguments.items())
    return [] if any(isinstance(value, list | tuple | dict) for _, value in given) else given
