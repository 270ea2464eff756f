"""What a forked child begins anew: locks that another thread of the parent may have held."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def renew(holder: Any, name: str, make: Callable[[], Any]) -> None:
    """Give an attribute a fresh value in each forked child."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: setattr(holder, name, make()))
