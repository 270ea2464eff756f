"""Write docs/reference/attributes.md from onnxspan's own tables.

python docs/tools/attributes.py            write the page
python docs/tools/attributes.py --check    fail when the page is not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

from onnxspan.conventions import ATTRIBUTES
from onnxspan.recording.probe import Probe
from onnxspan.recording.probes import OPENERS, TABLES

PAGE = Path(__file__).resolve().parent.parent / "reference" / "attributes.md"

HEAD = """# Spans and attributes

This page is generated from `onnxspan.conventions` and the tables of probes by
`python docs/tools/attributes.py`.

## Spans

A span bears the function's own short name, as torch's source writes it; its full place is the
attribute `code.function.name`. Places are tried in order: the first that the installed torch has
is wrapped (`onnxspan doctor` says which). Per-node work is summed into the span around it at
`passes` and becomes a span of its own at `nodes`, named by its operator.

"""


def _spans(title: str, probes: tuple[Probe, ...]) -> list[str]:
    lines = [f"### {title}", "", "| span | level | places |", "| --- | --- | --- |"]
    for probe in probes:
        kind = ", per node" if probe.per_node is not None else ""
        places = "<br>".join(f"`{place}`" for place in probe.places)
        lines.append(f"| `{probe.name}` | {probe.level.name.lower()}{kind} | {places} |")
    return [*lines, ""]


def page() -> str:
    """The whole page as Markdown."""
    lines = _spans("What can begin a trace", OPENERS)
    for exporter, probes in TABLES.items():
        if probes:
            lines += _spans(f"The {exporter.value} exporter", probes)
    lines += [
        "## Attributes",
        "",
        "| attribute | type | on | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{attribute.key}` | {attribute.type} | {attribute.on} | {attribute.meaning} |"
        for attribute in ATTRIBUTES
    ]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Write or check the page."""
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") != page():
            sys.exit(f"{PAGE} is out of date: run `python docs/tools/attributes.py`")
    else:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
