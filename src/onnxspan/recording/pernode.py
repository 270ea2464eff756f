"""Work done once for every node: summed by operator, or at level `nodes` a span each.

At `passes` this runs for every operator of the model, some thousand times an export, so the
sums keep to plain lists and locals. A node that fails is a span at every level. What a hook
raises here is told to `broken` by the wrapper, and goes no further.
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


class NodeHooks:
    """Per-node work inside which more is recorded: a symbolic function, a block."""

    def __init__(self, target: Target, per_node: PerNode) -> None:
        self.target = target
        self.per_node = per_node

    def enter(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        """Begin the work on one node; None outside an export."""
        parent = current.get()
        if parent is None:
            return None
        export = parent.export
        clock = export.clock
        entered = clock()
        call = Call(self.target, export, parent, args, kwargs)
        try:
            call.operator = self.per_node.operator(args)
            if self.per_node.spans and export.level >= c.Level.NODES:
                call.began = clock()
                spans.start(call)
                self._describe(call)
                export.tell("node_entered", call)
            call.began = clock()
        except BaseException:  # the node goes unrecorded
            spans.detach(call)
            raise
        # Control flow nests: a block inside this node finds it here.
        current.set(call)
        export.own_time += call.began - entered
        return call

    def leave(self, call: Call, result: Any) -> None:
        """End the work on a node: add it to the sum, or end its span."""
        current.set(call.parent)
        export = call.export
        try:
            ended = export.clock()
            self._add(call, ended)
            if call.span is not None:
                spans.detach(call)
                if self.target.probe.after is not None:
                    guarded(call, "after", self.target.probe.after, call, result)
                spans.end(call, ended)
        finally:
            spans.detach(call)
        export.own_time += export.clock() - ended

    def fail(self, call: Call, error: BaseException) -> None:
        """End the work on a node that raised: a failed span, whatever the level."""
        current.set(call.parent)
        export = call.export
        try:
            ended = export.clock()
            guarded(call, "traceback", without_wrapper_frames, error)
            self._add(call, ended)
            if call.span is None:
                spans.start(call)
                self._describe(call)
            spans.detach(call)
            if self.target.probe.failed is not None:
                guarded(call, "failed", self.target.probe.failed, call, error)
            guarded(call, "failure", spans.record_failure, call, error, ended)
            export.tell("node_failed", call, error)
            spans.end(call, ended)
        finally:
            spans.detach(call)
        export.own_time += export.clock() - ended

    def broken(self, doing: str, error: Exception) -> None:
        """Count an error of our own; the export goes on."""
        note_broken(f"{doing} {self.target.probe.name}", error)

    def _add(self, call: Call, ended: int) -> None:
        if call.export.level >= c.Level.PASSES:  # at `stages` it is watched for failures alone
            call.holder.add_to_sum(self.per_node.sums, call.operator, ended - call.began)

    def _describe(self, call: Call) -> None:
        if self.per_node.describe is not None:
            guarded(call, "description", self.per_node.describe, call)


Work = tuple[Call, str, tuple[Any, ...], int]
"""What `LeafHooks.enter` hands to `leave`: parent, operator, arguments, begin."""


class LeafHooks:
    """Per-node work that is only ever summed, and in which nothing else is recorded."""

    def __init__(self, target: Target, per_node: PerNode) -> None:
        self.target = target
        self.per_node = per_node
        self.sums = per_node.sums
        self.operator = per_node.operator

    def enter(self, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Work | None:
        """Begin the work on one node; None outside an export."""
        parent = current.get()
        if parent is None:
            return None
        clock = parent.export.clock
        entered = clock()
        operator = self.operator(args)
        began = clock()
        parent.export.own_time += began - entered
        return parent, operator, args, began

    def leave(self, work: Work, result: Any) -> None:
        """Add the work to the sum of the span that contains it."""
        parent, operator, args, began = work
        export = parent.export
        ended = export.clock()
        if export.level >= c.Level.PASSES:
            parent.holder.add_to_sum(self.sums, operator, ended - began)
        if self.per_node.tell is not None and export.level >= c.Level.NODES:
            guarded(parent, "description", self.per_node.tell, parent, args, result)
        export.own_time += export.clock() - ended

    def fail(self, work: Work, error: BaseException) -> None:
        """A failed span, made after the fact."""
        parent, operator, args, began = work
        export = parent.export
        ended = export.clock()
        parent.holder.add_to_sum(self.sums, operator, ended - began)
        call = Call(self.target, export, parent, args, {})
        call.began = began
        call.note(c.NODE_OPERATOR, operator)
        if self.per_node.describe is not None:
            guarded(call, "description", self.per_node.describe, call)
        guarded(call, "traceback", without_wrapper_frames, error)
        try:
            spans.start(call)
            guarded(call, "failure", spans.record_failure, call, error, ended)
            export.tell("node_failed", call, error)
        finally:
            spans.detach(call)
        spans.end(call, ended)
        export.own_time += export.clock() - ended

    def broken(self, doing: str, error: Exception) -> None:
        """Count an error of our own; the export goes on."""
        note_broken(f"{doing} {self.target.probe.name}", error)
