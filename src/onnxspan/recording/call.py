"""The two things that exist while an export runs: the export, and each wrapped call in it."""

from __future__ import annotations

import functools
import inspect
import logging
from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level
from onnxspan.recording import memory, session
from onnxspan.recording.faults import describe_error

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from opentelemetry.trace import Span, Tracer

    from onnxspan.recording.cpu_time import Spent
    from onnxspan.recording.graphs.torchscript import GraphSize
    from onnxspan.recording.light_span import OwnTracer
    from onnxspan.recording.patching import Target
    from onnxspan.recording.probe import Exporter, Probe
    from onnxspan.recording.session import Session

FRESH = 300_000
"""Nanoseconds for which a reading of the memory holds."""
_logger = logging.getLogger("onnxspan")


_kept_signature = functools.lru_cache(64)(inspect.signature)  # 0.1 ms for torch.onnx.export's


class Export:
    """One export under way: what all of its calls share.

    Attributes:
        root: the first call; `outermost` the exporter's own, inside a user's function around it.
        receivers: the sessions that get its spans; `session` is the first, with the clock.
        level: the deepest that any of them asks for.
        listeners: of all of them; `node_entered` and `node_left`: their methods that are told of nodes.
        own_held: what the users' own probes wrap; `aside` the call for which they came off.
        own_time: nanoseconds spent in onnxspan's own code so far.
        size: the graph's size at the last count, and `counted` the graph it is of; `kinds`: how
            many nodes of each kind it has, where that count saw them.
        flat: that graph is known to have no node with blocks; `swept`: how far the last dead
            code elimination went after which nothing was changed (torchscript_facts.py).
        resident: the process's memory when it was read last, in bytes, and its peak;
            `memory_read`: the clock then.
        failure: the exception that was recorded last, compared by identity.
        functions: by operator, the symbolic function; `sources`: by torch's text, the place.
        begun: calls so far of each probe that has a limit, and `omitted` those beyond it.
        notes: what one call of a probe remembers for a later one.
        is_closed: its root has ended, and all that it held was given back.
    """

    __slots__ = (
        "aside", "begun", "clock", "counted", "epoch", "errors", "exporters", "failure", "flat",
        "functions", "is_closed", "kinds", "level", "listeners", "memory_read", "node_entered",
        "node_left",
        "notes", "omitted", "outermost", "own_held", "own_time", "receivers", "resident", "root",
        "session", "size", "sources", "span_count", "sums", "swept", "tracer",
    )  # fmt: skip

    def __init__(self, receivers: tuple[Session, ...], epoch: int) -> None:
        self.receivers = receivers
        self.session = receivers[0]
        self.clock = self.session.clock
        self.tracer: Tracer | OwnTracer = session.tracer(receivers)
        self.listeners = session.listeners(receivers)
        # Looked up once: they are told of every node.
        self.node_entered = self._methods("node_entered")
        self.node_left = self._methods("node_left")
        self.level = max(receiver.level for receiver in receivers)
        self.sums = self.level >= Level.PASSES  # below, nodes are watched for failures alone
        self.epoch = epoch
        self.root: Call
        self.outermost: Call
        self.own_held: list[Target] = []
        self.aside: Call | None = None
        self.own_time = 0
        self.resident = (0, 0)
        self.memory_read = -(10**18)  # long ago
        self.span_count = 0
        self.errors: list[str] = []
        self.exporters: list[Exporter] = []
        self.size: GraphSize | None = None
        self.counted: Any = None
        self.kinds: Counter[str] | None = None
        self.flat = False
        self.swept = 0
        self.failure: BaseException | None = None
        self.functions: dict[str, str | None] = {}
        self.sources: dict[str, Any] = {}
        self.begun: dict[str, int] = {}
        self.omitted: dict[str, int] = {}
        self.notes: dict[str, Any] = {}
        self.is_closed = False

    def _methods(self, name: str) -> list[Callable[[Call], None]]:
        found = (getattr(listener, name, None) for listener in self.listeners)
        return [method for method in found if method is not None]

    def memory(self, now: int, fresh: int = FRESH) -> tuple[int, int]:
        """Bytes resident now and at most so far, read anew when the last reading is older.

        Passes follow each other at once, and many do nothing: what was read last is still true.
        """
        if now - self.memory_read > fresh:
            self.memory_read = now
            self.resident = memory.resident(), memory.peak()
        return self.resident

    def tell(self, what: str, *args: Any) -> None:
        """Call the optional method `what` of every receiver's listeners; never raises."""
        for receiver in self.receivers:
            receiver.tell(self.errors, what, *args)

    def note_error(self, where: str, error: BaseException) -> None:
        """Keep an error of onnxspan itself away from the export, and count it."""
        self.errors.append(describe_error(where, error))
        _logger.debug("onnxspan failed in %s; the export goes on", where, exc_info=error)


class Call:
    """One call of a wrapped function, from entering it to leaving it."""

    __slots__ = (
        "args", "attributes", "began", "bound", "export", "holder", "id", "kwargs", "name",
        "operator", "otel_token", "parent", "peak", "probe", "result", "rss", "scratch", "span",
        "spent", "sums", "target", "working",
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
        # The nearest call around per-node work that has a span at every level: sums go there.
        self.holder: Call = self
        if parent is not None and self.probe.per_node is not None:
            self.holder = parent.holder
        self.scratch: Any = None
        self.result: Any = None
        self.rss = 0
        self.spent: Spent | None = None
        self.peak = 0
        self.began = 0

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

    def sums_as_attributes(self) -> dict[str, Any]:
        """The per-operator work as parallel arrays: operators, calls, seconds, longest."""
        result: dict[str, Any] = {}
        for (operators, calls, durations, longest), group in self.sums.values():
            result[operators] = list(group)
            result[calls] = [entry[0] for entry in group.values()]
            result[durations] = [entry[1] / 1e9 for entry in group.values()]
            result[longest] = [entry[2] / 1e9 for entry in group.values()]
        return result


def _signature(function: Any) -> inspect.Signature:
    # An object of a dataclass, callable as it may be, has no hash.
    return inspect.signature(function) if function.__hash__ is None else _kept_signature(function)
