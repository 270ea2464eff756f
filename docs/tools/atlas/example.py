"""What makes a pass act that no small export makes act: ONNX text that the pass is given.

The models of exports are those of `onnxspan learn model`, in `onnxspan.learn.small`.
"""

from __future__ import annotations

import dataclasses
import textwrap


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
