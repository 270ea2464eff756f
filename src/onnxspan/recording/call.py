"""The two things that exist while an export runs: the export, and each wrapped call in it."""

from __future__ import annotations

import contextvars
import functools
import inspect
import logging
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from onnxspan.conventions import Level
from onnxspan.recording import memory, session
from onnxspan.recording.faults import describe_error, goes_on
from onnxspan.recording.listeners.base import Listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.trace import Span, Tracer

    from onnxspan.recording.cpu_time import Spent
    from onnxspan.recording.graphs.torchscript import GraphSize
    from onnxspan.recording.light_span import LightTracer
    from onnxspan.recording.patching import Target
    from onnxspan.recording.probe import Exporter, Probe
    from onnxspan.recording.session import Session

FRESH = 300_000
"""Nanoseconds for which a reading of the memory holds."""
S = TypeVar("S")
_logger = logging.getLogger("onnxspan")

current: contextvars.ContextVar[Call | None] = contextvars.ContextVar(
    "onnxspan_call", default=None
)
"""The innermost recorded call of this thread's context; it goes through callbacks of C++ too.

A call outside an export finds None here.
"""

is_busy: contextvars.ContextVar[bool] = contextvars.ContextVar("onnxspan_busy", default=False)
"""Whether onnxspan's own code runs for a root: what it loads and checks is no step of the script."""

_kept_signature = functools.lru_cache(64)(inspect.signature)  # 0.1 ms for torch.onnx.export's


class Export:
    """One export under way: what all of its calls share.

    Attributes:
        root: the first call; `outermost` the exporter's own, inside a user's function around it.
        receivers: the sessions that get its spans; `session` is the first, with the clock.
        level: the deepest that any of them asks for.
        listeners: the listeners of all receivers.
        user_held: what the users' own probes wrap; `suspended_for` the call for which they came off.
        tracing_time: nanoseconds spent in onnxspan's own code so far.
        size: the graph's size at the last count, and `counted` the graph it is of (weakly held).
        resident: the process's memory when it was read last, in bytes, and its peak;
            `memory_read`: the clock then.
        failure: the exception that was recorded last, compared by identity.
        begun: calls so far of each probe that has a limit, and `omitted` those beyond it.
        gc_time: its first item is the exporting thread's nanoseconds in the garbage collector, of
            processor time and on the wall; cpu_time.py keeps it.
        notes: what one call of a probe remembers for a later one.
        states: what the probes of one exporter keep for the whole export; ask `state` for it.
        held: what was wrapped for it, a list for each exporter.
        is_dropped: a sampler did not choose its trace: none of its spans is sent.
        is_bare: nobody receives more of it than its root: nothing inside is recorded.
        is_closed: its root has ended, and all that it held was given back.
    """

    __slots__ = (
        "begun", "clock", "counted", "epoch", "errors", "exporters", "failure", "gc_time", "held",
        "is_bare", "is_closed", "is_dropped", "level", "listeners", "memory_read", "notes",
        "omitted", "outermost", "receivers", "resident", "root", "session", "size", "span_count",
        "states", "sums", "suspended_for", "tracer", "tracing_time", "user_held",
    )  # fmt: skip

    def __init__(self, receivers: tuple[Session, ...], epoch: int) -> None:
        self.receivers = receivers
        self.session = receivers[0]
        self.clock = self.session.clock
        self.tracer: Tracer | LightTracer = session.tracer(receivers)
        self.listeners = Listeners(one for receiver in receivers for one in receiver.listeners)
        self.level = max(receiver.level for receiver in receivers)
        self.sums = self.level >= Level.PASSES  # below, nodes are watched for failures alone
        self.epoch = epoch
        self.root: Call
        self.outermost: Call
        self.user_held: list[Target] = []
        self.held: list[list[Target]] = []
        self.suspended_for: Call | None = None
        self.tracing_time = 0
        self.gc_time: Sequence[tuple[int, int]] = ((0, 0),)
        self.resident = (0, 0)
        self.memory_read = -(10**18)  # long ago
        self.span_count = 0
        self.errors: list[str] = []
        self.exporters: list[Exporter] = []
        self.size: GraphSize | None = None
        self.counted: weakref.ref[Any] | None = None
        self.failure: BaseException | None = None
        self.begun: dict[str, int] = {}
        self.omitted: dict[str, int] = {}
        self.notes: dict[str, Any] = {}
        self.states: dict[type, Any] = {}
        self.is_dropped = self.is_bare = self.is_closed = False

    def memory(self, now: int, fresh: int = FRESH) -> tuple[int, int]:
        """Bytes resident now and at most so far, read anew when the last reading is older.

        Passes follow each other at once, and many do nothing: what was read last is still true.
        """
        if now - self.memory_read > fresh:
            self.memory_read = now
            now_resident = memory.resident()
            self.resident = now_resident, max(memory.peak(), now_resident, self.resident[1])
        return self.resident

    @property
    def exporter(self) -> str:
        """The exporter that ran first, as `torch.onnx.exporter` names it; `unknown` before one has."""
        return self.exporters[0].value if self.exporters else "unknown"

    def is_unseen(self) -> bool:
        """Whether the calls inside are nobody's: no span is sent, none is kept, no listener asks."""
        return self.is_dropped and not any(
            not receiver.process_wide or any(one.asks_for_calls() for one in receiver.listeners)
            for receiver in self.receivers
        )

    def is_beyond(self, probe: Probe) -> bool:
        """Whether the export has had as many spans of this probe as it gets; counts the call."""
        begun = self.begun[probe.name] = self.begun.get(probe.name, 0) + 1
        if begun <= probe.most or self.level >= Level.NODES:
            return False
        self.omitted[probe.name] = begun - probe.most
        return True

    def state(self, kind: type[S]) -> S:
        """The one object of a class in this export, made when it is asked for first."""
        found = self.states.get(kind)
        if found is None:
            found = self.states[kind] = kind()
        return found

    def note_error(self, where: str, error: BaseException) -> None:
        """Keep an error of onnxspan itself away from the export, and count it."""
        self.errors.append(describe_error(where, error))
        _logger.debug("onnxspan failed in %s; the export goes on", where, exc_info=error)


class Call:
    """One call of a wrapped function, from entering it to leaving it.

    A call never refers to itself: what it holds (arguments, result) is freed as the last
    reference goes, and does not wait for the garbage collector.
    """

    __slots__ = (
        "args", "attributes", "began", "bound", "collected_until", "export", "holder", "id", "inner",
        "kwargs", "name", "operator", "otel_token", "parent", "peak", "probe", "result", "rss", "scratch", "span",
        "spent", "sums", "target", "worked_until", "working",
    )  # fmt: skip

    def __init__(
        self,
        target: Target,
        export: Export,
        parent: Call | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.target = target
        self.probe: Probe = target.probe
        self.name = target.probe.name
        self.export = export
        self.parent: Call | None = parent
        self.args = args
        self.kwargs = kwargs
        self.attributes: dict[str, Any] = {}
        self.bound: dict[str, Any] | None = None
        self.span: Span | None = None
        self.id = b""  # the span's, in hexadecimal
        self.otel_token: Any = None
        # By the group's first key: its four keys, and by operator [calls, total ns, longest ns].
        self.sums: dict[str, tuple[tuple[str, ...], dict[str, list[int]]]] = {}
        self.operator = ""
        # The operator of the per-node work under way inside this call, where it has no span.
        self.working: str | None = None
        # Nanoseconds of per-node work inside the work under way: control flow nests, and its time
        # is summed once.
        self.inner = 0
        # The clock when the last per-node work inside this call ended, or a call inside it did; and
        # the collector's time then.
        self.worked_until = self.collected_until = 0
        # The nearest call around per-node work that has a span at every level: sums go there.
        # None stands for this call itself.
        self.holder: Call | None = None
        if parent is not None and self.probe.per_node is not None:
            self.holder = parent.holder or parent
        self.scratch: Any = None
        self.result: Any = None
        self.rss = 0
        self.spent: Spent | None = None
        self.peak = 0
        self.began = 0

    def let_go(self) -> None:
        """Forget arguments, result and what was noted about them, though somebody keeps the call."""
        self.args = ()
        self.kwargs = _NOTHING
        self.bound = self.result = self.scratch = None

    def argument(self, name: str, default: Any = None) -> Any:
        """The argument that the wrapped function receives under `name`, its default included."""
        if self.bound is None:
            try:
                signature = _signature(self.target.original)
                bound = signature.bind_partial(*self.args, **self.kwargs)
            except TypeError:  # a call that cannot be: the function itself will say so
                self.bound = dict(self.kwargs)
            else:
                bound.apply_defaults()
                self.bound = dict(bound.arguments)
        return self.bound.get(name, default)

    def note(self, key: str, value: Any) -> None:
        """Set an attribute, unless there is nothing to say."""
        if value is not None:
            self.attributes[key] = value

    def take_name(self, named: Callable[[Call], str]) -> None:
        """Take another name than the row's."""
        self.name = named(self)

    def note_worked(self, now: int) -> None:
        """Note that per-node work inside this call, or a call inside it, has ended by `now`."""
        self.worked_until, self.collected_until = now, self.export.gc_time[0][1]

    def sums_as_attributes(self) -> dict[str, Any]:
        """The per-operator work as parallel arrays: operators, calls, seconds, longest."""
        result: dict[str, Any] = {}
        for (operators, calls, durations, longest), group in self.sums.values():
            result[operators] = list(group)
            result[calls] = [entry[0] for entry in group.values()]
            result[durations] = [entry[1] / 1e9 for entry in group.values()]
            result[longest] = [entry[2] / 1e9 for entry in group.values()]
        return result


def is_export(call: Call) -> bool:
    """Whether a call is an exporter's own, which may lie in a step of a pipeline."""
    return call is call.export.outermost and not call.probe.root


def is_in_export(call: Call | None) -> bool:
    """Whether a call is an export's, or inside one that is under way."""
    while call is not None:
        if call.probe.opens is not None and not call.probe.root:
            return not call.export.is_closed
        call = call.parent
    return False


_NOTHING: dict[str, Any] = {}
"""The keyword arguments of every call that is over; never changed."""


def guarded(call: Call, what: str, function: Any, *args: Any) -> None:
    """Call a piece of our own code; what it raises is counted and goes no further."""
    try:
        function(*args)
    except Exception as error:
        if goes_on(error):
            raise
        call.export.note_error(f"{what} of {call.probe.name}", error)


def note_broken(where: str, error: BaseException) -> None:
    """Count an error that came out of a hook: on the export under way, or on a session."""
    try:
        call = current.get()
        if call is not None:
            call.export.note_error(where, error)
        else:
            session.note_unrecorded(describe_error(where, error))
    except Exception as own:
        if goes_on(own):
            raise
        _logger.debug("onnxspan failed in %s and could not count it", where, exc_info=True)


def _signature(function: Any) -> inspect.Signature:
    # An object of a dataclass, callable as it may be, has no hash.
    return inspect.signature(function) if function.__hash__ is None else _kept_signature(function)
