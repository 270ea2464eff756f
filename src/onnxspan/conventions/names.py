"""The scope, the levels, and the span names that are looked for by name."""

from __future__ import annotations

import enum

SCOPE = "onnxspan"
"""Name of the instrumentation scope of every span."""
SCHEMA_URL = "https://opentelemetry.io/schemas/1.33.0"
"""The version of OpenTelemetry's conventions whose names are used: the first with a stable `code.*`."""


SCRIPT_SPAN = "onnxspan run"
"""The span of a script that `onnxspan run` ran, around its exports."""


class Level(enum.IntEnum):
    """How deep an export is recorded; each level holds all of the one before."""

    STAGES = 1
    """The exporter's named steps: about 15 spans."""
    PASSES = 2
    """And every graph pass; per-operator work is summed. About 60 to 150 spans."""
    NODES = 3
    """And one span for every converted node."""

    @classmethod
    def parse(cls, value: str | Level) -> Level:
        """Turn `"stages"`, `"passes"` or `"nodes"` into a level.

        Raises:
            ValueError: for any other word; the message names the three.
            TypeError: for a function.
        """
        if isinstance(value, Level):
            return value
        try:
            return cls[value.upper()]
        except (KeyError, AttributeError):
            if callable(value):  # @onnxspan.trace without its parentheses
                raise TypeError(
                    "the level must be a word; as a decorator, trace() needs its parentheses: "
                    "@onnxspan.trace()"
                ) from None
            names = ", ".join(repr(level.name.lower()) for level in cls)
            raise ValueError(f"unknown level {value!r}: use one of {names}") from None


# Span names are torch's own names for its functions; these two are looked for by name.
EXPORT = "torch.onnx.export"
TORCHSCRIPT_EXPORT = "_export"


def export_name(model_class: str | None, exporter: str) -> str:
    """The root span's name: `torch.onnx.export ResNet (dynamo)`.

    A backend's list of traces shows the root's name and nothing else of it. Classes are few,
    so it stays a name that can be grouped by.
    """
    model = f" {model_class.rpartition('.')[2]}" if model_class else ""
    return f"{EXPORT}{model} ({exporter})"


def torch_name(name: str) -> str:
    """A span's name as torch's source has it: a root's without model and exporter."""
    return EXPORT if name.startswith(f"{EXPORT} ") else name
