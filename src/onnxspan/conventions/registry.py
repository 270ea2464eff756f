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
    operators = f"torch.onnx.{group}.operators"
    of_each = f"of each operator in `{operators}`"

    def part(name: str, kind: str, what: str) -> str:
        key = f"torch.onnx.{group}.{name}"
        return attribute(key, kind, "the span that contains the work", f"{meaning}: {what}")

    return (
        part("operators", "string[]", "the operators, in the order first met."),
        part("calls", "int[]", f"calls {of_each}."),
        part(
            "durations",
            "double[], s",
            f"total time {of_each}, less the time of nodes converted inside and of garbage collection.",
        ),
        part(
            "longest",
            "double[], s",
            f"longest single call {of_each}, less the time of nodes converted inside and of garbage "
            "collection.",
        ),
    )
