"""Calling a C function in its caller's name.

A C function has no Python frame. A warning that it raises (torch's `TORCH_WARN` becomes
`PyErr_WarnEx(category, text, 1)`) is put down to the innermost Python frame, whatever file that
frame's code is from: under a wrapper, to the wrapper. So the wrapper of a C function calls it
through a function whose code bears the file, line and globals of the wrapper's own caller.
The warning then has the file, line, module and once-per-place registry of an untraced run.
"""

from __future__ import annotations

import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "onnxspan_wrapper"
"""The name of every frame of ours that lies between torch's functions."""

_MOST_SITES = 1_000


def _template(original: Callable[..., Any]) -> FunctionType:
    # One line, which becomes the caller's.
    def call(*args: Any, **kwargs: Any) -> Any: return original(*args, **kwargs)  # fmt: skip

    return call  # type: ignore[return-value]  # a function is a FunctionType


class StandIn:
    """Makes, for each place that calls the wrapper, the function that calls the original."""

    def __init__(self, original: Callable[..., Any]) -> None:
        template = _template(original)
        self._code: CodeType = template.__code__
        self._closure = template.__closure__
        # By code object and instruction. The value holds the code and the globals, so that no
        # other object can take over their ids.
        self._made: dict[tuple[int, int, int], tuple[CodeType, FunctionType]] = {}

    def __call__(self) -> FunctionType:
        """The function to call in the name of our caller's caller."""
        frame = sys._getframe(2)  # noqa: SLF001  # the one way to know the caller
        code = frame.f_code
        site = (id(code), frame.f_lasti, id(frame.f_globals))
        made = self._made.get(site)
        if made is None:
            if len(self._made) >= _MOST_SITES:
                self._made.clear()
            lookalike = self._code.replace(
                co_filename=code.co_filename, co_firstlineno=frame.f_lineno, co_name=NAME
            )
            function = FunctionType(lookalike, frame.f_globals, NAME, None, self._closure)
            made = self._made[site] = code, function
        return made[1]
