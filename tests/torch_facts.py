"""What the installed torch has, found by looking, so that tests can say why they skip."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.onnx

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = torch.__version__.split("+")[0]
NUMBERS = tuple(int(part) for part in VERSION.split(".")[:2])

_ARGUMENTS = inspect.signature(torch.onnx.export).parameters

_CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
_PIN = re.findall(r"(?m)^torch==(\d+)\.(\d+)", _CONSTRAINTS.read_text(encoding="utf-8"))[0]
PINNED = tuple(int(part) for part in _PIN)
"""The torch that is developed against."""

OLDER = NUMBERS < PINNED
"""Whether this torch is older than that: what a test says of torch's own figures may not hold."""

SHOWS_PINNED = f"says what torch {PINNED[0]}.{PINNED[1]} does itself, and this is {VERSION}"

OPSET: int = importlib.import_module("torch.onnx._constants").ONNX_DEFAULT_OPSET
"""The opset of an export that names none."""

TORCHSCRIPT: dict[str, Any] = {"dynamo": False} if "dynamo" in _ARGUMENTS else {}
"""The arguments by which `torch.onnx.export` takes the TorchScript exporter."""

CUSTOM_OP = hasattr(torch.library, "custom_op")
"""Whether an operator can be made by a decorator."""

NO_CUSTOM_OP = f"torch {VERSION} has no torch.library.custom_op"

DYNAMO = "dynamo" in _ARGUMENTS
"""Whether `torch.onnx.export` can take the dynamo exporter."""

OPTIMIZES = DYNAMO and _ARGUMENTS.get("optimize") is not None and _ARGUMENTS["optimize"].default
"""Whether the dynamo exporter optimizes the model unless it is told not to."""

NOT_OPTIMIZED = f"the dynamo exporter of torch {VERSION} does not optimize by itself"

EARLY_DYNAMO = NUMBERS < (2, 7)
"""Whether the dynamo exporter is one of the first two, which lack some of its functions."""

IS_EARLY = f"the dynamo exporter of torch {VERSION} lacks what this is about"

NO_DYNAMO = f"torch {VERSION} has no dynamo exporter behind torch.onnx.export"

needs_dynamo = pytest.mark.skipif(not DYNAMO, reason=NO_DYNAMO)
"""For what exports with dynamo."""

EITHER = [
    pytest.param(TORCHSCRIPT, id="torchscript"),
    pytest.param({"dynamo": True}, id="dynamo", marks=needs_dynamo),
]
"""The arguments that take each of the exporters, for a test of both."""


def spoken(script: str) -> str:
    """A script's text with only what `torch.onnx.export` takes here: `dynamo` is not always."""
    return script if DYNAMO else script.replace(", dynamo=False", "")


def unknown(options: Iterable[str]) -> str:
    """Why an export with these options cannot be made here; empty when it can."""
    missing = sorted(set(options) - set(_ARGUMENTS))
    named = ", ".join(missing)
    return f"torch.onnx.export of torch {VERSION} has no argument {named}" if missing else ""


def capture_strategies() -> list[str]:
    """The ways of capturing that the dynamo exporter tries here, in their order."""
    module = importlib.import_module("torch.onnx._internal.exporter._capture_strategies")
    return [strategy.__name__ for strategy in module.CAPTURE_STRATEGIES]


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
