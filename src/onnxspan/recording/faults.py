"""Errors met in onnxspan's own code: which are counted and kept away from the export, which go on.

An error of onnxspan itself is counted. An exception that a signal handler of the user's raises
(Ctrl-C, or the `TimeoutError` of a time limit) is not onnxspan's, although it comes up wherever
Python runs at that moment: it goes on to the user, as it would without onnxspan.
"""

from __future__ import annotations

import itertools
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


def describe_error(where: str, error: BaseException) -> str:
    """One line on an error of onnxspan itself; also for one that fails to print itself."""
    try:
        message = str(error)
    except Exception:
        message = "without a printable message"
    return f"{where}: {type(error).__name__}: {message}"


def goes_on(error: BaseException) -> bool:
    """Whether an exception caught in onnxspan's code must reach the user.

    True for what is no `Exception` (KeyboardInterrupt, SystemExit) and for whatever a Python
    signal handler has raised.
    """
    if not isinstance(error, Exception):
        return True
    known = _handlers()
    entry = error.__traceback__
    while entry is not None:
        frame = entry.tb_frame
        if frame.f_code in known or _is_handler(frame):
            return True
        entry = entry.tb_next
    return False


def _handlers() -> set[Any]:
    """The code of the signal handlers that are set now."""
    found = set()
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        handler = getattr(handler, "func", handler)  # functools.partial
        of_object = vars(type(handler)).get("__call__")
        for function in (handler, of_object):
            code = getattr(getattr(function, "__func__", function), "__code__", None)
            if code is not None:
                found.add(code)
    return found


def _is_handler(frame: FrameType) -> bool:
    """Whether a function was called as Python calls a signal handler: with a number and a frame.

    The frame is the one that was interrupted, which is the caller. A handler may have set another
    one before it raised, so those that are set now do not suffice.
    """
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _VARIABLE)
    given: list[Any] = []
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        given += value if isinstance(value, tuple) else (value,)
    return frame.f_back is not None and any(
        isinstance(number, int) and interrupted is frame.f_back
        for number, interrupted in itertools.pairwise(given)
    )


_VARIABLE = 4
"""`inspect.CO_VARARGS`: the function takes `*args`."""
