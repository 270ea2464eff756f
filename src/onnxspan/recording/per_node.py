"""Work done once for every node, where it is more than a sum: a span, or a failure.

At level `nodes` a symbolic function is a span; at every level one that fails is. What only adds
to a sum is wrappers.py's. What a hook raises here is told to `broken` by the wrapper, and goes no
further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording import spans
from onnxspan.recording.call import Call, current, guarded, note_broken
from onnxspan.recording.faults import goes_on
from onnxspan.recording.listeners.base import notify
from onnxspan.recording.patching import without_wrapper_frames

if TYPE_CHECKING:
    from onnxspan.recording.patching import Target
    from onnxspan.recording.probe import PerNode

Work = tuple[Call, str, tuple[Any, ...], dict[str, Any], int]
"""What is known of work without a span: the call around it, operator, arguments, begin."""


class NodeHooks:
    """What the wrapper of per-node work calls."""

    def __init__(self, target: Target, per_node: PerNode) -> None:
        self.target = target
        self.per_node = per_node
        self.operator = per_node.operator
        self.describe = per_node.describe
        self.after = target.probe.after

    def enter(self, parent: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Begin a node's span."""
        export = parent.export
        entered = export.clock()
        call = Call(self.target, export, parent, args, kwargs)
        try:
            call.name = call.operator = operator = self.operator(args)
            call.attributes[c.NODE_OPERATOR] = operator
            call.began = entered
            spans.start_node(call, parent)
            self._describe(call)
            notify(call, export.listeners.node_entered, call)
            call.began = export.clock()
        except BaseException:  # the node goes unrecorded
            spans.detach(call)
            raise
        # Control flow nests: a block inside this node finds it here.
        current.set(call)
        export.tracing_time += call.began - entered
        return call

    def leave(self, call: Call, result: Any) -> None:
        """End a node's span, and add the work to the sum."""
        current.set(call.parent)
        export = call.export
        ended = export.clock()
        try:
            self._add(call, ended)
            if call.otel_token is not None:
                spans.detach(call)
            if self.after is not None:
                try:
                    self.after(call, result)
                except Exception as error:
                    if goes_on(error):
                        raise
                    export.note_error(f"after of {call.probe.name}", error)
            if export.listeners.converted:
                self.converted(call, call.args, result)
            if export.listeners.node_left:
                call.result = result
                notify(call, export.listeners.node_left, call)
            spans.end(call, ended)
        finally:
            if call.otel_token is not None:
                spans.detach(call)
            call.let_go()
        export.tracing_time += export.clock() - ended

    def fail(self, work: Call | Work, error: BaseException) -> None:
        """End the work on a node that raised: a failed span, made now if there is none."""
        ended = (work if isinstance(work, Call) else work[0]).export.clock()
        call = work if isinstance(work, Call) else self._call_of(work)
        export = call.export
        try:
            guarded(call, "traceback", without_wrapper_frames, error)
            self._add(call, ended)
            if call.span is None:
                spans.start(call)
                self._describe(call)
            else:
                current.set(call.parent)
            spans.detach(call)
            if self.target.probe.failed is not None:
                guarded(call, "failed", self.target.probe.failed, call, error)
            guarded(call, "failure", spans.record_failure, call, error, ended)
            notify(call, export.listeners.node_failed, call, error)
            spans.end(call, ended)
        finally:
            spans.detach(call)
            call.let_go()
        export.tracing_time += export.clock() - ended

    def converted(self, call: Call, args: tuple[Any, ...], result: Any) -> None:
        """Tell the listeners of a node that was converted inside `call`, or by it."""
        notify(call, call.export.listeners.converted, call, args, result)

    def note(self, parent: Call, args: tuple[Any, ...], result: Any) -> None:
        """At level `nodes`, what work without a span found out, for the span around it."""
        note = self.per_node.note
        if note is not None and parent.export.level >= c.Level.NODES:
            guarded(parent, "description", note, parent, args, result)

    def broken(self, doing: str, error: BaseException) -> None:
        """Count an error of our own; the export goes on."""
        note_broken(f"{doing} {self.target.probe.name}", error)

    def _call_of(self, work: Work) -> Call:
        parent, operator, args, kwargs, began = work
        call = Call(self.target, parent.export, parent, args, kwargs)
        call.name = call.operator = operator
        call.attributes[c.NODE_OPERATOR] = operator
        call.began = began
        return call

    def add_since(self, parent: Call, args: tuple[Any, ...]) -> None:
        """Add what passed in `parent` since the work before this ended, or since it began.

        The garbage collector's time is left out: it comes where it comes.
        """
        export = parent.export
        clock = export.clock
        ended = clock()
        if export.sums and not export.is_bare and not export.is_closed:
            collected = export.gc_time[0][1]
            took = ended - parent.worked_until - (collected - parent.collected_until)
            parent.collected_until = collected
            self.add(parent.holder or parent, self.operator(args), max(took, 0))
        parent.worked_until = now = clock()
        export.tracing_time += now - ended

    def add(self, holder: Call, operator: str, duration: int) -> None:
        """Add work to the sums of the call that holds them."""
        keys = self.per_node.sums
        group = holder.sums.get(keys[0])
        if group is None:
            group = holder.sums[keys[0]] = keys, {}
        entry = group[1].get(operator)
        if entry is None:
            group[1][operator] = [1, duration, duration]
        else:
            entry[0] += 1
            entry[1] += duration
            if duration > entry[2]:  # noqa: PLR1730  # `max` is a call, some ten thousand times
                entry[2] = duration

    def _add(self, call: Call, ended: int) -> None:
        took = ended - call.began
        if call.parent is not None:
            call.parent.inner += took
        if call.export.sums:
            self.add(call.holder or call, call.operator, took - call.inner)

    def _describe(self, call: Call) -> None:
        if self.describe is not None:
            try:
                self.describe(call)
            except Exception as error:
                if goes_on(error):
                    raise
                call.export.note_error(f"description of {call.probe.name}", error)
