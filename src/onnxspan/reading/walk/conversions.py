"""The operators of a conversion, one by one: the node in, the function, the nodes out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.reading.origins import origins
from onnxspan.reading.origins.following import node_text
from onnxspan.reading.walk import source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.graph_record import Graph, Node
    from onnxspan.reading.source.trace import Span, Trace

"""The steps that convert a graph operator by operator."""
MORE = (
    "No graph of this step was recorded as data: record again with --snapshots changed "
    "(trace(snapshots='changed'))."
)
NO_FUNCTION = "not recorded: record again with --level nodes"


@dataclasses.dataclass(frozen=True)
class Conversion:
    """One operator of the model and what it became.

    Attributes:
        number: counted from 1 in the step; `total` of how many.
        total: the operators of the step.
        operator: as the graph before the step names it.
        node: the node in one line, with its module and line.
        function: the dotted name of the function that converted it; empty when not recorded.
        place: `path:line` of the function, and `code` its first lines; empty where not known.
        made: the nodes that it became, a line each; none when it became part of another.
    """

    number: int
    total: int
    operator: str
    node: str
    function: str
    place: str
    code: tuple[str, ...]
    made: tuple[str, ...]


def converts(span: Span) -> bool:
    """Whether a step itself converts a graph, operator by operator."""
    inside = any(below.name == c.FX_TRANSLATION for below in span.children)
    return span.name in c.CONVERSIONS and not inside


def of_step(trace: Trace, span: Span) -> list[Conversion]:
    """The conversions of one step; none when it converts nothing, or no graphs were recorded."""
    if not converts(span):
        return []
    pair = _pair(trace, span)
    if pair is None:
        return []
    before, after = pair
    functions = {
        below.name: str(below.get(c.NODE_FUNCTION))
        for below in span.walk()
        if below.get(c.NODE_FUNCTION)
    }
    operators = _translated(after) if before is None else _converted(before, after)
    found = []
    for number, (operator, node, made) in enumerate(operators, 1):
        function = functions.get(operator, "")
        place, code = source.function(span, function) if function else ("", [])
        found.append(
            Conversion(number, len(operators), operator, node, function, place, tuple(code), made)
        )
    return found


_Operator = tuple[str, str, tuple[str, ...]]
"""The operator, the node in one line, and the nodes that it became."""


def _converted(before: Graph, after: Graph) -> list[_Operator]:
    made: dict[int | str, list[Node]] = {}
    for node in after.walk():
        for one in dict.fromkeys(node.source[:1] if before.kind == "fx" else node.source):
            made.setdefault(one, []).append(node)
    return [
        (node.op, node_text(node), tuple(map(node_text, _became(node, made))))
        for node in before.walk()
        if _became(node, made) or not (node.op.startswith("prim::") or origins.is_value(node))
    ]


def _translated(after: Graph) -> list[_Operator]:
    """The same where no graph before was kept: each new node names the fx node it was made from."""
    made: dict[str, list[Node]] = {}
    for node in after.walk():
        for one in node.source[:1]:
            made.setdefault(str(one), []).append(node)
    found = []
    for name, nodes in made.items():
        operator = str(nodes[0].attributes.get("fx_target", "unknown"))
        whole = dataclasses.replace(nodes[0], op=operator, outputs=[name], inputs=["…"])
        found.append((operator, node_text(whole), tuple(map(node_text, nodes))))
    return found


def _became(node: Node, made: dict[int | str, list[Node]]) -> list[Node]:
    return made.get(node.id, []) + (made.get(node.name, []) if node.name else [])


def _pair(trace: Trace, span: Span) -> tuple[Graph | None, Graph] | None:
    """The graph before the conversion, where it was kept, and the graph that it made."""
    export = span.holder(c.EXPORTER) or span
    last: Graph | None = None
    for step, graph in origins.graphs(trace, export, []):
        is_it = step == span.name or (step == c.FX_TRANSLATION and span.name in c.CONVERSIONS)
        if last is not None and is_it and _converts(last, graph):
            return last, graph
        if last is None and graph.kind == "onnx" and span.name != c.JIT_CONVERSION:
            return None, graph
        last = graph
    return None


def _converts(before: Graph, after: Graph) -> bool:
    known: set[int | str] = {node.id for node in before.walk()}
    known |= {node.name for node in before.walk() if node.name}
    return any(one in known for node in after.walk() for one in node.source)


def rows(one: Conversion) -> Iterator[tuple[str, str]]:
    """Label and text of each row of one conversion."""
    yield "In", one.node
    yield "By", one.function or NO_FUNCTION
    if one.place:
        yield "Where", one.place
    if one.code:
        yield "Source", "\n".join(one.code)
    yield (
        "Out",
        "\n".join(one.made) or "no node of its own: the nodes that read it have taken it in",
    )
