"""An error of onnxspan itself, in one line: it is told, and goes no further."""

from __future__ import annotations


def describe_error(where: str, error: BaseException) -> str:
    """One line on an error of onnxspan itself; also for one that fails to print itself."""
    try:
        message = str(error)
    except Exception:
        message = "without a printable message"
    return f"{where}: {type(error).__name__}: {message}"
