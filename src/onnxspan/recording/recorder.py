"""One probe call becomes one span. Nothing here ever raises into an export.

The way of a call: the wrapper (wrappers.py) calls `enter`, then torch's function, then
`leave` or `fail`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording import (
    cpu_time,
    dynamo_rules,
    entry_points,
    forks,
    recursion,
    spans,
    user_probes,
)
from onnxspan.recording.call import (
    Call,
    Export,
    current,
    guarded,
    is_busy,
    is_in_export,
    note_broken,
)
from onnxspan.recording.faults import describe_error, goes_on
from onnxspan.recording.imports import Imports
from onnxspan.recording.listeners.base import Listeners, notify
from onnxspan.recording.patching import (
    Patches,
    Target,
    resolve_all,
    without_wrapper_frames,
)
from onnxspan.recording.per_node import NodeHooks
from onnxspan.recording.probe import Exporter
from onnxspan.recording.probes import TABLES
from onnxspan.recording.session import receiving
from onnxspan.recording.suppression import is_instrumentation_enabled
from onnxspan.recording.wrappers import span_wrapper, work_wrapper
from onnxspan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType

    from onnxspan.recording.trampoline import Trampoline

_IMPORTS = "recorder.imports"


class SpanHooks:
    """Enter, leave and fail of a probe whose every call is a span."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.probe = target.probe
        self._pack = target.probe.pack

    def enter(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        """Begin a call; None when there is no export here, or its level is too low."""
        parent = current.get()
        if self._pack and (is_busy.get() or is_in_export(parent)):
            return None
        # A thread or task may live on in a context copied inside an export that is long over.
        if parent is None or parent.export.is_closed:
            return self._open(args, kwargs) if self.probe.opens else None
        export = parent.export
        if self.probe.level > export.level or export.is_bare:
            return None
        if self.probe.once and parent.probe is self.probe:
            return None
        if self.probe.most and export.is_beyond(self.probe):
            return None
        call = Call(self.target, export, parent, args, kwargs)
        self._begin(call, export.clock())
        return call

    def leave(self, call: Call, result: Any) -> None:
        """End a call that returned `result`."""
        try:
            current.set(call.parent)
            if call.parent is None:
                is_busy.set(True)
            guarded(call, "processor time", cpu_time.end, call)
            ended = call.export.clock()
            if self.probe.after is not None:
                guarded(call, "after", self.probe.after, call, result)
            call.result = result
            _finish(call, None, ended)
        finally:
            _let_go(call)

    def fail(self, call: Call, error: BaseException) -> None:
        """End a call that raised `error`, which goes on to the caller untouched."""
        try:
            current.set(call.parent)
            if call.parent is None:
                is_busy.set(True)
            guarded(call, "traceback", without_wrapper_frames, error)
            guarded(call, "processor time", cpu_time.end, call)
            ended = call.export.clock()
            if self.probe.failed is not None:
                guarded(call, "failed", self.probe.failed, call, error)
            guarded(call, "failure", spans.record_failure, call, error, ended)
            _finish(call, error, ended)
        finally:
            _let_go(call)

    def broken(self, doing: str, error: BaseException) -> None:
        """Count an error of our own; the export goes on."""
        note_broken(f"{doing} {self.probe.name}", error)

    def lost(self, kwargs: dict[str, Any], call: Call | None) -> None:
        """End a call in spite of Ctrl-C; what `enter` could not hand back is the current one."""
        met = current.get()
        if call is None and met is not None and met.kwargs is kwargs:
            call = met
        if call is not None:
            if met is call:
                current.set(call.parent)
            _let_go(call)

    def _open(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        receivers = receiving()
        if self._pack:
            receivers = tuple(one for one in receivers if self.probe in one.packs)
        if not receivers or not is_instrumentation_enabled():
            return None
        session = receivers[0]
        if self._pack and session.is_beyond(self.probe):
            return None
        entered = session.clock()
        call: Call | None = None
        try:
            epoch = session.epoch
            if epoch is None:
                epoch = time.time_ns() - time.perf_counter_ns()
            export = Export(receivers, epoch)
            call = Call(self.target, export, None, args, kwargs)
            export.root = export.outermost = call
        except Exception as error:
            if goes_on(error):
                raise
            session.note_errors([describe_error(f"opening {self.probe.name}", error)])
            return None
        self._begin(call, entered)
        return call

    def _begin(self, call: Call, entered: int) -> None:
        export = call.export
        try:
            try:
                if call is export.root:
                    guarded(call, "room on the stack", recursion.widen, export)
                    guarded(call, "watching the collector", cpu_time.watch, export)
                if self.probe.opens is not None:
                    guarded(call, "wrapping", _hold_exporter, export, self.probe.opens, call)
                if self.probe.named is not None:
                    guarded(call, "name", call.take_name, self.probe.named)
                if self.probe.before is not None:
                    guarded(call, "before", self.probe.before, call)
                _notify_entering(call)
                guarded(call, "memory", _note_resident, call, entered)
                call.began = export.clock()
                guarded(call, "processor time", cpu_time.begin, call)
                imports = export.notes.pop(_IMPORTS, None)
                if imports is not None:
                    call.began, call.spent = imports.began, imports.spent
                    export.tracing_time -= imports.ended - imports.began
                _start(call)
                if imports is not None:
                    guarded(call, "imports", imports.record, call)
                call.note_worked(call.began)
                notify(call, export.listeners.entered, call)
            except Exception as error:
                if goes_on(error):
                    raise
                export.note_error(f"entering {self.probe.name}", error)
            current.set(call)
            now = export.clock()
            export.tracing_time += now - entered
        except BaseException:  # Ctrl-C in our own code: it goes on, and nothing stays patched
            current.set(call.parent)
            _let_go(call)
            raise


def _start(call: Call) -> None:
    spans.start(call)
    export = call.export
    if call is export.root and export.is_unseen():
        export.is_bare = True
        guarded(call, "restoring", _restore_held, export)


def _notify_entering(call: Call) -> None:
    notify(call, call.export.listeners.entering, call)
    if call.probe.runs_model and call.export.user_held:
        guarded(call, "suspending the user's probes", user_probes.suspend, patches, call)


def _finish(call: Call, error: BaseException | None, ended: int) -> None:
    export = call.export
    if export.suspended_for is call:
        guarded(call, "stepping back", user_probes.step_back, patches, export)
    guarded(call, "context", spans.detach, call)
    guarded(call, "memory", _note_memory, call, ended)
    notify(call, export.listeners.left, call, error)
    call.result = None
    if call is export.root:
        guarded(call, "conclusion", _conclude, export, ended)
    guarded(call, "ending", spans.end, call, ended)
    now = export.clock()
    if call.parent is not None:
        call.parent.note_worked(now)  # what is summed in it leaves this call's time out
    export.tracing_time += now - ended


def _note_resident(call: Call, now: int) -> None:
    call.rss, call.peak = call.export.memory(now)


def _note_memory(call: Call, now: int) -> None:
    rss, peak = call.export.memory(now)
    call.attributes[c.MEMORY_RSS] = rss
    call.attributes[c.MEMORY_GROWTH] = rss - call.rss
    call.attributes[c.MEMORY_PEAK] = peak
    if peak > call.peak:
        call.attributes[c.MEMORY_PEAK_GROWTH] = peak - call.peak


def _conclude(export: Export, ended: int) -> None:
    """Write on the root what tracing itself did."""
    attributes = export.root.attributes
    if not export.root.probe.root:
        attributes[c.EXPORTER] = export.exporter
    if export.root.span is not None and export.root.probe.name == c.EXPORT:
        model = attributes.get(c.MODEL_CLASS)
        export.root.span.update_name(c.export_name(model, attributes[c.EXPORTER]))
    attributes[c.VERSION_ONNXSPAN] = __version__
    attributes[c.TRACING_SPANS] = export.span_count
    if export.omitted:
        attributes[c.TRACING_OMITTED] = [f"{name}={n}" for name, n in export.omitted.items()]
    if export.errors:
        attributes[c.TRACING_ERRORS] = len(export.errors)
        attributes[c.TRACING_ERROR] = spans.short(export.errors[0])
    own = export.tracing_time + export.clock() - ended
    attributes[c.TRACING_DURATION] = own / 1e9


def _let_go(call: Call) -> None:
    """Whatever happened, keep nothing of a call that is over: no context, no patch."""
    try:
        spans.detach(call)
    finally:
        if call.parent is None:
            _close(call)
            is_busy.set(False)
        elif call is call.export.outermost and call.export.root.probe.pack:
            _end_exporter(call)
        call.let_go()


def _end_exporter(call: Call) -> None:
    """An export inside a step of a pack is over: outside an export nothing stays wrapped.

    A root of the user's own keeps the probes until it ends: the passes between its exports have
    spans too.
    """
    export = call.export
    export.exporters = []
    guarded(call, "restoring", _restore_held, export)
    export.outermost = export.root
    export.states.clear()
    export.size = export.counted = None


def _close(root: Call) -> None:
    export = root.export
    if export.is_closed:
        return
    # Every step is taken, the last one first, though Ctrl-C may come in the midst of one.
    steps = contextlib.ExitStack()
    steps.callback(_forget, export)
    for finished in reversed(export.listeners.finished):  # the stack turns the order round
        steps.callback(notify, root, [finished], export)
    for targets in reversed(export.held):
        steps.callback(guarded, root, "restoring", _restore, targets)
    if export.user_held and export.suspended_for is None:
        steps.callback(guarded, root, "restoring", _restore, export.user_held)
    steps.callback(guarded, root, "watching the collector", cpu_time.unwatch, export)
    steps.callback(guarded, root, "room on the stack", recursion.restore, export)
    steps.callback(setattr, export, "is_closed", True)
    steps.close()


def _forget(export: Export) -> None:
    for receiver in export.receivers:
        receiver.note_errors(export.errors)
    # The exception's traceback holds frames that hold the export: no cycle may outlive it.
    export.failure = None
    export.counted = None
    export.notes.clear()
    export.states.clear()
    del export.root, export.outermost


def make_wrapper(target: Target, trampoline: Trampoline | None) -> FunctionType:
    """The wrapper that fits a target's probe."""
    if target.probe.per_node is not None:
        return work_wrapper(NodeHooks(target, target.probe.per_node), trampoline, current.get)
    return span_wrapper(target, SpanHooks(target), trampoline)


patches = Patches(make_wrapper)
forks.renew(patches, "_lock", threading.RLock)


def _leave_to_parent() -> None:
    """In a forked child: the exports under way are the parent's, and nobody hears of them here.

    What the child exports itself begins anew, below the span that was open at the fork.
    """
    call = current.get()
    current.set(None)
    while call is not None:
        call.span = None
        call.export.listeners = Listeners(())
        call = call.parent


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
_resolved: dict[str, list[Target]] = {}


def targets_of(exporter: Exporter, level: c.Level) -> list[Target]:
    """What is wrapped while an exporter runs at a level, found once in a process."""
    key = f"{exporter.value} {level.name}"
    if key not in _resolved:
        if exporter not in _resolved:
            _resolved[exporter] = resolve_all(TABLES[exporter])
        _resolved[key] = [one for one in _resolved[exporter] if one.probe.wrapped_at <= level]
    return _resolved[key]


def _hold_exporter(export: Export, opens: Callable[[Call], Exporter | None], call: Call) -> None:
    exporter = opens(call)
    if exporter is not None and call.parent is not None and call.parent.probe.root:
        call.attributes[c.EXPORTER] = exporter.value  # else the root says it
        export.outermost = call
    if exporter is None or exporter in export.exporters:
        return
    imports = Imports(export.clock)
    targets = targets_of(exporter, export.level)
    export.notes[_IMPORTS] = imports.finish()
    patches.install(targets)
    export.held.append(targets)
    export.exporters.append(exporter)
    entry_points.hold_new(patches)
    user_probes.hold_inside(patches, export, (*targets, *entry_points.targets()))


def _restore_held(export: Export) -> None:
    """Take off what was wrapped for the exporters of this export, the last one first."""
    held, export.held = export.held, []
    with contextlib.ExitStack() as steps:
        for targets in held:
            steps.callback(_restore, targets)


def _restore(targets: list[Target]) -> None:
    try:
        patches.restore(targets)
    finally:
        dynamo_rules.forget_wrappers(targets)
