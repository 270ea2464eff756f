"""What makes a stage or pass act: a model that is exported, or ONNX text that a pass is given."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

IMPORTS = "import torch\nfrom torch import nn"
X = "x = torch.arange(6.0).reshape(2, 3)"


@dataclasses.dataclass(frozen=True)
class Minimal:
    """A model, its example inputs and the options of its export.

    Attributes:
        make: gives the model, new each time; its source is shown on the page.
        inputs: the example inputs, as one writes them; `x` is a tensor of shape (2, 3).
        parts: what `make` uses and the page shows before it.
        options: further arguments of `torch.onnx.export`, as one writes them.
        dynamo: which exporter.
    """

    make: Callable[[], Any]
    inputs: str = "(x,)"
    parts: tuple[Any, ...] = ()
    options: str = ""
    dynamo: bool = False

    def source(self) -> str:
        """The whole example, ready to be run."""
        pieces = [inspect.getsource(part).rstrip() for part in (*self.parts, self.make)]
        call = f'model, {self.inputs}, "model.onnx", dynamo={self.dynamo}'
        lines = [
            f"model = {self.make.__name__}()",
            *([X] if "x" in self.inputs.replace("torch.ones", "") else []),
            f"torch.onnx.export({', '.join(filter(None, [call, self.options]))})",
        ]
        return "\n\n\n".join([IMPORTS, *pieces, "\n".join(lines)])


@dataclasses.dataclass(frozen=True)
class Direct:
    """A pass over ONNX IR that no small export makes act, and a model for it to be called on.

    Attributes:
        model: what gives the model, as ONNX's own text.
        call: makes the pass, as one writes it.
        change: lines that change the model before, as one writes them.
    """

    model: str
    call: str
    change: str = ""

    def source(self) -> str:
        """The whole example, ready to be run; `model` is before the call, `result` after."""
        text = textwrap.dedent(self.model).strip()
        lines = [
            "import onnx_ir as ir",
            "from onnx_ir.passes import common",
            "",
            f'model = ir.from_onnx_text("""\n{textwrap.indent(text, "    ")}\n""")',
            *([textwrap.dedent(self.change).strip()] if self.change else []),
        ]
        return "\n".join([*lines, f"common.{self.call}(model)"])
