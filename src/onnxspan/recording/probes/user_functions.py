"""Whether functions of the user's own take part in the conversion of an export."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

_REGISTRATIONS = (
    "torch.onnx._internal.torchscript_exporter.registration",
    "torch.onnx._internal.registration",
)


def has_user_functions(outermost: Call) -> bool:
    """Whether an operator is converted by a function that the user has registered.

    Args:
        outermost: the exporter's own call.
    """
    if outermost.argument("custom_translation_table"):
        return True
    return any(_has_overrides(name) for name in _REGISTRATIONS)


def _has_overrides(name: str) -> bool:
    # torch has no public way to ask: a group of functions keeps the user's beside its own.
    registry: Any = getattr(sys.modules.get(name), "registry", None)
    groups = getattr(registry, "_registry", {})
    return any(
        getattr(getattr(group, "_functions", None), "_overrides", None)
        for group in groups.values()
    )
