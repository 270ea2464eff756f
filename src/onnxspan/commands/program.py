"""How the user has called this program, for the commands that a message names."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

_TYPED = sys.argv[0] if sys.argv else ""  # `run` gives the script an argv of its own


def as_typed() -> str:
    """How a shell in this folder finds this program: by its name, or by its path."""
    if Path(_TYPED).stem != "onnxspan" or not Path(_TYPED).is_file():
        return "onnxspan"
    found = shutil.which("onnxspan")
    if found is not None and Path(found).samefile(_TYPED):
        return "onnxspan"
    relative = os.path.relpath(_TYPED)
    return shlex.quote(_TYPED if relative.startswith("..") else relative)
