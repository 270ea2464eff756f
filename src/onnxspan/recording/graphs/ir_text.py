"""The text of an onnx_ir model without the values of its weights.

onnx_ir prints the values of small tensors. A whole number and a scalar are part of the graph's
structure (an axis, a shape, an epsilon) and stay, unless they are a parameter or a buffer; in place
of other values stands the beginning of their SHA-256, so that a pass that changes them still
changes the text.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

_NAME = r'%"(?P<name>(?:[^"\\]|\\.)*)"'
_TENSOR = re.compile(
    rf"(?:{_NAME}<[^\n{{}}]*>\{{)?"
    r"(?P<head>(?P<kind>\w*Tensor)<(?P<dtype>\w+),\[(?P<dims>[^\]]*)\]>)"
    r"\((?P<values>(?!\.\.\.\)).*?), name=(?:'[^'\n]*'|\"[^\"\n]*\"|None)\)"
)
"""A tensor as onnx_ir's `Tensor.__repr__` writes it, after the name of its value if it has one."""
_USE = re.compile(rf"{_NAME}\{{[^{{}}\n]+\}}")
"""A value that a node reads, with its constant value."""
_WHOLE = ("INT", "UINT", "BOOL")


def text(model: Any) -> str:
    """An `onnx_ir.Model` as text, without the values of its weights."""
    hidden: set[str] = set()

    def tensor(found: re.Match[str]) -> str:
        is_scalar, is_whole = not found["dims"], found["dtype"].startswith(_WHOLE)
        if (is_scalar or is_whole) and found["kind"] != "TorchTensor":
            return found[0]
        if found["name"] is not None:
            hidden.add(found["name"])
        digest = hashlib.sha256(found["values"].encode()).hexdigest()[:8]
        start = found[0][: found.start("values") - found.start()]
        return f"{start}values {digest})"

    written = _TENSOR.sub(tensor, str(model))
    return _USE.sub(
        lambda found: f'%"{found["name"]}"{{...}}' if found["name"] in hidden else found[0],
        written,
    )
