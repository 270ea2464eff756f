"""What a listener is told, and the one place that tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan.recording.faults import goes_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from onnxspan.recording.call import Call, Export


class Listener:
    """Is told what happens in an export, inside the export's own thread.

    A listener overrides the methods that it needs. The others cost nothing: they are never
    called. What a method raises is counted as an error of onnxspan, and the export goes on.
    """

    def asks_for_calls(self) -> bool:
        """Whether it needs the calls inside an export of which no span is sent or kept."""
        return True

    def entering(self, call: Call) -> None:
        """A stage or pass is about to begin, and its span has not begun.

        This is the place for work that takes time: its time is not part of the span.
        """

    def entered(self, call: Call) -> None:
        """The span of a stage or pass has begun, and the wrapped function is about to run."""

    def left(self, call: Call, error: BaseException | None) -> None:
        """A stage or pass has returned, or has raised `error`.

        `call.attributes` is complete, `call.result` is what the function returned, and the
        span has not ended.
        """

    def node_entered(self, call: Call) -> None:
        """The conversion of one node begins (level `nodes` only)."""

    def node_left(self, call: Call) -> None:
        """The conversion of one node has returned (level `nodes` only)."""

    def node_failed(self, call: Call, error: BaseException) -> None:
        """The conversion of one node has raised `error` (every level)."""

    def converted(self, call: Call, args: tuple[Any, ...], result: Any) -> None:
        """One node was converted inside `call`, at every level.

        `args` and `result` are those of torch's function that converts one node.
        """

    def on_event(self, call: Call, event: str, attributes: dict[str, Any]) -> None:
        """A warning, a log record or a line of a C++ pass was added to the span of `call`."""

    def finished(self, export: Export) -> None:
        """The outermost call of an export has ended."""

    def closed(self) -> None:
        """The recording that this listener belongs to was closed."""


class Listeners:
    """The listeners of one export, and for each event the methods that are to be called.

    Listeners nest: an event of an end is told in the reverse order of the beginnings.
    """

    __slots__ = (
        "converted", "entered", "entering", "finished", "left", "node_entered", "node_failed",
        "node_left", "on_event",
    )  # fmt: skip

    def __init__(self, listeners: Iterable[Listener]) -> None:
        # A listener that two recordings share is told once.
        in_order = list({id(one): one for one in listeners}.values())
        nested = in_order[::-1]
        self.entering = overridden(in_order, "entering")
        self.entered = overridden(in_order, "entered")
        self.left = overridden(nested, "left")
        self.node_entered = overridden(in_order, "node_entered")
        self.node_left = overridden(nested, "node_left")
        self.node_failed = overridden(nested, "node_failed")
        self.converted = overridden(in_order, "converted")
        self.on_event = overridden(in_order, "on_event")
        self.finished = overridden(nested, "finished")


def overridden(listeners: Iterable[Listener], event: str) -> list[Callable[..., None]]:
    """The bound methods of those listeners that override the method of an event."""
    empty = getattr(Listener, event)
    return [
        getattr(one, event) for one in listeners if getattr(type(one), event, empty) is not empty
    ]


def notify(call: Call, methods: list[Callable[..., None]], *args: Any) -> None:
    """Call each method; what one raises is counted on the export and goes no further."""
    for method in methods:
        try:
            method(*args)
        except Exception as error:
            if goes_on(error):
                raise
            call.export.note_error(f"{_name(method)} of {call.probe.name}", error)


def _name(method: Callable[..., None]) -> str:
    owner = type(getattr(method, "__self__", None)).__name__
    return f"listener {owner}.{getattr(method, '__name__', 'method')}"
