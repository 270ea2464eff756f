"""What a step really computes: the exporting thread's processor time, and of it the collector's.

The clock on the wall also counts what else a busy machine does. And Python's garbage collector
runs where the allocations happen to reach its threshold: a tenth of a second, or more, in a step
that has nothing to do with it.
"""

from __future__ import annotations

import collections
import functools
import gc
import itertools
import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from onnxspan import conventions as c
from onnxspan.recording import forks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.recording.call import Call, Export

_clock = getattr(time, "thread_time_ns", time.process_time_ns)
"""Nanoseconds of this thread so far. A few platforms know the whole process's alone."""

# By thread, for those that export: a stopwatch, and what it has shown at last: nanoseconds in the
# collector, of processor time and on the wall.
_stopwatches: dict[int, Iterator[None]] = {}
_shown: dict[int, collections.deque[tuple[int, int]]] = {}
_watched: dict[int, int] = {}
_lock = threading.Lock()
forks.renew(sys.modules[__name__], "_lock", threading.Lock)


class _Pressed:
    """Setting `start` or `stop` presses this thread's stopwatch, with no line of Python run for it.

    Python code that the collector calls would be the first to meet a signal that came while it
    worked, and what is raised there (Ctrl-C, a time limit) the interpreter prints and forgets.
    So all of it is C: `setattr`, a property whose setter is `next(self, info)`, and iterators.
    """

    start = stop = property(None, next)
    __next__ = map(
        next,
        map(
            _stopwatches.get,
            iter(threading.get_ident, None),
            itertools.repeat(itertools.repeat(None)),  # of a thread that exports nothing
        ),
    ).__next__


_note = functools.partial(setattr, _Pressed())


class Spent(NamedTuple):
    """Nanoseconds of this thread's processor time so far, and of them the collector's."""

    processor: int
    gc: int


def spent() -> Spent:
    """What this thread has spent until now."""
    shown = _shown.get(threading.get_ident())
    return Spent(_clock(), shown[0][0] if shown else 0)


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
    if now.gc > before.gc:
        attributes[c.GC_TIME] = (now.gc - before.gc) / 1e9
    return attributes


def watch(export: Export) -> None:
    """Begin to time the collector, for this export."""
    thread = threading.get_ident()
    with _lock:
        _watched[id(export)] = thread
        if thread not in _stopwatches:
            shown = _shown[thread] = collections.deque(((0, 0),), maxlen=1)
            # At each start the reading less the sum so far, at each stop that taken from the
            # reading: the sum again, longer by what lies between.
            clocks = iter(_clock, None), iter(time.perf_counter_ns, None)
            sums = (itertools.accumulate(clock, int.__rsub__) for clock in clocks)
            _stopwatches[thread] = map(shown.append, zip(*sums))  # noqa: B905  # neither ends
        export.gc_time = _shown[thread]
        if _note not in gc.callbacks:
            gc.callbacks.append(_note)


def unwatch(export: Export) -> None:
    """Take it back; after the last export `gc.callbacks` is as it was."""
    with _lock:
        # No comprehension: an interrupt in one leaves this block without its end on Python 3.13.
        others = _watched.copy()
        thread = others.pop(id(export), None)
        if not others:
            _remove()
        if thread is not None and thread not in others.values():
            _stopwatches.pop(thread, None)
            _shown.pop(thread, None)
        _watched.pop(id(export), None)


def unwatch_everything() -> None:
    """Take back whatever an export that was broken off has left."""
    with _lock:
        _remove()
        for known in (_stopwatches, _shown, _watched):
            known.clear()


def _remove() -> None:
    if _note in gc.callbacks:
        gc.callbacks.remove(_note)
