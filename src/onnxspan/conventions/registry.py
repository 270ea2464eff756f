"""How an attribute is named and documented in one line."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One documented attribute: its key, what type it has, and what it means."""

    key: str
    type: str
    on: str
    meaning: str


ATTRIBUTES: list[Attribute] = []
"""Every attribute that onnxspan sets, in the order of the reference page."""


def attribute(key: str, type_: str, on: str, meaning: str) -> str:
    """Document an attribute, and give its key back."""
    ATTRIBUTES.append(Attribute(key, type_, on, meaning))
    return key


def operator_sums(group: str, meaning: str) -> tuple[str, str, str, str]:
    """The four parallel arrays that per-operator work is summed into."""
    prefix = f"torch.onnx.{group}."
    where = "the span that contains the work"
    return (
        attribute(
            prefix + "operators",
            "string[]",
            where,
            f"{meaning}: the operators, in the order first met.",
        ),
        attribute(prefix + "calls", "int[]", where, "Calls of each of those operators."),
        attribute(
            prefix + "durations",
            "double[], s",
            where,
            "Their total time, without that of nodes converted inside them and of the garbage collector.",
        ),
        attribute(
            prefix + "longest", "double[], s", where, "Their longest single call, likewise."
        ),
    )
