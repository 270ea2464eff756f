"""torch._dynamo's map from functions to rules must not remember a wrapper.

The map is built once, from whatever object each name holds then. Built while something is
wrapped, it would know the wrapper and, for the rest of the process, not the function.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnxspan.recording.patching import Target


def forget_wrappers(targets: Iterable[Target]) -> bool:
    """Let torch._dynamo build its map anew if it was built while `targets` were wrapped.

    Returns:
        Whether it was.
    """
    rules = sys.modules.get("torch._dynamo.trace_rules")
    build = getattr(rules, "get_torch_obj_rule_map", None)
    if build is None or not hasattr(build, "cache_info") or not build.cache_info().currsize:
        return False
    known = build()
    if not any(target.replacement in known for target in targets if target.replacement):
        return False
    build.cache_clear()
    return True
