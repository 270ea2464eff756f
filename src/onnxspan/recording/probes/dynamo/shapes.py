"""The dimensions that `dynamic_shapes` asks to be dynamic, and what the model requires of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onnxspan.recording.probes.dynamo.nodes import is_users


def named_dimensions(shapes: Any, path: str = "") -> list[str]:
    """`x:0=batch` for each dimension that is asked to be dynamic; `x:0` for one without a name."""
    if isinstance(shapes, Mapping):
        entries = list(shapes.items())
    elif isinstance(shapes, list | tuple):
        entries = list(enumerate(shapes))
    else:
        label = _label(shapes)
        return [] if label is None else [f"{path}={label}" if label else path]
    found: list[str] = []
    for key, value in entries:
        found += named_dimensions(value, f"{path}:{key}" if path else str(key))
    return found


def _label(dimension: Any) -> str | None:
    """The dimension's name, empty for a hint that has none; None for one that stays a number."""
    if isinstance(dimension, str):
        return dimension
    # A hint is an enumeration's member up to torch 2.6, and an object that holds one from 2.7 on.
    hint = getattr(getattr(dimension, "type", dimension), "name", None)
    if isinstance(hint, str):
        return "" if hint in ("AUTO", "DYNAMIC") else None
    name = getattr(dimension, "__name__", None)  # a `Dim`
    return name if isinstance(name, str) else None


def required_sizes(shape_env: Any) -> list[str]:
    """What the user's code requires of dynamic dimensions, each with the line that requires it.

    torch's ShapeEnv keeps each condition that the capture has met with the stack of that moment
    (`deferred_runtime_asserts`, `RuntimeAssert.stack`), and where each end of a dimension's range
    was set (`var_to_range_sloc`). A condition such as `2*((s77//2)) = 4` leaves one size for the
    dimension `s77`. A condition without a line of the user is left out.
    """
    kept = getattr(shape_env, "deferred_runtime_asserts", {})
    found: dict[str, str] = {}
    for assertion in (one for several in kept.values() for one in several):
        text, place = _equation(assertion.expr), _innermost(assertion.stack)
        if text and place:
            found.setdefault(text, place)
    places = getattr(shape_env, "var_to_range_sloc", {})
    for symbol, allowed in getattr(shape_env, "var_to_range", {}).items():
        ends = places.get(symbol)
        if ends is None:
            continue
        lower = _users_place(ends.lower.framework_loc)
        upper = _users_place(ends.upper.framework_loc)
        if allowed.lower == allowed.upper:
            if lower or upper:
                found.setdefault(f"{symbol} = {allowed.lower}", lower or upper)
            continue
        if lower and allowed.lower > _MIN_SYMBOLIC:
            found.setdefault(f"{symbol} >= {allowed.lower}", lower)
        if upper:
            found.setdefault(f"{symbol} <= {allowed.upper}", upper)
    return [f"{text} ({place})" for text, place in found.items()]


_MIN_SYMBOLIC = 2
"""torch makes a number of a dimension of 0 or 1 anyway."""


def _equation(condition: Any) -> str:
    """`2*((s77//2)) = 4` for an equation of an expression and a number above 0, else nothing.

    That a remainder is 0 (`Mod(s77, 2) = 0`) leaves many sizes.
    """
    if type(condition).__name__ != "Equality":
        return ""
    number = next((side for side in condition.args if getattr(side, "is_Integer", False)), None)
    if number is None or int(number) <= 0:
        return ""
    other = condition.args[0] if number is condition.args[1] else condition.args[1]
    if not other.free_symbols or type(other).__name__ in ("Mod", "PythonMod"):
        return ""
    return f"{other} = {number}"


def _innermost(stack: Any) -> str:
    """The innermost line of the user in a stack that torch has kept; nothing without one."""
    summary = getattr(stack, "summary", None)
    frames = reversed(summary()) if summary is not None else ()
    return next(filter(None, map(_users_place, frames)), "")


def _users_place(frame: Any) -> str:
    """`model.py:23` for a frame's summary that is the user's, else nothing."""
    file = getattr(frame, "filename", "")
    return f"{file}:{frame.lineno}" if file and is_users(file) else ""
