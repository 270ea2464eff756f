"""A flight log, the lines that a killed (or still running) process wrote, becomes a trace."""

from __future__ import annotations

import dataclasses
import json
import socket
import textwrap
import time
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.errors import TraceFileError
from onnxspan.otlp_json import whole
from onnxspan.reading import figures
from onnxspan.reading.source import checked
from onnxspan.reading.source.trace import Event, Span, Trace
from onnxspan.reading.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

_START = f'{{"{c.FLIGHT_FORMAT}":'.encode()
_NEXT = "Give a flight log (FILE.flight) as `onnxspan.trace()` writes it"
_MAX_BYTES = 64 * 2**20
"""What is read of one; the recording keeps them below 8 MiB and one export."""
_FULL = 0.5
"""Share of the memory limit from which running out of memory is worth naming."""


def is_flight_log(path: Path) -> bool:
    """Whether this is a file that begins as a flight log does."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return stream.read(len(_START)) == _START
    except (OSError, ValueError):  # the reader of traces says what is wrong with it
        return False


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a flight log ends.

    Attributes:
        last: the span that was entered last and never left; None when every span was left.
        memory: resident memory when it was entered, in bytes.
        largest: the highest resident memory that was written, in bytes.
        limit: what the process was allowed, in bytes; 0 when unknown.
        pid: of the process; `runs` says whether it still runs on this machine.
        since: Unix time in ns at which the last span was entered (or the last line written).
        unreadable: lines that could not be read; a torn last line is one.
    """

    last: Span | None
    memory: int
    largest: int
    limit: int
    pid: int
    runs: bool
    since: int
    unreadable: int
    converted: str = ""

    def screen(self, *, width: int = 96) -> str:
        """The ending in plain text of so many columns, safe for a terminal."""
        lines = [self._headline()]
        if self.last is not None:
            inside = " > ".join(span.name for span in reversed([*self.last.outward()][1:]))
            lines += _row("inside", inside, width)
            started = (self.since - [*self.last.outward()][-1].start) / 1e9
            lines += _row("entered", f"{started:.2f} s after the export began", width)
        if self.converted:
            lines += _row("converted", self.converted, width)
        told = f"{figures.size(self.memory)} resident at that moment"
        if self.limit:
            told += f", of {figures.size(self.limit)} that the process may use"
        lines += _row("memory", told, width)
        if self.unreadable:
            lines += _row(
                "note",
                f"{self.unreadable} line(s) could not be read, as when the disk is full",
                width,
            )
        for hint in self._hints():
            lines += _row("try", hint, width)
        return "\n".join(lines)

    def _headline(self) -> str:
        if self.last is None:
            return "The export had ended when the process did; it died later"
        name = one_line(self.last.name)
        if self.runs:
            seconds = max(time.time_ns() - self.since, 0) / 1e9
            return f"Process {self.pid} still runs: it has been in {name} for {seconds:.0f} s"
        return f"The process ended inside {name}, without a word"

    def _hints(self) -> list[str]:
        if self.last is None:
            return []
        if self.runs:
            return [
                (
                    f"See where it is: py-spy dump --native --pid {self.pid} "
                    "(docs: How to look into a hang)."
                )
            ]
        found = []
        if self.limit and max(self.memory, self.largest) > _FULL * self.limit:
            found.append(
                "Memory was short: `dmesg | grep -i oom` says whether the system killed it; "
                "the growth of each span below says where memory went."
            )
        names = {span.name for span in self.last.outward()}
        if {c.JIT_CONVERSION, c.FX_TRANSLATION} & names and self.last.get(c.LEVEL) != "nodes":
            found.append(
                "Run again with level `nodes`: the log then names the operator that it died in."
            )
        elif self.last.name.startswith("_jit_pass_"):
            found.append(
                "Run again with native_log=True (`onnxspan run --native-log`): "
                "the C++ pass says what it does."
            )
        found.append(
            "For a crash, PYTHONFAULTHANDLER=1 prints the Python frames of a segmentation fault."
        )
        return found


def read_flight(path: Path) -> Trace:
    """Build the tree of a flight log; spans that never ended have `end == 0`.

    Raises:
        TraceFileError: when it cannot be read, or there is no export in it.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES)
    except OSError as error:
        raise TraceFileError(path, f"cannot be read: {error.strerror or error}", _NEXT) from error
    reader = _Reader()
    header: dict[str, Any] = {}
    unreadable = 0
    for number, line in enumerate(data.splitlines()):
        if not line.strip():  # there may be millions of them
            unreadable += 1
            continue
        try:
            entry = json.loads(line)
            if number == 0:
                header = entry
                _check(header)
            else:
                reader.take(entry)
        except (
            ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError,
        ):  # fmt: skip
            if number == 0:
                raise TraceFileError(
                    path, "line 1 is not a flight log's first line", _NEXT
                ) from None
            unreadable += 1
    if not reader.spans:
        raise TraceFileError(
            path, "is a flight log without an export: the process ended before one began", _NEXT
        )
    trace = Trace(reader.spans.values(), source=str(path))
    _end_passed_nodes(trace)
    trace.ending = _ending(trace, reader, header, unreadable)
    return trace


def _check(header: dict[str, Any]) -> None:
    for key in ("pid", "at", "limit"):
        whole(header[key])


class _Reader:
    """Takes the lines in order."""

    def __init__(self) -> None:
        self.spans: dict[str, Span] = {}
        self.memory: dict[str, int] = {}
        self.largest = 0
        # By the span that converts a graph: when it was told, nodes done, and nodes in all or -1.
        self.converted: dict[str, tuple[int, int, int]] = {}

    def take(self, entry: dict[str, Any]) -> None:
        if "e" in entry:
            self._enter(entry)
        elif "x" in entry:
            self._leave(self.spans[entry["x"]], entry)
        elif "c" in entry:
            if str(entry["c"]) in self.spans:
                self.converted[str(entry["c"])] = (
                    whole(entry["t"]), whole(entry["d"]), whole(entry["of"]),
                )  # fmt: skip
        elif "w" in entry:
            span = self.spans[entry["w"]]
            attributes = checked.attributes(dict(entry["a"]))
            span.events.append(Event(str(entry["event"]), span.start, attributes))

    def _enter(self, entry: dict[str, Any]) -> None:
        key, parent = str(entry["e"]), str(entry["p"])
        start, memory = whole(entry["t"]), whole(entry["m"])
        attributes = checked.attributes({**dict(entry.get("a", {})), c.LEVEL: str(entry["l"])})
        trace_id = self.spans[parent].trace_id if parent in self.spans else key.rjust(32, "0")
        self.spans[key] = Span(
            name=str(entry["n"]), trace_id=trace_id, span_id=key, parent_id=parent,
            start=start, end=0, attributes=attributes, events=[], error=False,
            description="", scope=c.SCOPE, resource={},
        )  # fmt: skip
        self.memory[key] = memory
        self.largest = max(self.largest, self.memory[key])

    def _leave(self, span: Span, entry: dict[str, Any]) -> None:
        memory, nodes = whole(entry["m"]), whole(entry["g"])
        span.end = whole(entry["t"])
        span.attributes[c.MEMORY_RSS] = memory
        span.attributes[c.MEMORY_GROWTH] = memory - self.memory[span.span_id]
        self.largest = max(self.largest, memory)
        if nodes >= 0:
            span.attributes[c.NODES] = nodes
        if "f" in entry:
            span.error, span.description = True, str(entry["f"])


def _end_passed_nodes(trace: Trace) -> None:
    """A node's end is not written: it ended when something after it began, or its parent ended."""
    for span in trace.spans:
        for child, following in zip(span.children, [*span.children[1:], None], strict=False):
            if child.is_node and not child.end:
                child.end = following.start if following is not None else span.end


def _ending(trace: Trace, reader: _Reader, header: dict[str, Any], unreadable: int) -> Ending:
    never = [span for span in trace.spans if not span.end]
    last = max(never, key=lambda span: (span.start, len([*span.outward()])), default=None)
    newest = max(max(span.start, span.end) for span in trace.spans)
    pid = whole(header["pid"])
    return Ending(
        last=last,
        memory=reader.memory[last.span_id] if last is not None else reader.largest,
        largest=reader.largest,
        limit=whole(header["limit"]),
        pid=pid,
        runs=header.get("host") == socket.gethostname() and _runs(pid, whole(header["at"])),
        since=last.start if last is not None else newest,
        unreadable=unreadable,
        converted=_converted(last, reader),
    )


def _converted(last: Span | None, reader: _Reader) -> str:
    """How far the conversion was that the process ended in; empty where it converted nothing."""
    for span in last.outward() if last is not None else ():
        if span.span_id in reader.converted and not span.end:
            at, done, total = reader.converted[span.span_id]
            seconds = max(at - span.start, 0) / 1e9
            if not 0 < done <= total:
                return f"node {done:,} at {seconds:.0f} s"
            left = seconds / done * (total - done)
            return f"node {done:,} of {total:,} at {seconds:.0f} s: about {left:.0f} s were left"
    return ""


def _runs(pid: int, at: int) -> bool:
    """Whether the process that wrote the log at `at` (Unix ns) still runs."""
    import psutil  # only for a flight log

    try:
        process = psutil.Process(pid)
        # A process that began after the log did has only inherited the number.
        return process.create_time() <= at / 1e9 + 1 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False


def _row(label: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        one_line(text), width, initial_indent=f"  {label:<10}", subsequent_indent=" " * 12
    )
