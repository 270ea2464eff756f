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
from onnxspan.recording.recorder import current, guarded, note_broken

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
        call = Call(self.target, export, parent, args, kwargs)
        try:
            call.operator = self.per_node.operator(args)
            if self.per_node.spans and export.level >= c.Level.NODES:
                call.began = clock()
                spans.start(call)
                self._describe(call)
            call.began = clock()
        except BaseException:  # it is told to `broken`, and the node goes unrecorded
            spans.detach(call)
            raise
        # Control flow nests: a block inside this node finds it here.
        current.set(call)
        export.own_time += call.began - entered
        return call

    def leave(self, call: Call, result: Any) -> None:
        """End the work on a node: add it to the sum, or end its span."""
        current.set(call.parent)
        clock = call.export.session.clock
        try:
            ended = clock()
            self._add(call, ended)
            if call.span is not None:
                spans.detach(call)
                if self.target.probe.after is not None:
                    guarded(call, "after", self.target.probe.after, call, result)
                spans.end(call, ended)
        finally:
            spans.detach(call)
        call.export.own_time += clock() - ended

    def fail(self, call: Call, error: BaseException) -> None:
        """End the work on a node that raised: a failed span, whatever the level."""
        current.set(call.parent)
        clock = call.export.session.clock
        try:
            ended = clock()
            guarded(call, "traceback", without_wrapper_frames, error)
            self._add(call, ended)
            if call.span is None:
                spans.start(call)
                self._describe(call)
            spans.detach(call)
            guarded(call, "failure", spans.record_failure, call, error, ended)
            spans.end(call, ended)
        finally:
            spans.detach(call)
        call.export.own_time += clock() - ended

    def broken(self, doing: str, error: Exception) -> None:
        """Count an error of our own; the export goes on."""
        note_broken(f"{doing} {self.target.probe.name}", error)

    def _describe(self, call: Call) -> None:
        if self.per_node.describe is not None:
            guarded(call, "description", self.per_node.describe, call)

    def _add(self, call: Call, ended: int) -> None:
        if call.export.level < c.Level.PASSES:
            return  # watched for its failure alone
        holder = call.parent
        while holder is not None and holder.probe.per_node is not None:
            holder = holder.parent
        if holder is not None and call.operator is not None:
            holder.add_to_sum(self.per_node.sums, call.operator, ended - call.began)
