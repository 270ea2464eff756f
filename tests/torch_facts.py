"""What the installed torch has, found by looking, so that tests can say why they skip."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from typing import Any

import torch
import torch.onnx

VERSION = torch.__version__.split("+")[0]
NUMBERS = tuple(int(part) for part in VERSION.split(".")[:2])

_ARGUMENTS = inspect.signature(torch.onnx.export).parameters

TORCHSCRIPT: dict[str, Any] = {"dynamo": False} if "dynamo" in _ARGUMENTS else {}
"""The arguments by which `torch.onnx.export` takes the TorchScript exporter."""

DYNAMO = "dynamo" in _ARGUMENTS
"""Whether `torch.onnx.export` can take the dynamo exporter."""

NO_DYNAMO = f"torch {VERSION} has no dynamo exporter behind torch.onnx.export"


def unknown(options: Iterable[str]) -> str:
    """Why an export with these options cannot be made here; empty when it can."""
    missing = sorted(set(options) - set(_ARGUMENTS))
    named = ", ".join(missing)
    return f"torch.onnx.export of torch {VERSION} has no argument {named}" if missing else ""


def torchscript_utils() -> Any:
    """The module of the TorchScript exporter's stages: it moved in torch 2.9."""
    for name in ("torch.onnx._internal.torchscript_exporter.utils", "torch.onnx.utils"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, "_model_to_graph"):
            return module
    raise ImportError("no TorchScript exporter in this torch")
