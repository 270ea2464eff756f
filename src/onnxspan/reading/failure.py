"""One answer to "where and why": what failed in an export, on one screen."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.reading.hints import hints_for
from onnxspan.reading.text import one_line, printable, without_colours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onnxspan.reading.source.trace import Event, Span

_MESSAGE_LIMIT = 300
_OPERATOR = re.compile(r"operator '(?P<ts>\w+::\w+)'|OpOverload\(op='(?P<fx>[\w.]+)'")
_OPSET = re.compile(r"opset version (\d+)|onnx_opset_version: (\d+)")
_REASON_LIMIT = 160
MAX_EARLIER = 3
"""Handled failures that the screen of the one that ended the export names."""
_STEPS = ("torch.onnx._internal.exporter", "torch.onnx.errors", "onnx_ir.passes")
"""Where the errors are from that say only at which step another one was met."""


@dataclasses.dataclass(frozen=True, repr=False)
class Failure:
    """What failed, where, and what to try.

    Attributes:
        span: the innermost span that failed.
        stage: the exporter's step around it.
        pass_name: the graph pass around it; empty when it failed outside any.
        operator: the operator that was converted; empty when unknown.
        module: path and class of the module of the user's model; empty when unknown.
        file: the user's source file, `line` its line (0 when unknown), `source` the line's text.
        called: `file:line` of the call of the export; empty when unknown.
        opset: the opset that was exported to; 0 when unknown.
        error_type: the exception's class, with its module.
        message: the first line of its message, or of the cause's that says more.
        chain: `Type: message` of the exception and its causes, the outermost first.
        stacktrace: Python's whole text of it.
        tried: the ways of capture that failed, where there were several, each with its reason.
        earlier: failures before it in the same export that the exporter handled, in words.
        hints: what to try; empty when nothing is known.
        handled: the exporter dealt with it and went on.
        number: which export of the trace, from 1, `of` so many; both 0 when there is one.
    """

    span: Span
    stage: str
    pass_name: str
    operator: str
    module: str
    file: str
    line: int
    source: str
    called: str
    opset: int
    error_type: str
    message: str
    chain: list[str]
    stacktrace: str
    tried: list[str]
    hints: list[str]
    handled: bool
    earlier: list[str] = dataclasses.field(default_factory=list)
    number: int = 0
    of: int = 0

    def __repr__(self) -> str:
        where = self.operator or self.pass_name or self.stage
        return f"<Failure in {one_line(where)[:80]}: {one_line(self.error_type)[:80]}>"

    def screen(self, *, chain: bool = False, width: int = 96) -> str:
        """The failure in plain text of so many columns, safe for a terminal.

        Args:
            chain: with the exception and its causes.
            width: columns; paths and lines of code may be longer.
        """
        lines = [self.headline]
        for label, text in self.rows(chain=chain):
            lines += _row(label, text, width)
        return "\n".join(lines)

    @property
    def headline(self) -> str:
        """What became of the export, and in which pass or stage."""
        verb = "was stopped" if self.error_type.endswith("KeyboardInterrupt") else "failed"
        if self.handled:
            verb = "failed, and was handled,"
        where = self.pass_name or self.stage or self.span.name
        is_export = self.span.holder(c.EXPORTER) is not None
        which = f"Export {self.number} of {self.of}" if self.number else "The export"
        return one_line(f"{which} {verb} in {where}" if is_export else f"{where} {verb}")

    def rows(self, *, chain: bool = False) -> list[tuple[str, str]]:
        """Label and text of each row of the screen; the line of code has no label."""
        where = f"{self.file}:{self.line}" if self.file else ""
        kind = self.error_type.rpartition(".")[2]
        rows = (
            ("error", f"{kind}: {self.message}" if self.message else kind),
            ("stage", self.stage),
            ("pass", self.pass_name),
            ("operator", self.operator),
            ("module", self.module),
            ("source", where),
            ("", f"    {self.source}" if self.source else ""),
            ("called at", self.called if self.called != where else ""),
            ("opset", str(self.opset or "")),
            *(("tried", reason) for reason in self.tried if not self._says(reason)),
            *(("earlier", text) for text in self.earlier),
            *(("try", hint) for hint in self.hints),
            *(("chain", link) for link in (self.chain if chain else ())),
        )
        return [(label, text) for label, text in rows if text]

    def _in_words(self) -> str:
        """As `handled: Type: message, in module 0 (Layer), at model.py:10`."""
        parts = [f"handled: {self.error_type.rpartition('.')[2]}: {self.message}".rstrip(": ")]
        place = f"at {self.file}:{self.line}" if self.file else ""
        return ", ".join(filter(None, [*parts, self.module and in_module(self.module), place]))

    def _says(self, reason: str) -> bool:
        """Whether the screen's own error is this strategy's reason."""
        said = reason.partition(": ")[2].rstrip("…")
        return f"{self.error_type.rpartition('.')[2]}: {self.message}".startswith(said)

    def __str__(self) -> str:
        return self.screen()


def _row(label: str, text: str, width: int) -> list[str]:
    first, rest = f"  {label:<10}", " " * 12
    if not label or label in ("source", "called at"):
        return [first + one_line(text)]  # a path or a line of code is not broken
    return textwrap.wrap(
        one_line(text), width, initial_indent=first, subsequent_indent=rest, break_long_words=False
    )


def failures(roots: Iterable[Span]) -> list[Failure]:
    """Every failure of these exports, in order of time; a handled one says so."""
    every = []
    for root in roots:
        found: list[Failure] = []
        fatal = {id(span) for top in _tops(root) for span in _fatal_path(top)}
        for span in root.walk():
            event = _exception(span)
            if event is None:
                continue
            ends = id(span) in fatal
            if (
                _is_cause(span, fatal)
                if ends
                else not any(_carries(s, span) for s in span.children)
            ):
                found.append(_failure(span, event, handled=not ends))
        found.sort(key=_in_time)
        every += [_with_earlier(failure, found) for failure in found]
    return sorted(every, key=_in_time)


def _in_time(failure: Failure) -> tuple[int, int]:
    return failure.span.end, failure.span.start


def _with_earlier(failure: Failure, of_root: list[Failure]) -> Failure:
    """The failure with those that the exporter handled before it, which may be why it failed."""
    if failure.handled or failure.tried:  # the ways of capture that failed are told already
        return failure
    export = failure.span.holder(c.EXPORTER)
    texts = [
        one._in_words()  # noqa: SLF001  # of the same class
        for one in of_root
        if one.handled
        and one.span.end <= failure.span.end
        and one.span.holder(c.EXPORTER) is export
    ]
    return dataclasses.replace(failure, earlier=list(dict.fromkeys(texts))[:MAX_EARLIER])


def is_handled(span: Span) -> bool:
    """Whether this failed span's error was caught inside the export, which went on."""
    while span.error and span.parent is not None and span.parent.scope == c.SCOPE:
        span = span.parent
    return not span.error


def fatal_failure(roots: Iterable[Span]) -> Failure | None:
    """The failure that ended the last export that failed; None when all went well."""
    fatal = [failure for failure in failures(roots) if not failure.handled]
    return fatal[-1] if fatal else None


def _is_cause(span: Span, fatal: set[int]) -> bool:
    """Whether no span below, on the way of the error, tells of it more closely."""
    return not any(
        id(child) in fatal and any(_exception(inner) for inner in child.walk())
        for child in span.children
    )


def _tops(root: Span) -> Iterator[Span]:
    """The root, and the outermost of our spans: a user's own span around them may have gone on."""
    yield root
    for span in root.walk():
        if span.parent is not None and span.scope == c.SCOPE != span.parent.scope:
            yield span


def _fatal_path(root: Span) -> list[Span]:
    """From a failed root down to where its error came from."""
    path: list[Span] = []
    span: Span | None = root if root.error else None
    while span is not None:
        path.append(span)
        span = next(
            (child for child in reversed(span.children) if _carries(child, path[-1])), None
        )
    return path


def _carries(child: Span, parent: Span) -> bool:
    """Whether a failed child is why its parent failed: the same error, or a cause of it."""
    if not child.error:
        return False
    if child.description == parent.description:
        return True
    event = _exception(parent)
    links = event.attributes.get(c.EXCEPTION_CHAIN, ()) if event is not None else ()
    # The description is `Name: message`, cut; a link is `module.Name: message`, in several lines.
    start = _flat(child.description.rstrip("…"))
    return any(f".{start}" in f".{_flat(str(link))}" for link in links)


def _flat(text: str) -> str:
    return " ".join(without_colours(text).split())


def _exception(span: Span) -> Event | None:
    return next(
        (event for event in reversed(span.events) if event.name == c.EXCEPTION_EVENT), None
    )


def _failure(span: Span, event: Event, *, handled: bool) -> Failure:
    told = event.attributes
    line = [*span.outward()]
    chain = _chain(span, event, handled=handled)
    message = without_colours(str(told.get(c.EXCEPTION_MESSAGE, "")))
    kind = str(told.get(c.EXCEPTION_TYPE, ""))
    telling_kind, telling = _telling(kind, message, chain)
    exporter = next((str(s.get(c.EXPORTER)) for s in line if s.get(c.EXPORTER)), "")
    file, number, source = _source(span, event)
    called = told.get(c.EXPORT_FILE)
    return Failure(
        span=span,
        stage=next((s.name for s in line if s.get(c.LEVEL) == "stages"), ""),
        pass_name=next((s.name for s in line if s.get(c.LEVEL) == "passes"), ""),
        operator=str(span.get(c.NODE_OPERATOR) or _matched(_OPERATOR, chain)),
        module=_module(span, event),
        file=file,
        line=number,
        source=source,
        called=f"{called}:{told.get(c.EXPORT_LINE)}" if called else "",
        opset=_opset(line, chain),
        error_type=telling_kind,
        message=telling,
        chain=chain,
        stacktrace=str(told.get(c.EXCEPTION_STACKTRACE, "")),
        tried=[] if handled else _tried(line),
        hints=hints_for(chain, exporter, span.name, span.get(c.AUTOGRAD_FUNCTIONS)),
        handled=handled,
    )


def _chain(span: Span, event: Event, *, handled: bool) -> list[str]:
    """The whole story: an error that a stage around made of this one begins it."""
    links = [str(link) for link in event.attributes.get(c.EXCEPTION_CHAIN, ())]
    if not links:
        told = event.attributes
        links = [f"{told.get(c.EXCEPTION_TYPE, '')}: {told.get(c.EXCEPTION_MESSAGE, '')}"]
    for outer in () if handled else [*span.outward()][1:]:
        around = _exception(outer)
        whole = (
            [str(link) for link in around.attributes.get(c.EXCEPTION_CHAIN, ())] if around else []
        )
        if len(whole) > len(links) and links[-1] in whole:
            links = whole
    return [without_colours(link) for link in links]


def _telling(kind: str, message: str, chain: list[str]) -> tuple[str, str]:
    """The link that says what is wrong: the dynamo exporter's outer errors say only the step."""
    if len(chain) > 1 and kind.startswith(_STEPS):
        kind, _, message = chain[-1].partition(": ")
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    first = lines[0] if lines else ""
    if first.startswith("Constraints violated"):  # which, is in the lines below
        first = " ".join([first.split(" For more information")[0], *lines[1:]])
    elif first.endswith(":"):  # it only announces what the next line says
        first = " ".join(lines[:2])
    for tail in (". Please feel free to request support", "  [Caused by", " Failure message: "):
        first = first.split(tail)[0]
    return kind, first if len(first) <= _MESSAGE_LIMIT else first[: _MESSAGE_LIMIT - 1] + "…"


def _tried(line: list[Span]) -> list[str]:
    """Why each way of capture failed; one alone is the error itself."""
    reasons: list[str] = next(
        (span.get(c.CAPTURE_FAILURES) for span in line if span.get(c.CAPTURE_FAILURES)), []
    )
    texts = [without_colours(str(reason)) for reason in reasons]
    shortened = [
        text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 1] + "…" for text in texts
    ]
    return shortened if len(shortened) > 1 else []


def _matched(pattern: re.Pattern[str], chain: list[str]) -> str:
    for link in reversed(chain):
        match = pattern.search(link)
        if match is not None:
            return next(group for group in match.groups() if group)
    return ""


def _opset(line: list[Span], chain: list[str]) -> int:
    asked = next((span.get(c.OPSET) for span in line if span.get(c.OPSET) is not None), None)
    said = _matched(_OPSET, chain)
    for number in (asked, said):
        if isinstance(number, int) and not isinstance(number, bool):
            return number
        if isinstance(number, str) and number.isascii() and number.isdigit():
            return int(number[:9])
    return 0


def _source(span: Span, event: Event) -> tuple[str, int, str]:
    told = event.attributes
    if told.get(c.SOURCE_FILE):
        return (
            str(told[c.SOURCE_FILE]),
            _line_number(told.get(c.SOURCE_LINE)),
            str(told.get(c.SOURCE_TEXT, "")),
        )
    if span.get(c.NODE_OPERATOR) and span.get(c.LINE) and span.get(c.NODE_SCOPE):
        return str(span.get(c.FILE)), _line_number(span.get(c.LINE)), ""
    return "", 0, ""


def _line_number(value: Any) -> int:
    """A line's number from a file; 0 for what is none."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value < MAX_LINE else 0


MAX_LINE = 2**31


def module_of(span: Span) -> str:
    """Path and class of the module that a failed span was in; empty when it says none."""
    event = _exception(span)
    if event is None:
        return one_line(str(span.get(c.NODE_SCOPE) or ""))
    return one_line(_module(span, event))


def in_module(module: str) -> str:
    """As `in module 0 (Layer)`, or `in the model itself (Net)`."""
    return f"in {module}" if module.startswith("the model itself") else f"in module {module}"


def _module(span: Span, event: Event) -> str:
    scope = str(span.get(c.NODE_SCOPE) or "")
    if "::" in scope:
        kind, _, path = scope.rpartition("/")[2].partition("::")
        path = str(event.attributes.get(c.MODULE_PATH, path))  # torch's has its end only
    else:
        kind = str(event.attributes.get(c.MODULE_CLASS_RUNNING, ""))
        path = str(event.attributes.get(c.MODULE_PATH, scope))
    kind = kind.rpartition(".")[2]
    if not kind:
        return printable(path)
    return f"{path} ({kind})" if path else f"the model itself ({kind})"
