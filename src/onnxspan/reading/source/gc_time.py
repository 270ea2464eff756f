"""Python's cycle collector, kept out of the way while very many small objects are made."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def without_gc() -> Iterator[None]:
    """Building 100 000 spans makes no cycle, but would start the collector over and over."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
