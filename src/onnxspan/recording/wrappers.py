"""The functions that stand where torch's stood: for a call that is a span, and for per-node work.

They are plain functions whose code object bears another file name: one with "importlib" and
"_bootstrap" in it, which CPython skips when it counts a warning's `stacklevel`. So a warning still
points at the user's line, and is still shown or hidden by the user's filters.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level
from onnxspan.recording.faults import goes_on
from onnxspan.recording.recursion import roomier
from onnxspan.recording.trampoline import NAME, WRAPPER_FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FunctionType

    from onnxspan.recording.call import Call
    from onnxspan.recording.patching import Hooks, Target
    from onnxspan.recording.per_node import NodeHooks
    from onnxspan.recording.trampoline import Trampoline

_NEVER = Level.NODES + 1
_SILENT: dict[str, Callable[..., None]] = {"get": lambda: None, "enter": lambda *_args: None}


def _invisible(wrapper: Any) -> FunctionType:
    wrapper.__code__ = _unseen_code(wrapper.__code__)
    return wrapper  # type: ignore[no-any-return]


@functools.cache  # all wrappers of a kind share one code object
def _unseen_code(code: CodeType) -> CodeType:
    return code.replace(co_filename=WRAPPER_FILE, co_name=NAME)


def silence(wrapper: FunctionType) -> None:
    """Make a wrapper a pass-through, for ever: somebody's patch lies on top of it."""
    names = wrapper.__code__.co_freevars
    name = next(name for name in _SILENT if name in names)
    (wrapper.__closure__ or ())[names.index(name)].cell_contents = _SILENT[name]


def span_wrapper(target: Target, hooks: Hooks, trampoline: Trampoline | None) -> FunctionType:
    """Calls these hooks around the target's function.

    The exception passes through as the same object: `raise` alone, no `from`, nothing added.
    What a hook raises is told to `broken` and goes no further. What a signal handler raises in
    a hook (Ctrl-C, a time limit) goes on, and the call is ended by `lost`.
    """
    original = target.original
    enter, leave, fail, broken, lost = (
        hooks.enter, hooks.leave, hooks.fail, hooks.broken, hooks.lost,
    )  # fmt: skip

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            function = original if trampoline is None else trampoline()
            call = enter(args, kwargs)
        except BaseException as error:
            if goes_on(error):
                lost(kwargs, None)
                raise
            broken("entering", error)
            call, function = None, original
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            try:
                fail(call, error)
            except BaseException as own:
                if goes_on(own):
                    lost(kwargs, call)
                    raise
                broken("failing", own)
            raise
        try:
            leave(call, result)
        except BaseException as error:
            if goes_on(error):
                lost(kwargs, call)
                raise
            broken("leaving", error)
        return result

    return _invisible(wrapper)


def work_wrapper(
    hooks: NodeHooks, trampoline: Trampoline | None, get: Callable[[], Call | None]
) -> FunctionType:
    """The wrapper that fits per-node work."""
    if hooks.per_node.ends_work:
        return _end_wrapper(hooks, get)
    return _node_wrapper(hooks, trampoline, get)


def _node_wrapper(  # noqa: C901, PLR0915  # one function: a call less for each of a thousand nodes
    hooks: NodeHooks, trampoline: Trampoline | None, get: Callable[[], Call | None]
) -> FunctionType:
    """Per-node work, which runs some thousand times: where it is only summed, no call is made."""
    per_node, original = hooks.per_node, hooks.target.original
    operator, spans = per_node.operator, Level.NODES if per_node.spans else _NEVER
    note = None if per_node.note is None else hooks.note
    enter, leave, fail, broken, add, converted = (
        hooks.enter, hooks.leave, hooks.fail, hooks.broken, hooks.add, hooks.converted,
    )  # fmt: skip
    names_work = per_node.spans  # a leaf is too short for anything to be said inside it

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: C901, PLR0912, PLR0915  # as above
        parent: Call | None = None
        call: Call | None = None
        function = original
        try:
            if trampoline is not None:
                function = trampoline()
            parent = get()
            if parent is not None:
                export = parent.export
                is_nested = parent.working is not None or parent.probe.per_node is not None
                if names_work and is_nested:
                    function = _invisible(roomier(function))  # nodes nest without bound
                if export.level >= spans:
                    call = enter(parent, args, kwargs)
                else:
                    entered = export.clock()
                    kind = operator(args)
                    working, inner = parent.working, parent.inner
                    if names_work:
                        parent.working, parent.inner = kind, 0
                    gc_time = export.gc_time
                    collected = gc_time[0][1]
                    began = export.clock()
        except Exception as error:
            if goes_on(error):
                raise
            broken("entering", error)
            parent = None
        if parent is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            try:
                if call is None:
                    parent.working, parent.inner = working, inner
                    fail((parent, kind, args, kwargs, began), error)
                else:
                    fail(call, error)
            except Exception as own:
                if goes_on(own):
                    raise
                broken("failing", own)
            raise
        try:
            if call is not None:
                leave(call, result)
                return result
            parent.working = working
            ended = export.clock()
            took = alone = ended - began - (gc_time[0][1] - collected)
            if names_work:
                alone, parent.inner = took - parent.inner, inner + took
            if export.sums:
                add(parent.holder or parent, kind, alone)
            if note is not None:
                note(parent, args, result)
            if names_work and export.listeners.converted:
                converted(parent, args, result)
            export.tracing_time += export.clock() - ended + began - entered
        except Exception as error:
            if goes_on(error):
                raise
            broken("leaving", error)
        return result

    return _invisible(wrapper)


def _end_wrapper(hooks: NodeHooks, get: Callable[[], Call | None]) -> FunctionType:
    """A call that ends a node's work, which runs some thousand times: one clock reading and a sum.

    What the work itself calls has no frame of ours on its stack.
    """
    original, add_since, broken = hooks.target.original, hooks.add_since, hooks.broken
    note = None if hooks.per_node.note is None else hooks.note

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        try:
            parent = get()
            if parent is not None:
                add_since(parent, args)
                if note is not None:
                    note(parent, args, result)
        except Exception as error:
            if goes_on(error):
                raise
            broken("leaving", error)
        return result

    return _invisible(wrapper)
