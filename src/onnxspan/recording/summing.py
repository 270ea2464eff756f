"""The wrapper of per-node work: for work that is only summed, nothing is made for a call.

It runs some thousand times in an export, so what patching.py's wrapper leaves to hooks is
written out here: two readings of the clock around the work, two for what tracing took, and
three numbers in a list. A node that gets a span goes to the hooks, as does one that fails.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level
from onnxspan.recording.trampoline import NAME, WRAPPER_FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType

    from onnxspan.recording.per_node import NodeHooks
    from onnxspan.recording.trampoline import StandIn

# `parent.working` lets a warning that is raised inside say which operator it is about.
_SOURCE = f"""
def build(original, get, operator, keys, spans, enter, leave, fail, broken, tell, stand_in):
    key = keys[0]
    SITES
    def {NAME}(*args, **kwargs):
        NONLOCAL
        parent = call = None
        function = original
        try:
            FUNCTION
            parent = get()
            if parent is not None:
                export = parent.export
                if export.level >= spans:
                    call = enter(parent, args, kwargs)
                else:
                    clock = export.clock
                    entered = clock()
                    kind = operator(args)
                    working = parent.working
                    parent.working = kind
                    began = clock()
        except Exception as error:
            broken("entering", error)
            parent = None
        if parent is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            try:
                if call is None:
                    parent.working = working
                    call = parent, kind, args, kwargs, began
                fail(call, error)
            except Exception as own:
                broken("failing", own)
            raise
        try:
            if call is not None:
                leave(call, result)
                return result
            parent.working = working
            ended = clock()
            if export.sums:
                duration = ended - began
                group = parent.holder.sums.get(key)
                if group is None:
                    group = parent.holder.sums[key] = keys, {{}}
                entry = group[1].get(kind)
                if entry is None:
                    group[1][kind] = [1, duration, duration]
                else:
                    entry[0] += 1
                    entry[1] += duration
                    if duration > entry[2]:
                        entry[2] = duration
            if tell is not None:
                tell(parent, args, result)
            export.own_time += clock() - ended + began - entered
        except Exception as error:
            broken("leaving", error)
        return result
    return {NAME}
"""

# A C function is called in its caller's name (stand_in.py). Nearly all calls of one come from
# one line of torch, so the last one's answer is kept.
_IN_C = {
    "SITES": """
    getframe, found, make = stand_in.getframe, stand_in.found, stand_in.make
    last = None, 0, None, None""",
    "NONLOCAL": """
        nonlocal last""",
    "FUNCTION": """
            frame = getframe(1)
            site = last
            if (site[0] is not frame.f_code or site[1] != frame.f_lasti
                    or site[2] is not frame.f_globals):
                made = found.get((id(frame.f_code), frame.f_lasti, id(frame.f_globals)))
                called = make(frame) if made is None else made[1]
                site = last = frame.f_code, frame.f_lasti, frame.f_globals, called
            function = site[3]""",
}
_IN_PYTHON = dict.fromkeys(_IN_C, "")
_NEVER = Level.NODES + 1


@functools.cache
def _compiled(*, in_c: bool, leaf: bool) -> Callable[..., FunctionType]:
    # Inside a leaf, which never has a span, nothing is said that would need its operator.
    lines = [line for line in _SOURCE.splitlines() if not (leaf and "working" in line)]
    source = "\n".join(lines)
    for place, part in (_IN_C if in_c else _IN_PYTHON).items():
        source = source.replace(place, part.strip())
    namespace: dict[str, Any] = {"__name__": "onnxspan.recording.summing"}
    exec(compile(source, WRAPPER_FILE, "exec"), namespace)  # noqa: S102  # our own constant text
    build: Callable[..., FunctionType] = namespace["build"]
    return build


def build(hooks: NodeHooks, stand_in: StandIn | None, get: Callable[[], Any]) -> FunctionType:
    """The wrapper of a target whose work is per node.

    Args:
        hooks: what is called for a node that gets a span, and for one that fails.
        stand_in: set for a C function.
        get: gives the call that is current.
    """
    per_node = hooks.per_node
    return _compiled(in_c=stand_in is not None, leaf=not per_node.spans)(
        hooks.target.original, get, per_node.operator, per_node.sums,
        Level.NODES if per_node.spans else _NEVER,
        hooks.enter, hooks.leave, hooks.fail, hooks.broken,
        None if per_node.tell is None else hooks.tell, stand_in,
    )  # fmt: skip
