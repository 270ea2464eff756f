"""A small model, its example inputs and the options of its export, as a script to run."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = "import torch\nfrom torch import nn"
X = "x = torch.arange(6.0).reshape(2, 3)"


@dataclasses.dataclass(frozen=True)
class Minimal:
    """A model, its example inputs and the options of its export.

    Attributes:
        make: gives the model, new each time; its source is shown.
        inputs: the example inputs, as one writes them; `x` is a tensor of shape (2, 3).
        parts: what `make` uses and is shown before it.
        options: further arguments of `torch.onnx.export`, as one writes them.
        dynamo: which exporter.
    """

    make: Callable[[], Any]
    inputs: str = "(x,)"
    parts: tuple[Any, ...] = ()
    options: str = ""
    dynamo: bool = False

    def source(self) -> str:
        """The whole example, ready to be run; it writes `model.onnx`."""
        pieces = [inspect.getsource(part).rstrip() for part in (*self.parts, self.make)]
        call = f'model, {self.inputs}, "model.onnx", dynamo={self.dynamo}'
        lines = [
            f"model = {self.make.__name__}()",
            *([X] if "x" in self.inputs.replace("torch.ones", "") else []),
            f"torch.onnx.export({', '.join(filter(None, [call, self.options]))})",
        ]
        return "\n\n\n".join([IMPORTS, *pieces, "\n".join(lines)])
