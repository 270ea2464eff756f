"""Reads a file of OTLP JSON lines, line by line, and says clearly what is wrong with it.

Both halves read such files with it: `reading/` for its views, `recording/outputs/saved.py` to send them.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from onnxspan import conventions as c
from onnxspan.errors import TraceFileError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    Make = Callable[[dict[str, Any], dict[str, Any]], Iterable["T"]]

T = TypeVar("T")

MAX_BYTES = 400_000_000
"""The largest file that is read: about 400 000 spans, which take some 2 GB of memory."""
MAX_LINE_BYTES = 64_000_000
"""The longest line; `trace.save` writes 512 spans a line."""

NEXT = "Give a file that `trace.save(...)` or `onnxspan run -o FILE.jsonl` wrote"
_MAGIC = {
    b"\x1f\x8b": ("is gzip", "Unpack it first: `gunzip -k {path}`"),
    b"\x28\xb5\x2f\xfd": ("is zstd", "Unpack it first: `unzstd {path}`"),
    b"BZh": ("is bzip2", "Unpack it first: `bunzip2 -k {path}`"),
    b"\xfd7zXZ": ("is xz", "Unpack it first: `unxz -k {path}`"),
    b"PK\x03\x04": ("is a zip archive", "Unpack it first: `unzip {path}`"),
}
_FOREIGN = {
    "traceEvents": "is a Chrome trace",
    "data": "is Jaeger's own JSON, or another tool's",
    c.FLIGHT_FORMAT: "is a flight log",
}
_OTHER_SIGNALS = ("resourceLogs", "resourceMetrics", "resourceProfiles")
MAX_WHOLE = 2**63
"""Integers of OTLP have 64 bits; times are unsigned."""


def read(path: str | os.PathLike[str], make: Make[T]) -> list[T]:
    """Every span in the file, whoever made it.

    `make` gets an entry of `resourceSpans` and one of its `scopeSpans`, and returns the spans of that scope.

    Raises:
        TraceFileError: when the file is missing, cannot be read, is too large, is cut off,
            is not OTLP JSON lines, or holds no span.
    """
    path = Path(path)
    _check_kind(path)
    try:
        with path.open("rb") as stream:
            spans = _read_stream(path, stream, make)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not spans:
        raise TraceFileError(path, "holds no span", NEXT)
    return spans


def _check_kind(path: Path) -> None:
    """Refuse, before anything is opened, what cannot be a trace."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise TraceFileError(path, "is a folder", NEXT)
    if status.st_size > MAX_BYTES:
        raise TraceFileError(path, f"has {_mebi(status.st_size)}", _SMALLER)


def _mebi(number: int) -> str:
    return f"{number / 2**20:,.0f} MiB"


_SMALLER = (
    f"At most {_mebi(MAX_BYTES)} are read: record at the level `passes`, or read a part, "
    "as every line stands for itself: `head -n 100 FILE > part.jsonl`"
)


def _unreadable(path: Path, error: Exception) -> TraceFileError:
    left = path.with_name(f"{path.name}.flight")
    if isinstance(error, FileNotFoundError) and left.is_file():
        return TraceFileError(
            path, "does not exist", f"What a killed process left is there: onnxspan show {left}"
        )
    if isinstance(error, FileNotFoundError):
        return TraceFileError(path, "does not exist", NEXT)
    if isinstance(error, PermissionError):
        return TraceFileError(
            path, "may not be read by you (no permission)", f"Try `ls -l {path}`, then `chmod`"
        )
    reason = getattr(error, "strerror", None) or error
    return TraceFileError(path, f"cannot be read: {reason}", NEXT)


def _read_stream(path: Path, stream: BinaryIO, make: Make[T]) -> list[T]:
    spans: list[T] = []
    total = 0
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        total += len(line)
        if number == 1:
            _check_start(path, line)
        if total > MAX_BYTES:  # a pipe or a device, whose size nobody told
            raise TraceFileError(path, f"has more than {_mebi(MAX_BYTES)}", _SMALLER)
        if len(line) > MAX_LINE_BYTES:
            raise TraceFileError(
                path, f"line {number} is longer than {_mebi(MAX_LINE_BYTES)}", NEXT
            )
        if not line.isspace():
            spans.extend(_read_line(path, number, line, make))
    return spans


def _check_start(path: Path, line: bytes) -> None:
    for magic, (problem, next_step) in _MAGIC.items():
        if line.startswith(magic):
            raise TraceFileError(path, problem, next_step.format(path=path))
    start = line.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start not in (b"{", b""):
        raise TraceFileError(path, "is not a trace: its first line is not JSON", NEXT)


def _read_line(path: Path, number: int, line: bytes, make: Make[T]) -> list[T]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _not_json(path, number, line, error) from error
    try:
        if "resourceSpans" not in document and any(key in document for key in _OTHER_SIGNALS):
            return []  # the Collector's file exporter mixes signals
        return [
            span
            for group in document["resourceSpans"]
            for scoped in group["scopeSpans"]
            for span in make(group, scoped)
        ]
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        foreign = next(
            (
                text
                for key, text in _FOREIGN.items()
                if isinstance(document, dict) and key in document
            ),
            None,
        )
        problem = f"line {number} is not a line of OTLP JSON spans ({error!r:.80})"
        raise TraceFileError(
            path, f"{foreign}, not OTLP JSON lines" if foreign else problem, NEXT
        ) from error


def _not_json(path: Path, number: int, line: bytes, error: Exception) -> TraceFileError:
    if line.strip() in (b"{", b"[") and number == 1:
        return TraceFileError(
            path,
            "is JSON over several lines, not OTLP JSON lines",
            f"Put it on one line: `jq -c . {path} > trace.jsonl`",
        )
    if not line.endswith(b"\n"):
        before = number - 1
        return TraceFileError(
            path,
            f"ends in the middle of line {number}: the file is cut off",
            f"Copy it again, or read what is whole: `head -n {before} {path} > whole.jsonl`"
            if before
            else "Copy it again from where it was written",
        )
    return TraceFileError(path, f"line {number} is not JSON ({error!r:.80})", NEXT)


def whole(value: Any) -> int:
    """An integer of OTLP or of a flight log, which may be written as a string.

    Raises:
        ValueError, TypeError, OverflowError: for what is none, or has more than 64 bits.
    """
    number = int(value)
    if not -MAX_WHOLE <= number < 2 * MAX_WHOLE:
        raise ValueError("a number of more than 64 bits")
    return number


def attributes(holder: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span, event, link, scope or resource."""
    return _map(holder.get("attributes", ()))


def _map(raw: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {str(entry["key"]): _value(entry.get("value") or {}) for entry in raw}


def _value(raw: dict[str, Any]) -> Any:  # noqa: PLR0911  # a return for each kind
    """A value of OTLP JSON: 64-bit integers are strings there, and doubles may be too."""
    for kind, value in raw.items():
        if kind == "stringValue":
            return str(value)
        if kind == "intValue":
            return whole(value)
        if kind == "doubleValue":
            return float(value)
        if kind == "arrayValue":
            return [_value(item) for item in value.get("values", ())]
        if kind == "kvlistValue":
            return _map(value.get("values", ()))
        return value
    return None
