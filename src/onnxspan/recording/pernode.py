"""Work done once for every node: summed by operator, or at level `nodes` a span each.

At `passes` this runs for every operator of the model, some thousand times an export, so the
sums keep to plain lists and locals. A node that fails is a span at every level.
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
        try:
            call = Call(self.target, export, parent, args, kwargs)
            call.operator = self.per_node.operator(args)
            if self.per_node.spans and export.level >= c.Level.NODES:
                call.began = clock()
                spans.start(call)
                if self.per_node.describe is not None:
                    self.per_node.describe(call)
                export.session.tell(export.errors, "node_entered", call)
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
        export = call.export
        clock = export.clock
        ended = clock()
        current.set(call.parent)
        try:
            call.holder.add_to_sum(self.per_node.sums, call.operator, ended - call.began)
            if call.span is not None:
                spans.detach(call)
                if self.target.probe.after is not None:
                    self.target.probe.after(call, result)
                spans.end(call, ended)
        except Exception as error:
            export.note_error(f"leaving {self.target.probe.name}", error)
        export.own_time += clock() - ended

    def fail(self, call: Call, error: BaseException) -> None:
        """End the work on a node that raised: a failed span, whatever the level."""
        export = call.export
        ended = export.clock()
        current.set(call.parent)
        try:
            without_wrapper_frames(error)
            call.holder.add_to_sum(self.per_node.sums, call.operator, ended - call.began)
            if call.span is None:
                spans.start(call)
                if self.per_node.describe is not None:
                    self.per_node.describe(call)
            spans.detach(call)
            spans.record_failure(call, error, ended)
            export.session.tell(export.errors, "node_failed", call, error)
            spans.end(call, ended)
        except Exception as own:
            export.note_error(f"failing {self.target.probe.name}", own)
        export.own_time += export.clock() - ended


class LeafHooks:
    """Per-node work that is only ever summed, and in which nothing else is recorded.

    What `enter` hands to `leave` is a plain tuple: parent, operator, arguments, begin.
    """

    def __init__(self, target: Target, per_node: PerNode) -> None:
        self.target = target
        self.sums = per_node.sums
        self.operator = per_node.operator

    def enter(
        self, args: tuple[Any, ...], _kwargs: dict[str, Any]
    ) -> tuple[Call, str, tuple[Any, ...], int] | None:
        """Begin the work on one node; None outside an export."""
        parent = current.get()
        if parent is None:
            return None
        export = parent.export
        clock = export.clock
        entered = clock()
        try:
            operator = self.operator(args)
        except Exception as error:
            export.note_error(f"entering {self.target.probe.name}", error)
            return None
        began = clock()
        export.own_time += began - entered
        return parent, operator, args, began

    def leave(self, work: tuple[Call, str, tuple[Any, ...], int], _result: Any) -> None:
        """Add the work to the sum of the span that contains it."""
        parent, operator, _args, began = work
        export = parent.export
        ended = export.clock()
        try:
            parent.holder.add_to_sum(self.sums, operator, ended - began)
        except Exception as error:
            export.note_error(f"leaving {self.target.probe.name}", error)
        export.own_time += export.clock() - ended

    def fail(self, work: tuple[Call, str, tuple[Any, ...], int], error: BaseException) -> None:
        """A failed span, made after the fact."""
        parent, operator, args, began = work
        export = parent.export
        ended = export.clock()
        try:
            parent.holder.add_to_sum(self.sums, operator, ended - began)
            call = Call(self.target, export, parent, args, {})
            call.began = began
            call.note(c.NODE_OPERATOR, operator)
            spans.start(call)
            spans.detach(call)
            without_wrapper_frames(error)
            spans.record_failure(call, error, ended)
            export.session.tell(export.errors, "node_failed", call, error)
            spans.end(call, ended)
        except Exception as own:
            export.note_error(f"failing {self.target.probe.name}", own)
        export.own_time += export.clock() - ended
