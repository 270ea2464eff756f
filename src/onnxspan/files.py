"""Writing a file whole or not at all; both halves of the house may use it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
"""Names of a process's own streams."""


def is_report(path: str | os.PathLike[str]) -> bool:
    """Whether a trace saved under this name is a report in HTML, not a file of spans."""
    return os.fspath(path).lower().endswith((".html", ".htm"))


def target_of(path: str | os.PathLike[str]) -> Path:
    """The place that is written: what a link points to, so that the link stays one.

    Raises:
        OSError: when something other than a file is there: it would be replaced by one.
    """
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if os.path.abspath(path).startswith(_STREAMS):
        # What is behind it may be a file: it would be replaced, and the script's output with it.
        raise OSError(errno.EINVAL, "is a stream of a process, not a file", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is a device or a pipe, not a file", str(path))
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """Open a UTF-8 file under a temporary name in the same folder, which at the end takes its place.

    Raises:
        OSError: when the folder or file cannot be written; nothing is then left of it.
    """
    target = target_of(path)
    # A part of the name, so that a long one does not become too long.
    try:
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{target.name[:20]}.", suffix=".part", dir=target.parent
        )
    except OSError as error:  # it names the temporary file, which the user has never heard of
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)  # mkstemp's 0600 is not what `open` would give
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text as `whole` does.

    Raises:
        OSError: as `whole` does.
    """
    with whole(path) as stream:
        stream.write(text)
