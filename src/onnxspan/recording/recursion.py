"""Room on the stack for the wrappers' frames: an export goes as deep as it does without them.

Each wrapped call is one frame of Python more. Where torch comes close to the recursion limit, as
with modules or branches that nest deeply, an export that works untraced would end in a
RecursionError. So the limit is higher by `ROOM` while exports run, and by `NESTED` for each branch
or loop that is converted inside another.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from onnxspan.recording import forks

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxspan.recording.call import Export

ROOM = 300
"""Frames: a dozen stages and passes nest, and the hooks take thirty."""
NESTED = 10
"""Frames of the wrappers, with some to spare, for one node that is converted inside another."""

_lock = threading.Lock()
forks.renew(sys.modules[__name__], "_lock", threading.Lock)
_exports: set[int] = set()
_given: list[int] = []
"""The limit that was set; empty when none is."""


def widen(export: Export) -> None:
    """Raise the limit for an export; several at once raise it once."""
    with _lock:
        _exports.add(id(export))
        if not _given:
            _given.append(sys.getrecursionlimit() + ROOM)
            sys.setrecursionlimit(_given[0])


def restore(export: Export) -> None:
    """Take it back after the last export, unless somebody else has set a limit meanwhile."""
    with _lock:
        _exports.discard(id(export))
        if _exports or not _given:
            return
        if sys.getrecursionlimit() == _given[0]:
            sys.setrecursionlimit(_given[0] - ROOM)
        _given.clear()


def roomier(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a nested node, called with a limit that is higher by `NESTED`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + NESTED)
        try:
            return function(*args, **kwargs)
        finally:
            if sys.getrecursionlimit() == limit + NESTED:
                sys.setrecursionlimit(limit)

    return wrapper
