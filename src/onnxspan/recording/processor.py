"""What a step really computes: the exporting thread's processor time, and of it the collector's.

The clock on the wall also counts what else a busy machine does. And Python's garbage collector
runs where the allocations happen to reach its threshold: a tenth of a second, or more, in a step
that has nothing to do with it.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from onnxspan import conventions as c

if TYPE_CHECKING:
    from onnxspan.recording.call import Call, Export

_clock = getattr(time, "thread_time_ns", time.process_time_ns)
"""Nanoseconds of this thread so far. A few platforms know the whole process's alone."""

_collecting: dict[int, int] = defaultdict(int)
_began: dict[int, int] = {}
_watched: set[int] = set()
_lock = threading.Lock()


class Spent(NamedTuple):
    """Nanoseconds of this thread's processor time so far, and of them the collector's."""

    processor: int
    collector: int


def spent() -> Spent:
    """What this thread has spent until now."""
    return Spent(_clock(), _collecting[threading.get_ident()])


def begin(call: Call) -> None:
    """Remember what was spent before the call."""
    call.spent = spent()


def end(call: Call) -> None:
    """Say what the call has spent."""
    if call.spent is not None:
        call.attributes |= since(call.spent)


def since(before: Spent) -> dict[str, float]:
    """What was spent since then, as attributes in seconds."""
    now = spent()
    attributes = {c.CPU: (now.processor - before.processor) / 1e9}
    if now.collector > before.collector:
        attributes[c.COLLECTOR] = (now.collector - before.collector) / 1e9
    return attributes


def watch(export: Export) -> None:
    """Begin to time the collector, for this export."""
    with _lock:
        if not _watched:
            gc.callbacks.append(_note)
        _watched.add(id(export))


def unwatch(export: Export) -> None:
    """Take it back; after the last export `gc.callbacks` is as it was."""
    with _lock:
        if id(export) in _watched:
            _watched.remove(id(export))
            if not _watched:
                gc.callbacks.remove(_note)
                _collecting.clear()
                _began.clear()


def _note(phase: str, _info: dict[str, int]) -> None:
    thread = threading.get_ident()
    if phase == "start":
        _began[thread] = _clock()
    elif thread in _began:
        _collecting[thread] += _clock() - _began.pop(thread)
