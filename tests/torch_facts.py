"""What the installed torch has, found by looking, so that tests can say why they skip."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
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

MODULES_AS_FUNCTIONS = "export_modules_as_functions" in _ARGUMENTS


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
