"""Values from a file: each has the type and range that its attribute has, or it is left out.

A trace or flight log may be damaged, or made by somebody who means harm. Views compute with
attributes (sums, shares, columns), so what reaches them is of the documented type.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.conventions.registry import ATTRIBUTES
from onnxspan.otlp_json import MAX_WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DOUBLE = 1e15
"""The largest double that is kept: seconds, counts and differences stay far below."""
MAX_LINE = 2**31


def attributes(found: dict[str, Any]) -> dict[str, Any]:
    """The attributes without those whose value is not of the documented type.

    Attributes of other instrumentations are left as they are.
    """
    checks = _checks()
    wrong = [
        key
        for key, value in found.items()
        if (check := checks.get(key)) is not None and not check(value)
    ]
    for key in wrong:
        del found[key]
    return found


def _is_whole(value: Any) -> bool:
    return type(value) is int and -MAX_WHOLE <= value < MAX_WHOLE


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MAX_LINE


def _is_double(value: Any) -> bool:
    return type(value) in (float, int) and math.isfinite(value) and abs(value) <= MAX_DOUBLE


def _is_difference(value: Any) -> bool:
    return type(value) in (float, int)  # that of verification may be infinite, or no number


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: type(value) is list and all(map(check, value))


@functools.cache
def _checks() -> dict[str, Callable[[Any], bool]]:
    kinds = {"int": _is_whole, "double": _is_double, "string": _is_text, "boolean": _is_flag}
    found: dict[str, Callable[[Any], bool]] = {}
    for attribute in ATTRIBUTES:
        kind = attribute.type.partition(",")[0].strip()
        check: Callable[[Any], bool] = kinds[kind.removesuffix("[]")]
        if check is _is_double and attribute.key.startswith(_VERIFICATION):
            check = _is_difference
        found[attribute.key] = _list_of(check) if kind.endswith("[]") else check
    found |= dict.fromkeys(_LINES, _is_count)
    found |= dict.fromkeys(_TEXTS, _is_text)
    found[c.EXCEPTION_CHAIN] = _list_of(_is_text)
    return found


_VERIFICATION = ("torch.onnx.verify.", "torch.onnx.mismatch.")
_LINES = (c.LINE, c.SOURCE_LINE, c.EXPORT_LINE, "torch.onnx.mismatch.line")
_TEXTS = (c.EXCEPTION_TYPE, c.EXCEPTION_MESSAGE, c.EXCEPTION_STACKTRACE, c.LOG_MESSAGE)
