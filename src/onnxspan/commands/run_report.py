"""What `onnxspan run` says at its end: the tree, where the trace is, and what to do next."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from onnxspan.commands.children import combined
from onnxspan.commands.program import as_typed
from onnxspan.conventions import Level
from onnxspan.errors import OnnxspanError
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.text import printable
from onnxspan.reading.tree import tree
from onnxspan.recording.processes.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.commands.children import Children
    from onnxspan.recording.options import Options
    from onnxspan.tracing import Tracing


_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@contextlib.contextmanager
def announced(children: Children | None, tracing: Tracing, options: Options) -> Iterator[None]:
    """Let the processes that the script starts record as this one does."""
    if children is None:
        yield
        return
    given = {
        "level": Level.parse(options.level).name.lower(),
        "native_log": options.native_log,
        "snapshots": options.snapshots,
        "probes": [probe for probe in options.probes if isinstance(probe, str)],
        "root": options.root,
        "packs": list(options.packs),
        "verify": options.verify,
        "rtol": options.rtol,
        "atol": options.atol,
    }
    with Plan(str(children.folder.absolute()), tracing.traceparent, given).announced():
        yield


@contextlib.contextmanager
def after_the_script(doing: str) -> Iterator[None]:
    """Tell in one line what could not be done, in a full process say: the script's end counts.

    Args:
        doing: what is done here, as `showing the trace`.
    """
    try:
        yield
    except Exception as error:
        kind = type(error).__name__
        with contextlib.suppress(MemoryError, OSError):
            echo(f"{doing} failed, the trace may be lost: {kind}: {error}".rstrip(": "))


@contextlib.contextmanager
def recording(tracing: Tracing) -> Iterator[None]:
    """The block of a trace, whose end may fail in a full process, and whose beginning may not."""
    tracing.__enter__()
    try:
        yield
    finally:
        with after_the_script("closing the trace"):
            tracing.__exit__(None, None, None)


def report(  # noqa: C901  # each end of a run in its order
    tracing: Tracing,
    options: Options,
    output: str | None,
    place: str | None,
    children: Children | None,
    *,
    unfold: bool,
    quiet: bool,
) -> bool:
    """Save the trace, then show it; whether the trace is where the user wanted it.

    Args:
        tracing: what this process recorded.
        options: what it was asked for.
        output: the file of `-o`, as it was typed.
        place: the same, absolute.
        children: the followed processes; None when none are.
        unfold: as the tree takes it.
        quiet: show nothing.
    """
    flush(sys.stdout)
    if children is not None:
        children.look()
        _report_children(children)
    problem = ""
    if tracing.result.roots or (children is not None and children.parts):
        problem = "" if place is None else _save(tracing, place, children)
        found = _together(tracing, children)
        if not quiet and _is_open(sys.stderr):
            with contextlib.suppress(OSError):  # nobody reads the pipe any more
                click.echo(err=True)
                tree.show(found, unfold=unfold)
        if not found.exports:
            echo("the script made no torch.onnx.export")
        if problem:
            echo(f"the trace was not saved: {problem}")
        elif not quiet:
            _report_where(tracing, found, output, children)
            if not options.endpoints and os.environ.get(_ENDPOINT):
                echo(f"nothing was sent: {_ENDPOINT} alone sends nothing, --otlp URL does")
    elif tracing.errors:  # the script may well have exported; we could not see it
        echo(f"nothing was recorded; an error in onnxspan itself: {tracing.errors[0]}")
    elif not quiet or output is not None:
        echo("the script made no torch.onnx.export; nothing was recorded")
        unseen = children.unseen() if children is not None else ""
        if unseen:
            echo(unseen)
    _report_uncalled(tracing, options)
    return not problem


def remove(children: Children | None) -> None:
    """Remove what the followed processes have left, once it is saved and sent."""
    if children is not None and not children.remove():
        echo(f"a process still runs; what it exports will be in {children.folder}")


def deliver(tracing: Tracing, place: str | None) -> None:
    """Wait until the spans have arrived where they are sent, saying so when it takes long.

    Args:
        tracing: what this process recorded.
        place: the file that holds the spans; None when there is none.
    """
    saved = Path(place) if place is not None and _has_own(tracing) else None
    flush(sys.stdout)

    def waiting(what: str) -> None:
        kept = f"they are in {saved}" if saved is not None else "they are then kept in a file"
        echo(f"waiting for {what} (Ctrl-C ends it; {kept})")

    tracing.deliver(saved, waiting)


def _has_own(tracing: Tracing) -> bool:
    """Whether this process itself has recorded anything, beside its children."""
    found = tracing.result  # the tree is made anew each time
    return bool(found.roots or found.scripts)


def _report_uncalled(tracing: Tracing, options: Options) -> None:
    """Say which of the user's probes has no span; one that is missing was said already."""
    names = {span.name for span in tracing.result.spans}
    for probe in (*options.rows, *(row for row in options.pack_rows if not row.pack)):
        missing = any(line.startswith(f"probe {probe.name}:") for line in tracing.errors)
        if probe.name not in names and not missing:
            around = (
                ""
                if probe.root
                else (
                    ": it was not called inside an export. Give the function around it: "
                    "--root module:function"
                )
            )
            echo(f"probe {probe.name} ({probe.places[0]}) has no span{around}")


def _report_where(
    tracing: Tracing, found: Trace, output: str | None, children: Children | None
) -> None:
    if output is None:
        _keep_last(tracing, found, children)
    else:
        echo(f"{len(found.spans)} spans in {output}; {_next(found, output)}")


def _together(tracing: Tracing, children: Children | None) -> Trace:
    """What this process and its children recorded, as one trace."""
    found = tracing.result
    if children is None or not children.parts:
        return found
    try:
        return Trace([*found.scripts, *found.spans, *combined(children).spans], found.source)
    except OnnxspanError as error:
        echo(f"what child processes recorded cannot be read: {error}")
        return found


def _report_children(children: Children) -> None:
    for note in children.notes:
        echo(note)
    for ending in children.endings:
        echo(f"in process {ending.pid}:")
        if _is_open(sys.stderr):
            click.echo(ending.screen(), err=True)


def _save(tracing: Tracing, place: str, children: Children | None) -> str:
    """Save the trace with that of the children; what went wrong, or nothing."""
    try:
        has_own = _has_own(tracing)
        if has_own:
            tracing.save(place)
        if children is not None and children.parts:
            children.add_to(place, has_own)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def _keep_last(tracing: Tracing, found: Trace, children: Children | None) -> None:
    """Keep the trace of a run without -o, so that it can be looked at again."""
    place = last_trace()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # it was shown, and nobody has asked for a file
    if not _save(tracing, str(place), children):
        echo(f"the trace is kept until the next run; {_next(found, str(place))}")


def last_trace() -> Path:
    """Where the trace of the last run without -o lies: in the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(cache, "onnxspan", "last.jsonl")


def _next(trace: Trace, file: str) -> str:
    """The command that is most useful after this run."""
    name = shlex.quote(file)
    if trace.failure is not None or trace.mismatch is not None:
        return f"step through it: {as_typed()} walk {name}"
    return f"look closer: {as_typed()} html {name} --open"


def echo(text: str) -> None:
    """Say a line in onnxspan's name on stderr, if it is open."""
    if _is_open(sys.stderr):
        with contextlib.suppress(OSError):  # as above
            click.echo(f"onnxspan: {printable(text)}", err=True)


def _is_open(stream: TextIO | None) -> bool:
    """Whether a stream was not closed: by the script, or before there was one."""
    try:
        return stream is not None and not getattr(
            stream, "closed", False
        )  # a script's own has none
    except ValueError:  # the script has taken its buffer away
        return False


def flush(stream: TextIO | None) -> None:
    """Flush a stream that is open and is read."""
    if stream is not None and _is_open(stream):
        with contextlib.suppress(OSError, AttributeError):  # a script's own may have no `flush`
            stream.flush()
