"""Reads a file of OTLP JSON lines, line by line, and says clearly what is wrong with it."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any, BinaryIO

from onnxspan import conventions as c
from onnxspan.errors import TraceFileError
from onnxspan.reading import figures
from onnxspan.reading.source import checked
from onnxspan.reading.source.checked import whole
from onnxspan.reading.source.gc_time import without_collector
from onnxspan.reading.source.trace import Event, Span

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_BYTES = 400_000_000
"""The largest file that is read: about 400 000 spans, which take some 2 GB of memory."""
MAX_EVENTS = 10_000
"""Events of one span; onnxspan writes at most 100 and an exception."""
MAX_LINE_BYTES = 64_000_000
"""The longest line; `trace.save` writes 512 spans a line."""

_NEXT = "Give a file that `trace.save(...)` or `onnxspan run -o FILE.jsonl` wrote"
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
    "resourceLogs": "holds OTLP logs only",
    "resourceMetrics": "holds OTLP metrics only",
}
_OTHER_SIGNALS = ("resourceLogs", "resourceMetrics", "resourceProfiles")


def read_spans(path: Path) -> list[Span]:
    """Every span in the file, those of other instrumentations included.

    Raises:
        TraceFileError: when the file is missing, cannot be read, is too large, is cut off,
            is not OTLP JSON lines, or holds no span of onnxspan.
    """
    _check_kind(path)
    try:
        with path.open("rb") as stream, without_collector():
            return _read_stream(path, stream)
    except OSError as error:
        raise _unreadable(path, error) from error


def _check_kind(path: Path) -> None:
    """Refuse, before anything is opened, what cannot be a trace."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise TraceFileError(path, "is a folder", _NEXT)
    if status.st_size > MAX_BYTES:
        raise TraceFileError(path, f"has {figures.size(status.st_size)}", _SMALLER)


_SMALLER = (
    f"At most {figures.size(MAX_BYTES)} are read: record at the level `passes`, or read a part, "
    "as every line stands for itself: `head -n 100 FILE > part.jsonl`"
)


def _unreadable(path: Path, error: Exception) -> TraceFileError:
    left = path.with_name(f"{path.name}.flight")
    if isinstance(error, FileNotFoundError) and left.is_file():
        return TraceFileError(
            path, "does not exist", f"What a killed process left is there: onnxspan show {left}"
        )
    if isinstance(error, FileNotFoundError):
        return TraceFileError(path, "does not exist", _NEXT)
    if isinstance(error, PermissionError):
        return TraceFileError(
            path, "may not be read by you (no permission)", f"Try `ls -l {path}`, then `chmod`"
        )
    reason = getattr(error, "strerror", None) or error
    return TraceFileError(path, f"cannot be read: {reason}", _NEXT)


def _read_stream(path: Path, stream: BinaryIO) -> list[Span]:
    spans: list[Span] = []
    scopes: set[str] = set()
    total = 0
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        total += len(line)
        if number == 1:
            _check_start(path, line)
        if total > MAX_BYTES:  # a pipe or a device, whose size nobody told
            raise TraceFileError(path, f"has more than {figures.size(MAX_BYTES)}", _SMALLER)
        if len(line) > MAX_LINE_BYTES:
            raise TraceFileError(
                path, f"line {number} is longer than {figures.size(MAX_LINE_BYTES)}", _NEXT
            )
        if not line.isspace():
            _read_line(path, number, line, spans, scopes)
    if c.SCOPE not in scopes:
        others = ", ".join(sorted(filter(None, scopes))[:4])
        found = f"; its spans are of {others}" if others else ""
        raise TraceFileError(path, f"holds no span of onnxspan{found}", _NEXT)
    return spans


def _check_start(path: Path, line: bytes) -> None:
    for magic, (problem, next_step) in _MAGIC.items():
        if line.startswith(magic):
            raise TraceFileError(path, problem, next_step.format(path=path))
    start = line.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start not in (b"{", b""):
        raise TraceFileError(path, "is not a trace: its first line is not JSON", _NEXT)


def _read_line(path: Path, number: int, line: bytes, spans: list[Span], scopes: set[str]) -> None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _not_json(path, number, line, error) from error
    try:
        if "resourceSpans" not in document and any(key in document for key in _OTHER_SIGNALS):
            return  # the Collector's file exporter mixes signals
        for group in document["resourceSpans"]:
            resource = _attributes(group.get("resource", {}).get("attributes", ()))
            for scoped in group["scopeSpans"]:
                scope = str(scoped.get("scope", {}).get("name", ""))
                scopes.add(scope)
                spans.extend(_from_otlp(raw, scope, resource) for raw in scoped["spans"])
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
            path, f"{foreign}, not OTLP JSON lines" if foreign else problem, _NEXT
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
    return TraceFileError(path, f"line {number} is not JSON ({error!r:.80})", _NEXT)


def _from_otlp(raw: dict[str, Any], scope: str, resource: dict[str, Any]) -> Span:
    status = raw.get("status") or {}
    events = raw.get("events")
    return Span(
        name=c.torch_name(str(raw.get("name", ""))),  # OTLP leaves out what is empty
        trace_id=str(raw["traceId"]),
        span_id=str(raw["spanId"]),
        parent_id=str(raw.get("parentSpanId") or ""),
        start=whole(raw["startTimeUnixNano"]),
        end=whole(raw.get("endTimeUnixNano") or 0),
        attributes=checked.attributes(_attributes(raw.get("attributes", ()))),
        events=_events(events) if events else [],
        error=status.get("code") in (2, "STATUS_CODE_ERROR"),
        description=str(status.get("message", "")),
        scope=scope,
        resource=resource,
    )


def _events(raw: list[dict[str, Any]]) -> list[Event]:
    """The events of one span.

    Raises:
        ValueError: for more than anybody looks at: an event takes 100 times its bytes.
    """
    if len(raw) > MAX_EVENTS:
        raise ValueError(f"a span with more than {MAX_EVENTS:,} events")
    return [_event(event) for event in raw]


def _event(raw: dict[str, Any]) -> Event:
    return Event(
        str(raw.get("name", "")),
        whole(raw.get("timeUnixNano") or 0),
        checked.attributes(_attributes(raw.get("attributes", ()))),
    )


def _attributes(raw: Iterable[dict[str, Any]]) -> dict[str, Any]:
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
            return _attributes(value.get("values", ()))
        return value
    return None
