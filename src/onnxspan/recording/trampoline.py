"""Calling a C function in its caller's name.

A C function has no Python frame. A warning that it raises (torch's `TORCH_WARN` becomes
`PyErr_WarnEx(category, text, 1)`) is put down to the innermost Python frame, whatever file that
frame's code is from: under a wrapper, to the wrapper. So the wrapper of a C function calls it
through a function whose code bears the file, line and globals of the wrapper's own caller.
The warning then has the file, line, module and once-per-place registry of an untraced run.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "onnxspan_wrapper"
"""The name of every frame of ours that lies between torch's functions."""

WRAPPER_FILE = "<onnxspan, skipped by warnings like importlib._bootstrap>"
"""The file name that wrappers are compiled under; patching.py says why."""

_MAX_SITES = 1_000


def _template(original: Callable[..., Any]) -> FunctionType:
    # One line, which becomes the caller's.
    def call(*args: Any, **kwargs: Any) -> Any: return original(*args, **kwargs)  # fmt: skip

    return call  # type: ignore[return-value]  # a function is a FunctionType


class Trampoline:
    """Makes, for each place that calls the wrapper, the function that calls the original.

    Attributes:
        found: what was made, by code object, instruction and globals. The value holds the code
            and the globals, so that no other object can take over their ids.
        getframe: `sys._getframe`, for a wrapper that looks its caller up by itself.
    """

    def __init__(self, original: Callable[..., Any]) -> None:
        template = _template(original)
        self._code: CodeType = template.__code__
        self._closure = template.__closure__
        self.found: dict[tuple[int, int, int], tuple[CodeType, FunctionType]] = {}
        self.getframe = sys._getframe  # noqa: SLF001  # the one way to know the caller

    def __call__(self) -> FunctionType:
        """The function to call in the name of our caller's caller."""
        frame = self.getframe(2)
        made = self.found.get((id(frame.f_code), frame.f_lasti, id(frame.f_globals)))
        return self.make(frame) if made is None else made[1]

    def make(self, frame: FrameType) -> FunctionType:
        """The function that calls the original in the name of this frame, kept in `found`."""
        if len(self.found) >= _MAX_SITES:
            self.found.clear()
        code = frame.f_code
        lookalike = self._code.replace(
            co_filename=code.co_filename, co_firstlineno=frame.f_lineno, co_name=NAME
        )
        function = FunctionType(lookalike, frame.f_globals, NAME, None, self._closure)
        self.found[id(code), frame.f_lasti, id(frame.f_globals)] = code, function
        return function
