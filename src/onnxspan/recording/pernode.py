"""Work done once for every node: summed by operator, or at level `nodes` a span each.

At `passes` this runs for every operator of the model, so it reads two clocks and adds to a
sum, and no more. A node that fails is a span at every level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording import spans
from onnxspan.recording.call import Call
from onnxspan.recording.patching import without_wrapper_frames
from onnxspan.recording.recorder import current

if TYPE_CHECKING:
    from onnxspan.recording.patching import Target
    from onnxspan.recording.probes.row import PerNode


class PerNodeHooks:
    """Enter, leave and fail of a probe that is called for every node."""

    def __init__(self, target: Target) -> None:
        if target.probe.per_node is None:
            raise ValueError(f"{target.probe.name} is not per-node work")
        self.target = target
        self.per_node: PerNode = target.probe.per_node

    def enter(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        """Begin the work on one node; None outside an export."""
        parent = current.get()
        if parent is None:
            return None
        export = parent.export
        clock = export.session.clock
        entered = clock()
        try:
            call = Call(self.target, export, parent, args, kwargs)
            call.operator = self.per_node.operator(args)
            if self.per_node.spans and export.level >= c.Level.NODES:
                call.began = clock()
                spans.start(call)
                if self.per_node.describe is not None:
                    self.per_node.describe(call)
            # Control flow nests: a block inside this node finds it here.
            current.set(call)
        except Exception as error:
            export.note_error(f"entering {self.target.probe.name}", error)
            return None
        call.began = clock()
        export.own_time += call.began - entered
        return call

    def leave(self, call: Call, result: Any) -> None:
        """End the work on a node: add it to the sum, or end its span."""
        clock = call.export.session.clock
        ended = clock()
        current.set(call.parent)
        try:
            self._add(call, ended)
            if call.span is not None:
                spans.detach(call)
                if self.target.probe.after is not None:
                    self.target.probe.after(call, result)
                spans.end(call, ended)
            elif call.export.level >= c.Level.NODES and self.target.probe.after is not None:
                self.target.probe.after(call, result)  # tells the node's span around it
        except Exception as error:
            call.export.note_error(f"leaving {self.target.probe.name}", error)
        call.export.own_time += clock() - ended

    def fail(self, call: Call, error: BaseException) -> None:
        """End the work on a node that raised: a failed span, whatever the level."""
        clock = call.export.session.clock
        ended = clock()
        current.set(call.parent)
        try:
            without_wrapper_frames(error)
            self._add(call, ended)
            if call.span is None:
                spans.start(call)
                if self.per_node.describe is not None:
                    self.per_node.describe(call)
            spans.detach(call)
            if self.target.probe.failed is not None:
                self.target.probe.failed(call, error)
            spans.record_failure(call, error, ended)
            spans.end(call, ended)
        except Exception as own:
            call.export.note_error(f"failing {self.target.probe.name}", own)
        call.export.own_time += clock() - ended

    def _add(self, call: Call, ended: int) -> None:
        holder = call.parent
        while holder is not None and holder.probe.per_node is not None:
            holder = holder.parent
        if holder is not None and call.operator is not None:
            holder.add_to_sum(self.per_node.sums, call.operator, ended - call.began)
