"""The versions that a root span names."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

from onnxspan import conventions as c

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

_versions: dict[str, str | None] = {}


def note_versions(call: Call) -> None:
    """Write the versions of torch, onnx and onnxscript, as far as they are installed."""
    call.note(c.VERSION_TORCH, _version("torch"))
    call.note(c.VERSION_ONNX, _version("onnx"))
    call.note(c.VERSION_ONNXSCRIPT, _version("onnxscript"))


def read_versions() -> None:
    """Read the versions ahead of the first export: it takes some milliseconds."""
    for package in ("torch", "onnx", "onnxscript"):
        _version(package)


def _version(package: str) -> str | None:
    if package not in _versions:
        try:
            _versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            _versions[package] = None
    return _versions[package]
