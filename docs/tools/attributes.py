"""Write docs/reference/attributes.md from onnxspan's own tables.

python docs/tools/attributes.py            write the page
python docs/tools/attributes.py --check    fail when the page is not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.conventions import ATTRIBUTES
from onnxspan.conventions.documented import EVENTS, RESOURCE
from onnxspan.conventions.registry import Attribute
from onnxspan.recording.probe import Probe
from onnxspan.recording.probes import ENTRY_POINTS, TABLES
from onnxspan.recording.probes.packs.table import PACKS

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = Path(__file__).resolve().parent.parent / "reference" / "attributes.md"

HEAD = """# Spans and attributes

This page is generated from `onnxspan.conventions` and the tables of probes by
`python docs/tools/attributes.py`.

## Spans

A span bears the function's own short name, as torch's source writes it; its full place is the
attribute `code.function.name`. Places are tried in order: the first that the installed torch has
is wrapped (`onnxspan doctor` says which). Per-node work is summed into the span around it at
`passes` and becomes a span of its own at `nodes`, named by its operator.

A root's name has model and exporter behind it, `torch.onnx.export ResNet (dynamo)`. Some spans have
another name than their row: a pass of onnx_ir bears its class's name, and so does a strategy of the
dynamo exporter's capture. Three have no row:

| span | level | what it is |
| --- | --- | --- |
| `{imported}` | stages | the import of the dynamo exporter's modules, in the first export that needs them |
| `{script}` | stages | the script that `onnxspan run` ran, around its exports |
| `import MODULE` | stages | the import of a module, below that |

"""


def _spans(title: str, probes: tuple[Probe, ...]) -> list[str]:
    lines = [f"### {title}", "", "| span | level | places |", "| --- | --- | --- |"]
    for probe in probes:
        kind = ", per node" if probe.per_node is not None else ""
        places = "<br>".join(f"`{place}`" for place in probe.places)
        lines.append(f"| `{probe.name}` | {probe.level.name.lower()}{kind} | {places} |")
    return [*lines, ""]


def _attributes(listed: Iterable[Attribute]) -> list[str]:
    lines = ["| attribute | type | on | meaning |", "| --- | --- | --- | --- |"]
    return [*lines, *(f"| `{a.key}` | {a.type} | {a.on} | {a.meaning} |" for a in listed), ""]


def _metrics() -> list[str]:
    lines = ["| metric | kind | unit | attributes | meaning |", "| --- | --- | --- | --- | --- |"]
    for metric in c.METRICS:
        by = ", ".join(f"`{key}`" for key in metric.attributes)
        lines.append(
            f"| `{metric.name}` | {metric.instrument} | `{metric.unit}` | {by} | {metric.meaning} |"
        )
    return [*lines, ""]


def page() -> str:
    """The whole page as Markdown."""
    lines = _spans("What can begin a trace", ENTRY_POINTS)
    for exporter, probes in TABLES.items():
        if probes:
            lines += _spans(f"The {exporter.value} exporter", probes)
    for pack, rows in PACKS.items():
        lines += _spans(f"The pack {pack}", rows)
    lines += ["## Attributes", "", *_attributes(ATTRIBUTES)]
    lines += ["## Events", ""]
    for event in EVENTS:
        lines += [f"### `{event.name}`", "", event.meaning, "", *_attributes(event.attributes)]
    lines += ["## The resource", "", *_attributes(RESOURCE), "## Metrics", "", *_metrics()]
    head = HEAD.format(imported=c.IMPORT, script=c.SCRIPT_SPAN)
    return head + "\n".join(lines)


def main() -> None:
    """Write or check the page."""
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") != page():
            sys.exit(f"{PAGE} is out of date: run `python docs/tools/attributes.py`")
    else:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
