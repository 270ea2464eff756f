"""A span tree, from memory or from a file: what every view is made of."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.printable import one_line
from onnxspan.reading import figures
from onnxspan.reading.source import checked

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from opentelemetry.sdk.trace import ReadableSpan

    from onnxspan.reading.failure import Failure
    from onnxspan.reading.mismatch import Mismatch
    from onnxspan.reading.origins.origins import Origins
    from onnxspan.reading.source.flight import Ending


@dataclasses.dataclass(eq=False, repr=False)
class Span:
    """One span. Times are Unix nanoseconds; ids are lower-case hexadecimal.

    Attributes:
        error: whether its status is ERROR; `description` is then the status's message.
        end: 0 for a span that never ended.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[Event]
    error: bool
    description: str
    scope: str
    resource: dict[str, Any]
    parent: Span | None = None
    children: list[Span] = dataclasses.field(default_factory=list)

    def __repr__(self) -> str:
        state = "failed" if self.error else figures.duration(self.duration) if self.end else "open"
        inside = f", {len(self.children)} inside" if self.children else ""
        return f"<Span {one_line(self.name)[:80]}: {state}{inside}>"

    @property
    def duration(self) -> float:
        """Seconds from start to end; 0.0 for a span that never ended."""
        return max(self.end - self.start, 0) / 1e9 if self.end else 0.0

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute, or the default."""
        return self.attributes.get(key, default)

    def number(self, key: str) -> int | None:
        """An attribute that is a whole number; None when it is absent or something else."""
        value = self.attributes.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def is_node(self) -> bool:
        """Whether it is the conversion of one node: a span of level `nodes`."""
        return bool(self.get(c.LEVEL) == c.Level.NODES.name.lower())

    def outward(self) -> Iterator[Span]:
        """This span and those around it, up to the root."""
        span: Span | None = self
        while span is not None:
            yield span
            span = span.parent

    def holder(self, key: str) -> Span | None:
        """The innermost span that has an attribute: this one or one around it; None without one."""
        return next((span for span in self.outward() if key in span.attributes), None)

    def walk(self) -> Iterator[Span]:
        """This span and all below it, in the order of the calls."""
        stack = [self]
        while stack:
            span = stack.pop()
            yield span
            stack.extend(reversed(span.children))


@dataclasses.dataclass
class Event:
    """A point in a span's time: an exception, or a line of a log."""

    name: str
    time: int
    attributes: dict[str, Any]


class Trace:
    """One or several exports, each a tree of spans.

    Attributes:
        roots: the spans without a parent in this trace, in order of time. A script's span is
            none: what stands below it begins a tree of its own.
        scripts: the spans of the scripts that `onnxspan run` ran; what a script imported are
            its `children`.
        source: the file it was read from, or "memory".
        ending: how the process ended, when this was read from a flight log.
        snapshot: the text of a graph, by the name of its file; None when it is not there.
    """

    def __init__(
        self,
        spans: Iterable[Span],
        source: str = "memory",
        snapshot: Callable[[str], str | None] | None = None,
    ) -> None:
        self.source = source
        self.ending: Ending | None = None
        self.snapshot = snapshot or (lambda _name: None)
        found = sorted(spans, key=lambda span: (span.start, -span.end))
        self.scripts = [span for span in found if c.SCRIPT in span.attributes]
        self._keep_imports(found)
        apart = (c.SCRIPT, c.SCRIPT_IMPORT)
        listed = [span for span in found if not any(key in span.attributes for key in apart)]
        by_id = {(span.trace_id, span.span_id): span for span in listed}
        self.roots: list[Span] = []
        for span in listed:
            span.children = []
        for span in listed:
            span.parent = by_id.get((span.trace_id, span.parent_id)) if span.parent_id else None
            if span.parent is span:  # a broken file must not make us loop
                span.parent = None
            if span.parent is None:
                self.roots.append(span)
            else:
                span.parent.children.append(span)
        self._cut_circles(listed)

    def _keep_imports(self, found: list[Span]) -> None:
        by_id = {script.span_id: script for script in self.scripts}
        for script in self.scripts:
            script.children = []
        for span in found:
            around = by_id.get(span.parent_id)
            if around is not None and c.SCRIPT_IMPORT in span.attributes:
                around.children.append(span)

    def __repr__(self) -> str:
        count = len(self.spans)
        failed = ", failed" if any(root.error for root in self.roots) else ""
        return (
            f"<Trace of {one_line(Path(self.source).name)}: {len(self.exports)} export{'' if len(self.exports) == 1 else 's'}, "
            f"{count} spans{failed}>"
        )

    def _cut_circles(self, listed: list[Span]) -> None:
        """Spans of a broken file that are each other's ancestors: the earliest becomes a root."""
        reached = {id(span) for root in self.roots for span in root.walk()}
        for span in listed:
            if len(reached) == len(listed):
                return
            if id(span) not in reached and span.parent is not None:
                span.parent.children.remove(span)
                span.parent = None
                self.roots.append(span)
                reached.update(id(below) for below in span.walk())

    @property
    def spans(self) -> list[Span]:
        """Every span, root by root, in the order of the calls."""
        return [span for root in self.roots for span in root.walk()]

    @property
    def exports(self) -> list[Span]:
        """The outermost span of each export: those that say which exporter ran."""
        return [span for root in self.roots for span in self.exports_below(root)]

    @staticmethod
    def exports_below(root: Span) -> list[Span]:
        """The exports of one tree, itself included."""
        return [span for span in root.walk() if c.EXPORTER in span.attributes]

    @property
    def failure(self) -> Failure | None:
        """Where and why the last export that failed did so; None when all went well."""
        from onnxspan.reading import failure  # it reads what this makes

        found, exports = failure.fatal_failure(self.roots), self.exports
        if found is None or len(exports) == 1:
            return found
        for number, export in enumerate(exports, 1):
            if any(span is found.span for span in export.walk()):
                return dataclasses.replace(found, number=number, of=len(exports))
        return found

    @property
    def failures(self) -> list[Failure]:
        """Every failure, in order of time; those that the exporter handled say so."""
        from onnxspan.reading import failure  # it reads what this makes

        return failure.failures(self.roots)

    @property
    def mismatch(self) -> Mismatch | None:
        """Where the numbers begin to differ, in the last verified export or step that does.

        None when all agree.
        """
        from onnxspan.reading import mismatch  # it imports Span

        return next(reversed(mismatch.of_trace(self)), None)

    @property
    def origins(self) -> Origins:
        """Where each node and constant of the last exported file comes from.

        Raises:
            SnapshotError: when the export was recorded without snapshots.
            ValueError: when there is no export in the trace.
        """
        from onnxspan.reading.origins.origins import of_export  # it imports Span

        if not self.exports:
            raise ValueError("the trace has no export")
        return of_export(self, self.exports[-1])

    @classmethod
    def from_spans(
        cls, spans: Iterable[ReadableSpan], snapshot: Callable[[str], str | None] | None = None
    ) -> Trace:
        """Build the tree from ended OpenTelemetry SDK spans."""
        return cls((_from_readable(span) for span in spans), snapshot=snapshot)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Trace:
        """Read a file of OTLP JSON lines, as `trace.save` writes it, or a flight log.

        Raises:
            TraceFileError: when the file is missing, cannot be read, or is not such a file.
        """
        from onnxspan.reading.source import flight  # it builds what this is
        from onnxspan.reading.source.otlp import read_spans  # it imports Span
        from onnxspan.reading.source.snapshots import reader_beside  # likewise

        if flight.is_flight_log(Path(path)):
            return flight.read_flight(Path(path))
        return cls(read_spans(Path(path)), source=str(path), snapshot=reader_beside(Path(path)))

    def _repr_html_(self) -> str:
        """The tree in a notebook, to fold and unfold, without a script."""
        from onnxspan.reading import notebook  # it imports Span

        return notebook.render(self)


def _from_readable(span: ReadableSpan) -> Span:
    context = span.get_span_context()
    parent = span.parent
    status = span.status
    return Span(
        name=c.torch_name(span.name),
        trace_id=format(context.trace_id, "032x") if context else "",
        span_id=format(context.span_id, "016x") if context else "",
        parent_id=format(parent.span_id, "016x") if parent is not None else "",
        start=span.start_time or 0,
        end=span.end_time or 0,
        attributes=_checked(span.attributes),
        events=[
            Event(event.name, event.timestamp, _checked(event.attributes)) for event in span.events
        ],
        error=status.status_code.name == "ERROR",
        description=status.description or "",
        scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
        resource=dict(span.resource.attributes) if span.resource else {},
    )


def _checked(found: Mapping[str, Any] | None) -> dict[str, Any]:
    plain = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in (found or {}).items()
    }
    return checked.attributes(plain)  # the user's own code may have set ours to anything
