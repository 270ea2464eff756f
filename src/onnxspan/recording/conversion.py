"""How far the conversion of a graph is: its nodes are converted one by one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnxspan.recording.call import Call


class Conversion:
    """Counts the nodes that are converted inside one stage or pass.

    Args:
        every: seconds between two times that `count` says that it is time to tell somebody.

    Attributes:
        span_id: of the stage or pass that converts, as in `Call.id`.
        done: nodes converted so far.
        total: nodes that there are to convert; None when that is not known.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self.span_id = b""
        self.done = 0
        self.total: int | None = None
        self._began = self._told = 0.0

    def count(self, call: Call) -> bool:
        """Count one node that was converted inside `call`; whether it is time to tell of it.

        This runs for each node of a model, so it does little.
        """
        if call.id != self.span_id:
            call = _around(call)
            if call.id != self.span_id:
                self._begin(call)
        self.done += 1
        now = time.monotonic()
        if now - self._told < self._every:
            return False
        self._told = now
        if self.total is not None and self.done > self.total:
            self.total = None
        return True

    def _begin(self, call: Call) -> None:
        self.span_id, self.done = call.id, 0
        self.total = _total(call)
        self._began = self._told = time.monotonic()

    def __str__(self) -> str:
        """As `node 1,200 of 3,400, about 12 s left`."""
        return describe(self.done, self.total, self._told - self._began)


def describe(done: int, total: int | None, seconds: float) -> str:
    """How far a conversion is, in words.

    Args:
        done: nodes that were converted in `seconds`.
        total: nodes that there are; None when that is not known.
        seconds: since the first node.
    """
    if total is None or not done:
        return f"node {done:,}"
    left = seconds / done * (total - done)
    return f"node {done:,} of {total:,}, about {left:.0f} s left"


def _around(call: Call) -> Call:
    """The stage or pass that converts: a node may have a span too, and nodes nest."""
    while call.probe.per_node is not None and call.parent is not None:
        call = call.parent
    return call


def _total(call: Call) -> int | None:
    graph: Any = call.args[0] if call.args else None
    if hasattr(graph, "find_nodes"):  # of torch.fx
        return len([node for node in graph.nodes if node.op == "call_function"])
    size = call.export.size
    return size.nodes if size is not None else None
