"""The process's resident memory, cheap enough to read twice a pass.

psutil takes about 25 us a reading, most of it in building its answer; a `pread` of
`/proc/self/statm` on a kept descriptor takes about 2 us. psutil serves everywhere else.
"""

from __future__ import annotations

import os
import sys

from onnxspan.recording.faults import goes_on

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def _linux_reader() -> tuple[int, int] | None:
    try:
        descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, AttributeError):
        return None
    return descriptor, os.sysconf("SC_PAGE_SIZE")


def _high_water_mark() -> int:
    """`VmHWM`. Where memory is taken and given back, a reading takes up to a millisecond."""
    if _status < 0:
        return 0
    try:
        text = os.pread(_status, 4096, 0)
        start = text.index(b"VmHWM:") + 6
        return int(text[start : text.index(b"kB", start)]) * 1024
    except (OSError, ValueError) as error:  # somebody closed every descriptor; another kernel
        if goes_on(error):
            raise
        return 0


def _begin() -> None:
    global _inherited, _reader, _status  # noqa: PLW0603  # one descriptor each for the process
    _reader = _linux_reader()
    _inherited = -1
    try:
        _status = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, AttributeError):
        _status = -1


_reader: tuple[int, int] | None = None
_status = -1
# What the kernel says for a process that a larger one has started: the larger one's peak, in
# bytes, until its own is higher. -1: not known yet; 0: the kernel's figure is the process's own.
_inherited = -1
_ROUNDING = 2 * 2**20
"""Bytes by which two of the kernel's figures of one quantity differ: it counts by processor."""
_begin()
if hasattr(os, "register_at_fork"):  # a fork's child must not read its parent's statm
    os.register_at_fork(after_in_child=_begin)


def resident() -> int:
    """Resident memory of this process now, in bytes; 0 where it cannot be read."""
    global _reader  # noqa: PLW0603  # as above
    if _reader is None:
        return _psutil_resident()
    descriptor, page = _reader
    try:
        return int(os.pread(descriptor, 64, 0).split(None, 2)[1]) * page
    except (OSError, ValueError, IndexError) as error:  # somebody closed every descriptor
        if goes_on(error):
            raise
        _reader = None
        return _psutil_resident()


def _psutil_resident() -> int:
    import psutil  # not needed where /proc is

    return int(psutil.Process().memory_info().rss)


def peak() -> int:
    """The highest resident memory of this process so far, in bytes; 0 where it is unknown.

    On Linux it is `VmHWM`: `ru_maxrss` survives `exec`, so that of a process that a larger one
    has started is the larger one's. Once `ru_maxrss` has grown it is the process's own, and
    it takes a microsecond to read.
    """
    global _inherited  # noqa: PLW0603  # of the process, as what is read
    told = _reported_peak()
    if _status < 0 or _inherited == 0:
        return told
    if 0 <= _inherited < told:
        _inherited = 0
        return told
    found = _high_water_mark()
    _inherited = 0 if found >= told - _ROUNDING else told
    return found or told


def _reported_peak() -> int:
    if resource is None:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
