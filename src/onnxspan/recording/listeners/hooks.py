"""The user's own functions, called as stages and passes begin and end; for study.

What a hook raises never reaches the export: it is reported once for each hook, and counted.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import logging
from typing import TYPE_CHECKING, Any

from onnxspan.recording.call import current
from onnxspan.recording.graphs import graph_text
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.suppression import suppress_instrumentation

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxspan import conventions as c
    from onnxspan.recording.call import Call, Export

_logger = logging.getLogger("onnxspan")


@dataclasses.dataclass(frozen=True, repr=False)
class Moment:
    """What a hook is given: one stage, pass or node, as it begins or ends.

    Attributes:
        name: the span's name; an operator for a node.
        level: `"stages"`, `"passes"` or `"nodes"`.
        graph: the live graph that torch works on, or None: a `torch._C.Graph`, on the dynamo
            path an `ExportedProgram` or an `onnx_ir.Model`. At the end the returned one, where
            the function returns another. Look, do not change: it is the one that is exported.
        args: the wrapped function's positional arguments, alive too; `kwargs` those by name.
        attributes: what the span will say, as far as it is known.
        error: what it raised, when it ends so.
        result: what it returned, alive; None at the beginning, and when it raised.
    """

    name: str
    level: str
    graph: Any
    args: tuple[Any, ...]
    attributes: dict[str, Any]
    error: BaseException | None = None
    kwargs: dict[str, Any] = dataclasses.field(default_factory=dict)
    result: Any = None

    def __repr__(self) -> str:
        state = "entered" if self.result is None and self.error is None else "left"
        failed = f", raised {type(self.error).__name__}" if self.error is not None else ""
        return f"<Moment {self.name}: {self.level}, {state}{failed}>"


@dataclasses.dataclass
class Hook:
    """One registered function and what it is called for.

    Attributes:
        pattern: a name, or a pattern with `*`, `?` and `[…]`.
        level: this level only; None for all.
        failures: how often it raised.
    """

    when: str
    pattern: str
    level: c.Level | None
    function: Callable[[Moment], object]
    failures: int = 0

    def fits(self, name: str, level: c.Level) -> bool:
        """Whether it is to be called for a span of this name and level."""
        return (self.level is None or self.level is level) and fnmatch.fnmatchcase(
            name, self.pattern
        )


class UserHooks(Listener):
    """Listener that calls the hooks; `hooks` may grow while it is used."""

    def __init__(self, hooks: list[Hook]) -> None:
        self._hooks = hooks

    def entered(self, call: Call) -> None:
        """Call what is registered for the beginning."""
        self._call("enter", call, call.name, None)

    def left(self, call: Call, error: BaseException | None) -> None:
        """Call what is registered for the end."""
        self._call("leave", call, call.name, error)

    def node_entered(self, call: Call) -> None:
        """The same for a node, by its operator; recordings of level `nodes` only."""
        self._call("enter", call, call.operator, None)

    def node_left(self, call: Call) -> None:
        """The end of a node that was converted."""
        self._call("leave", call, call.operator, None)

    def node_failed(self, call: Call, error: BaseException) -> None:
        """The end of a node that failed."""
        self._call("leave", call, call.operator, error)

    def _call(self, when: str, call: Call, name: str, error: BaseException | None) -> None:
        level = call.probe.level
        for hook in self._hooks:
            if hook.when == when and hook.fits(name, level):
                moment = Moment(
                    name,
                    level.name.lower(),
                    _graph(call),
                    call.args,
                    dict(call.attributes),
                    error,
                    dict(call.kwargs),
                    call.result,
                )
                _run(hook, moment, call.export)


def _run(hook: Hook, moment: Moment, export: Export) -> None:
    # What the hook itself does with torch is not part of the export.
    token = current.set(None)
    try:
        with suppress_instrumentation():
            hook.function(moment)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in a hook must not end an export either
        hook.failures += 1
        if hook.failures == 1:
            name = getattr(hook.function, "__qualname__", repr(hook.function))
            where = f"hook {name}, on_{hook.when} of {moment.name}"
            export.note_error(where, error)
            _logger.warning("onnxspan: %s raised; the export goes on", where, exc_info=error)
    finally:
        current.reset(token)


def _graph(call: Call) -> Any:
    """The graph that was returned, else that among the arguments, else the one counted last."""
    result = call.result
    returned = result if type(result) is tuple else (result,)
    for value in (*returned, *call.args):
        graph = graph_text.graph_of(value)
        if graph is not None:
            return graph
    counted = call.export.counted
    return None if counted is None else counted()
