"""The flight log: what is entered is on record before it runs, so that a kill cannot take it.

A native pass holds the GIL: nothing in the background can report it, and a process that is
killed inside one writes no more. So each stage and pass is one line, handed to the kernel by
one `os.write` before it begins. The file outlives the process, whatever ends it; it does not
outlive the machine (there is no fsync). A clean end removes it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.conversion import Conversion
from onnxspan.recording.faults import goes_on
from onnxspan.recording.listeners.base import Listener
from onnxspan.version import __version__

if TYPE_CHECKING:
    from onnxspan.recording.call import Call, Export

_MAX_BYTES = 8 * 2**20
"""When an export begins and the file is longer, it is emptied: a loop of exports stays small."""
_KEPT_DAYS = 14
_FRESH_FOR_NODES = 3_000_000
"""Nanoseconds for which a reading of the memory does for the lines of nodes."""
_MESSAGE_LIMIT = 400
_EVERY = 1.0
"""Seconds between two lines that say how far a conversion is."""

_forks = 0
"""How many forks lie between the first process and this one: its child keeps no log of ours."""


def _forked() -> None:
    global _forks  # noqa: PLW0603  # cheaper to compare at each line than the process's number
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class FlightLog(Listener):
    """Listener that writes the lines.

    Args:
        beside: the file that the trace will be saved to, whose name plus `.flight` it takes;
            None puts it into a per-user folder of the temporary folder.

    Attributes:
        path: where the log is, once an export has begun.
        one_export: remove the log as each export ends: for a process that ends without a word,
            as the children of multiprocessing do. The child of a fork is always one.
    """

    def __init__(self, beside: str | os.PathLike[str] | None = None) -> None:
        self.path: Path | None = None
        self._beside = beside
        self._descriptor = -1
        self._process = -1  # the process, by _forks, that the log was begun in
        self._made_in = _forks
        self._identity = (0, 0)  # device and inode of the log
        self.one_export = False
        self._rests: dict[tuple[str, c.Level], bytes] = {}
        self._nodes: dict[str, bytes] = {}
        self._size = 0
        self._conversion = Conversion(_EVERY)

    def entered(self, call: Call) -> None:
        """Write that the call begins, and open the file before the first one."""
        if call is call.export.root:
            self._prepare()
        else:
            self._check_descriptor()
        line = self._enter(call) + self._rest(
            getattr(call.span, "name", call.name), call.probe.level
        )
        if call is call.export.root:
            line += b',"a":%s' % _attributes(call)
        self._write(line + b"}\n")

    def left(self, call: Call, error: BaseException | None) -> None:
        """Write that it has ended, with the graph's size, or what it raised."""
        if call.span is None:
            return
        self._check_descriptor()
        export = call.export
        line = b'{"x":"%s","t":%d,"m":%d,"g":%d' % (
            call.id,
            export.epoch + export.clock(),
            call.attributes.get(c.MEMORY_RSS, 0),
            call.attributes.get(c.NODES, -1),
        )
        if error is not None:
            told = f"{type(error).__name__}: {error}".strip().split("\n")[0][:_MESSAGE_LIMIT]
            line += b',"f":%s' % json.dumps(told).encode()
        self._write(line + b"}\n")

    def node_entered(self, call: Call) -> None:
        """Write which node is converted (level `nodes` only); its end is not written."""
        # A node's span has no memory of its own, and most nodes take a tenth of this long.
        call.rss, call.peak = call.export.memory(call.began, _FRESH_FOR_NODES)
        rest = self._nodes.get(call.operator)
        if rest is None:
            rest = self._nodes[call.operator] = self._rest(call.operator, c.Level.NODES) + b"}\n"
        self._write(self._enter(call) + rest)

    def converted(self, call: Call, args: tuple[Any, ...], result: Any) -> None:  # noqa: ARG002  # a Listener's
        """Write now and then how far a long conversion is."""
        known = self._conversion
        if known.count(call):
            total = -1 if known.total is None else known.total
            self._write(
                b'{"c":"%s","t":%d,"d":%d,"of":%d}\n'
                % (known.span_id, time.time_ns(), known.done, total)
            )

    def on_event(self, call: Call, event: str, attributes: dict[str, Any]) -> None:
        """Write a warning or log record; the C++ passes' own lines are too many."""
        if event == c.NATIVE_LOG_EVENT or call.span is None:
            return
        told = json.dumps({"w": call.id.decode(), "event": event, "a": attributes}, default=str)
        self._write(told.encode() + b"\n")

    def finished(self, export: Export) -> None:  # noqa: ARG002  # the listener's interface
        """An export is over: in a process whose end nobody tells, so is the log."""
        if self.one_export or self._made_in != _forks:
            self.closed()

    def closed(self) -> None:
        """The recording has ended in good order: nothing is to be told."""
        if self._process != _forks:  # never begun, or the child of a fork
            return
        self._check_descriptor()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._process = -1, -1
        atexit.unregister(self.closed)
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _enter(self, call: Call) -> bytes:
        if call.span is None:
            raise RuntimeError("the call has no span")
        parent = call.parent
        while parent is not None and parent.span is None:
            parent = parent.parent
        return b'{"e":"%s","p":"%s","t":%d,"m":%d' % (
            call.id,
            parent.id if parent is not None else b"",
            call.export.epoch + call.began,
            call.rss,
        )

    def _rest(self, name: str, level: c.Level) -> bytes:
        known = self._rests.get((name, level))
        if known is None:
            told = f',"n":{json.dumps(name)},"l":"{level.name.lower()}"'
            known = self._rests[name, level] = told.encode()
        return known

    def _write(self, line: bytes) -> None:
        if self._descriptor < 0 or self._process != _forks:
            return
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OSError(
                    f"only {written} of {len(line)} bytes were written; is the disk full?"
                )
        except OSError as error:
            if goes_on(error):
                raise
            os.close(self._descriptor)
            self._descriptor = -1
            raise OSError(f"the flight log ends here, {self.path}: {error}") from error
        self._size += written

    def _check_descriptor(self) -> None:
        """Give the descriptor up when it is no longer the log's: a daemon closes all, and reuses them."""
        if self._descriptor < 0:
            return
        try:
            state = os.fstat(self._descriptor)
        except OSError as error:
            if goes_on(error):
                raise
        else:
            if (state.st_dev, state.st_ino) == self._identity:
                return
        self._descriptor = -1

    def _prepare(self) -> None:
        self._check_descriptor()
        if self._descriptor >= 0 and self._process == _forks:
            if self._size > _MAX_BYTES:
                os.ftruncate(self._descriptor, 0)
                self._size = 0
                self._write(_header())
            return
        if self._process == _forks and self.path is None:
            return  # it failed before, and that was said
        is_again, self._process = self._process == _forks, _forks
        beside = self._beside
        if beside is not None and self._made_in != _forks:  # the log beside it is the parent's
            beside = f"{os.fspath(beside)}.{os.getpid()}"
        if is_again and self.path is not None:  # its descriptor was closed
            self._descriptor = os.open(self.path, _FLAGS)
        else:
            self.path = None
            self.path, self._descriptor = _open(beside)
            self._keep_one_free()
        state = os.fstat(self._descriptor)
        self._identity = state.st_dev, state.st_ino
        atexit.register(self.closed)
        self._write(_header())

    def _keep_one_free(self) -> None:
        """Give the log up where its descriptor is the process's last: the export needs one.

        Raises:
            OSError: when no other file can be opened now.
        """
        try:
            os.close(os.dup(self._descriptor))
        except OSError:
            os.close(self._descriptor)
            if self.path is not None:
                self.path.unlink(missing_ok=True)
            self._descriptor, self.path = -1, None
            raise


def _attributes(root: Call) -> bytes:
    attributes = {**root.target.constants, **root.attributes}
    attributes[c.EXPORTER] = root.export.exporter
    return json.dumps(attributes, default=str).encode()


def flight_folder() -> Path:
    """The folder of this user's flight logs in the temporary folder; it may not exist yet."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"onnxspan-{user}"


_FLAGS = (
    os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a named pipe that nobody reads is refused, not waited for
)  # fmt: skip


def _is_in_use(log: Path) -> bool:
    """Whether another process that still runs writes this log."""
    try:
        if not stat.S_ISREG(log.lstat().st_mode):
            return False
        with log.open("rb") as stream:
            header = json.loads(stream.readline(4096))
        pid = header["pid"]
        if header["host"] != socket.gethostname() or pid == os.getpid() or pid <= 0:
            return False
        os.kill(pid, 0)
    except PermissionError:  # somebody else's process
        return True
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        if goes_on(error):
            raise
        return False
    return True


def _open(beside: str | os.PathLike[str] | None) -> tuple[Path, int]:
    if beside is not None:
        target = Path(f"{os.fspath(beside)}.flight").absolute()
        if _is_in_use(target):
            target = Path(f"{os.fspath(beside)}.{os.getpid()}.flight").absolute()
        try:
            descriptor = os.open(target, _FLAGS, 0o644)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.ftruncate(descriptor, 0)
                return target, descriptor
            os.close(descriptor)
        except OSError as error:  # the folder may come into being later; the save itself will tell
            if goes_on(error):
                raise
    folder = temporary_folder()
    path = (
        folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.time_ns() % 10**6}.flight"
    )
    return path, os.open(path, _FLAGS | os.O_EXCL, 0o600)


def temporary_folder() -> Path:
    """The per-user folder; a fresh one where something else has that name.

    Raises:
        OSError: when there is no temporary folder that can be written.
    """
    folder = flight_folder()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:  # a file, or a link that leads nowhere
        return Path(tempfile.mkdtemp(prefix="onnxspan-"))
    state = folder.lstat()
    if folder.is_symlink() or (hasattr(os, "getuid") and state.st_uid != os.getuid()):
        return Path(tempfile.mkdtemp(prefix="onnxspan-"))
    _remove_old(folder)
    return folder


@functools.cache  # once a process is often enough
def _remove_old(folder: Path) -> None:
    """Remove the logs that nobody has come for.

    Other processes of the user write and remove their logs in the folder at the same time, and
    its housekeeping must not cost this process its own log: what cannot be removed stays.
    """
    oldest = time.time() - _KEPT_DAYS * 86400
    for old in folder.glob("*.flight"):
        try:
            if old.lstat().st_mtime < oldest:
                old.unlink()
        except OSError as error:  # gone meanwhile, or not ours to remove
            if goes_on(error):
                raise


def _header() -> bytes:
    header = {
        c.FLIGHT_FORMAT: 1,
        "version": __version__,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "at": time.time_ns(),
        "limit": _memory_limit(),
        "script": Path(sys.argv[0]).name if sys.argv else "",
    }
    return json.dumps(header).encode() + b"\n"


def _memory_limit() -> int:
    """Bytes that this process may use: of the machine, its control group, its own limit."""
    limits = []
    try:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        import psutil  # not needed where sysconf is

        limits.append(psutil.virtual_memory().total)
    with contextlib.suppress(OSError, ValueError):  # no control group, or "max"
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    try:
        import resource  # not on Windows

        soft = resource.getrlimit(resource.RLIMIT_AS)[0]
        if soft not in (resource.RLIM_INFINITY, -1):
            limits.append(soft)
    except ImportError:
        pass
    return min(limits)
