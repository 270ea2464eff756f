"""Some lines of torch's source around a function that was called."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import linecache
from pathlib import Path
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading.text import printable

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span

LINES = 5
"""Lines of source that a step shows."""
FUNCTION_LINES = 14
"""Lines of the function that converts an operator."""
_OWNERS = {"torch": "torch", "onnx_ir": "onnx-ir", "onnxscript": "onnxscript"}
"""Top folders of recorded files, and the packages that they belong to."""


def lines(span: Span) -> list[str]:
    """The first lines of the function, each with its number; empty when they are not known.

    They are read from the installed package, and only when the trace was recorded with the
    same version of torch: another version has other lines there.
    """
    file, line = str(span.get(c.FILE, "")), span.number(c.LINE)
    owner = _OWNERS.get(file.partition("/")[0])
    if owner is None or line is None or not _is_same_torch(span):
        return []
    path = _installed(owner, file)
    if path is None:
        return []
    numbers = range(line, line + LINES)
    found = [(number, linecache.getline(path, number).rstrip()) for number in numbers]
    return [f"{number:>5}  {printable(text)}" for number, text in found if text]


def function(span: Span, dotted: str) -> tuple[str, list[str]]:
    """Where a function of torch or onnxscript is, as `path:line`, and its first lines.

    Both are empty when the installed torch is not the one that was recorded, or when the file
    has no function of that name.

    Args:
        span: any span of the trace.
        dotted: the function's module and name: `torch.onnx.symbolic_opset9.relu`.
    """
    module, _, name = dotted.rpartition(".")
    owner = _OWNERS.get(module.partition(".")[0])
    if owner is None or not _is_same_torch(span):
        return "", []
    file = module.replace(".", "/") + ".py"
    path = _installed(owner, file)
    line, end = _lines_of(path, name) if path is not None else (0, 0)
    if path is None or not line:
        return "", []
    numbers = range(line, min(end + 1, line + FUNCTION_LINES))
    found = [(number, linecache.getline(path, number).rstrip("\n")) for number in numbers]
    return f"{file}:{line}", [f"{number:>5}  {printable(text)}" for number, text in found if text]


@functools.cache
def _lines_of(path: str, name: str) -> tuple[int, int]:
    """The first and last line of the first function of that name in a file; 0 and 0 without one."""
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return 0, 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node.lineno, node.end_lineno or node.lineno
    return 0, 0


def _is_same_torch(span: Span) -> bool:
    root = span.holder(c.VERSION_TORCH)
    recorded = "" if root is None else str(root.get(c.VERSION_TORCH))
    try:
        return bool(recorded) and importlib.metadata.version("torch") == recorded
    except importlib.metadata.PackageNotFoundError:
        return False


@functools.cache
def _installed(owner: str, file: str) -> str | None:
    try:
        path = Path(str(importlib.metadata.distribution(owner).locate_file(file)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return str(path) if path.is_file() else None
