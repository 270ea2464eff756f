"""The dimensions that `dynamic_shapes` asks to be dynamic, as a flat list of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
