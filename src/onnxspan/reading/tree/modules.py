"""Which module of the model the conversion's time and nodes are of, at level `nodes`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from rich.text import Text

from onnxspan import conventions as c
from onnxspan.reading import figures
from onnxspan.reading.text import one_line, shorten

if TYPE_CHECKING:
    from onnxspan.reading.source.trace import Span

MAX_MODULES = 10
"""Modules that the tree lists; `modules` has all."""
ITSELF = "the model itself"
_FIGURES = 34


@dataclasses.dataclass
class Module:
    """The work on the operators that one module called.

    Attributes:
        path: of the module; `the model itself` for the model's own operators.
        operators: how many were converted.
        nodes: the nodes that they became, as far as the trace says.
        seconds: of their conversion, without that of operators inside them.
    """

    path: str
    operators: int = 0
    nodes: int = 0
    seconds: float = 0.0


def modules(export: Span) -> list[Module]:
    """Every module with operators of its own, the longest first; none below level `nodes`."""
    found: dict[str, Module] = {}
    for span in export.walk():
        # Below level `nodes` an operator that failed is a span, and no other: that is no sum.
        if not span.is_node or span.error or not span.get(c.NODE_SCOPE):
            continue
        path = path_of(str(span.get(c.NODE_SCOPE))) or ITSELF
        module = found.setdefault(path, Module(path))
        inside = sum(child.duration for child in span.children if child.is_node)
        module.operators += 1
        module.nodes += span.number(c.NODE_PRODUCED) or 0
        module.seconds += max(span.duration - inside, 0.0)
    return sorted(found.values(), key=lambda one: (-one.seconds, one.path))


def path_of(scope: str) -> str:
    """The path of a module from `Net::/Block::blocks.0/Linear::up`: `blocks.0.up`.

    The dynamo exporter's scope is the path itself. Of a name that holds the names around it, as
    some versions of torch write it, nothing is told twice.
    """
    if "::" not in scope:
        return scope
    path = ""
    for part in scope.split("/"):
        name = part.rpartition("::")[2]
        if not name or not path or name.startswith(f"{path}."):
            path = name or path
        else:
            path = f"{path}.{name}"
    return path


def lines(export: Span, width: int) -> list[Text]:
    """The longest modules as lines of a table; none for a trace with fewer than two."""
    listed = modules(export)
    if len(listed) < 2:  # noqa: PLR2004  # one module says nothing
        return []
    room = max(width - _FIGURES, 20)
    shown = listed[:MAX_MODULES]
    name_width = min(max(len(one_line(one.path)) for one in shown), room)
    head = f"{'conversion by module':<{name_width}}  {'time':>9}  {'operators':>9}  {'nodes':>6}"
    made = [Text(), Text(head, style="dim")]
    for one in shown:
        name = shorten(one_line(one.path), name_width)
        made.append(
            Text(
                f"{name:<{name_width}}  {figures.duration(one.seconds):>9}  "
                f"{figures.count(one.operators):>9}  {figures.count(one.nodes):>6}"
            )
        )
    if len(listed) > len(shown):
        made.append(Text(f"… {len(listed) - len(shown)} more modules", style="dim"))
    return made
