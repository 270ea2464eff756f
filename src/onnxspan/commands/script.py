"""Running somebody's script in this process exactly as `python` would."""

from __future__ import annotations

import importlib.machinery
import io
import os
import runpy
import sys
import threading
import types
from pathlib import Path
from typing import TYPE_CHECKING

from onnxspan.errors import OnnxspanError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_RUNPY = {runpy.__file__, "<frozen runpy>"}
_OUR_CODE = str(Path(__file__).resolve().parent.parent) + os.sep


class UnreadableError(OnnxspanError):
    """The script itself cannot be read; whatever else comes out of it is its own."""


def run_script(path: str, arguments: list[str]) -> None:
    """Run a file as `python FILE ARGUMENTS...` would; raises what the script raises.

    Raises:
        UnreadableError: when the file cannot be read.
    """
    sys.argv[:] = [path, *arguments]
    if os.path.isdir(path) or path.endswith((".zip", ".pyz")):
        if not getattr(sys.flags, "safe_path", False):
            del sys.path[0]  # the folder or archive takes its place
        runpy.run_path(path, run_name="__main__")
        return
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        raise UnreadableError(
            f"{path}: cannot be read: {error.strerror}. "
            "Give a Python file, or a module by `onnxspan run -m MODULE`"
        ) from error
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    # As Python does it since 3.9: joined to the folder, and not normalised.
    place = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
    main = types.ModuleType("__main__")
    main.__dict__.update(
        __file__=place,
        __builtins__=__builtins__,
        __cached__=None,
        __loader__=importlib.machinery.SourceFileLoader("__main__", place),
        # From 3.14 on, it is made when it is asked for.
        **({"__annotations__": {}} if sys.version_info < (3, 14) else {}),
    )
    # It stays there: what the script pickles, or spawns, looks for itself in __main__.
    sys.modules["__main__"] = main
    exec(compile(source, place, "exec", dont_inherit=True), main.__dict__)  # noqa: S102  # it is what running means


def run_module(name: str, arguments: list[str]) -> None:
    """Run a module as `python -m NAME ARGUMENTS...` would; raises what it raises.

    Raises:
        UnreadableError: when there is no such module, or it is none that can be run.
    """
    sys.argv[:] = [name, *arguments]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.getcwd()
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except ImportError as error:
        if not _is_runpys(error):
            raise
        raise UnreadableError(
            f"{error}. Give a module that `python -m` runs, or the file of a command: "
            'onnxspan run "$(which COMMAND)"'
        ) from error


def _is_runpys(error: BaseException) -> bool:
    """Whether it was raised by runpy itself, which found nothing to run, not by what it ran."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    return entry is not None and entry.tb_frame.f_code.co_filename in _RUNPY


def join_threads() -> None:
    """Wait for the script's threads, as the interpreter does before it ends.

    What the interpreter calls first ends the threads of the executors of concurrent.futures,
    which would wait for work for ever (`threading._shutdown`).
    """
    callbacks: list[Callable[[], object]] = getattr(threading, "_threading_atexits", [])
    for callback in reversed(list(callbacks)):
        callback()
    # The interpreter does not end yet: what is saved and sent after the script needs executors.
    for module, name in _SHUT_DOWN:
        if hasattr(sys.modules.get(module), name):
            setattr(sys.modules[module], name, False)
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


_SHUT_DOWN = (
    ("concurrent.futures.thread", "_shutdown"),
    ("concurrent.futures.process", "_global_shutdown"),
)
"""What those callbacks of the standard library set, so that nothing new is begun."""


def print_exception(error: BaseException) -> None:
    """Print an uncaught exception as `python script.py` would: without our own frames."""
    trimmed = _without_our_frames(
        error.__traceback__, interrupted=isinstance(error, KeyboardInterrupt)
    )
    error.__traceback__ = trimmed
    sys.excepthook(type(error), error, trimmed)


def _without_our_frames(entry: TracebackType | None, *, interrupted: bool) -> TracebackType | None:
    from onnxspan.recording.trampoline import NAME  # only for a failure

    def is_ours(one: TracebackType) -> bool:
        code = one.tb_frame.f_code
        if interrupted and code.co_filename.startswith(_OUR_CODE):
            return True  # Ctrl-C may come while our own code runs
        return code.co_name == NAME or "importlib._bootstrap" in code.co_filename

    # The outermost frames: click's, runpy's and ours, until the script's own begin.
    while entry is not None and _is_before_script(entry):
        entry = entry.tb_next
    current = entry
    while current is not None and current.tb_next is not None:
        if is_ours(current.tb_next):
            current.tb_next = current.tb_next.tb_next
        else:
            current = current.tb_next
    return entry


def _is_before_script(entry: TracebackType) -> bool:
    name = entry.tb_frame.f_code.co_filename
    return name.startswith(_OUR_CODE) or name in _RUNPY or f"{os.sep}click{os.sep}" in name
