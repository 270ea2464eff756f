"""Rows that a user adds: `trace(probes=[…])`, for their own passes and helpers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.graphs import dynamo, graph_text, torchscript
from onnxspan.recording.probe import Probe
from onnxspan.recording.probes.dynamo import sizes
from onnxspan.recording.probes.torchscript import counting as graphs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxspan.recording.call import Call


def rows(probes: Sequence[str | Probe]) -> tuple[Probe, ...]:
    """The rows that a user gave, each measuring the graph that its function is handed.

    Raises:
        ValueError: for a place that is not written `module:function`.
        TypeError: for what is neither a place nor a `Probe`.
    """
    if isinstance(probes, str | Probe):
        raise TypeError(f"probes is a list: [{probes!r}]")
    return tuple(_row(probe) for probe in probes)


def root(place: str) -> Probe:
    """The row of a function around exports, which begins a trace.

    Raises:
        ValueError: for a place that is not written `module:function`.
    """
    return Probe(place.rpartition(":")[2], (place,), c.Level.STAGES, root=True)


def _row(given: str | Probe) -> Probe:
    if isinstance(given, str):
        given = Probe(given.rpartition(":")[2].rpartition(".")[2], (given,), c.Level.PASSES)
    if not isinstance(given, Probe):
        raise TypeError(f"a probe is `module:function` or an onnxspan.Probe, not {given!r}")
    places = (given.places,) if isinstance(given.places, str) else tuple(given.places)
    for place in places:
        module, colon, path = place.partition(":")
        if not (module and colon and path):
            raise ValueError(
                f"{place!r} is no place of a function: write `module:function` or "
                "`module:Class.method`"
            )
    before, after = given.before, given.after

    def measured_before(call: Call) -> None:
        _before(call)
        if before is not None:
            before(call)

    def measured_after(call: Call, result: Any) -> None:
        _after(call, result)
        if after is not None:
            after(call, result)

    return dataclasses.replace(
        given,
        places=places,
        opens=_no_exporter if given.root else None,
        before=measured_before,
        after=measured_after,
    )


def _no_exporter(_call: Call) -> None:
    """A function around exports is none itself: each of those tells its exporter."""


def _before(call: Call) -> None:
    """Count the graph that the function is handed; nothing is known of what it does to it."""
    graph = _first(call.args)
    if torchscript.is_graph(graph):
        graphs.count(call, graph)
    elif hasattr(graph, "graph_module"):
        call.scratch = dynamo.fx_nodes(graph.graph_module)
    elif graph is not None:
        call.scratch = sizes.count_nodes(call, graph)


def _after(call: Call, result: Any) -> None:
    """Note the size of the graph that it returned, or else of that which it was handed."""
    graph = graph_text.graph_of(result)
    if graph is None:
        graph = _first(call.args)
    if torchscript.is_graph(graph):
        graphs.note_size(call, graph, recount=True)
    elif hasattr(graph, "graph_module"):
        sizes.note_program(call, graph)
    elif graph is not None:
        sizes.note_model(call, graph)
        if isinstance(call.scratch, int):
            call.attributes[c.NODES_CHANGE] = call.attributes[c.NODES] - call.scratch


def _first(values: Sequence[Any]) -> Any:
    """The first graph, model or program among arguments."""
    found = (graph_text.graph_of(value) for value in values)
    return next((graph for graph in found if graph is not None), None)
