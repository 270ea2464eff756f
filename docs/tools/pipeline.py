"""Draw each exporter's pipeline: stages and passes in order, and what each one does.

Usage: python docs/tools/pipeline.py [--check]

A small model is exported under a trace; the spans give the order and the graph's size, the
explanations the words, and the files of docs/reference/compatibility/ the versions of torch in which
each stage and pass was found. Each row leads to its page of the atlas. `--check` writes nothing, and
ends with 1 when a drawing is out of date.
"""

from __future__ import annotations

import functools
import io
import json
import logging
import sys
import warnings
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch

import onnxspan
from onnxspan import conventions as c
from onnxspan import explanations
from onnxspan.recording.probes import TABLES

IMAGES = Path(__file__).parents[1] / "images"
RESULTS = IMAGES.parent / "reference" / "compatibility"
ATLAS = "../reference/atlas/"
"""From the drawings to the atlas's pages, on the site."""
ROW, INDENT, WIDTH, NAME = 22, 16, 1280, 470
NODES, VERSIONS = NAME + 56, NAME + 70
WORDS = VERSIONS + 92
STYLE = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2430}"
    ".what{font-family:system-ui,sans-serif;fill:#4b5262}.size{fill:#6a7182;text-anchor:end}"
    ".stage{fill:#dfe8f8;stroke:#5b7fc4}.pass{fill:#dff1ee;stroke:#3f9c94}.page{fill:#fff}"
)


class Small(torch.nn.Module):
    """A convolution with batch norm, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Two numbers of each image."""
        return self.fc(torch.relu(self.norm(self.conv(image))).mean((2, 3)))


def steps(dynamo: bool) -> list[tuple[int, str, str, int | None, str]]:
    """Depth, name, level, nodes and words of each stage and pass, where it comes first.

    What the first export of a process imports is left out.
    """
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = io.BytesIO()
        torch.onnx.export(
            Small().eval(), (torch.zeros(1, 1, 8, 8),), file, dynamo=dynamo, verbose=False
        )
    found: dict[str, tuple[int, str, str, int | None, str]] = {}
    stack = [(trace.result.exports[0], 0)]
    while stack:
        span, depth = stack.pop()
        what = explanations.one_line(span.name, str(span.get(c.FUNCTION, "")))
        if what and not span.name.startswith("import "):
            row = (depth, span.name, str(span.get(c.LEVEL)), span.number(c.NODES), what)
            found.setdefault(span.name, row)
        stack += [(child, depth + 1) for child in reversed(span.children)]
    return list(found.values())


@functools.cache
def results(exporter: str) -> dict[tuple[int, ...], dict[str, Any]]:
    """By version, the oldest first, what was found in each torch that has the exporter."""
    every = {
        tuple(map(int, path.stem.split(".")[:2])): json.loads(path.read_text(encoding="utf-8"))
        for path in RESULTS.glob("*.json")
    }
    return {one: every[one] for one in sorted(every) if exporter in every[one]["exporters"]}


def _tried(dynamo: bool) -> str:
    tried = list(results("dynamo" if dynamo else "torchscript"))
    return " to ".join(f"{one[0]}.{one[1]}" for one in (tried[0], tried[-1]))


def versions(name: str, dynamo: bool) -> str:
    """In which of the tried versions of torch a stage or pass was found: `all`, or `from 2.8`.

    It was found where an export had its span, and where its probe found its place. Versions without
    the exporter do not count.
    """
    exporter = "dynamo" if dynamo else "torchscript"
    found = results(exporter)
    tried = list(found)
    probed = {probe.name for rows in TABLES.values() for probe in rows}
    names = {name, *(old for old, new in explanations.FORMERLY.items() if new == name)}
    having = [
        one
        for one in tried
        if names & set(found[one]["exporters"][exporter]["spans"])
        or (name in probed and name not in found[one]["missing"][exporter])
    ]
    if having == tried:
        return "all"
    first, last = having[0], having[-1]
    said = [f"from {first[0]}.{first[1]}"] if first != tried[0] else []
    said += [f"to {last[0]}.{last[1]}"] if last != tried[-1] else []
    return " ".join(said) or "some"


def drawn(dynamo: bool) -> str:
    """The drawing as SVG."""
    rows = steps(dynamo)
    height = ROW * (len(rows) + 2)
    title = "the new exporter" if dynamo else "the TorchScript exporter"
    version = ".".join(torch.__version__.split(".")[:2])
    label = f"Stages and passes of {title}, in order"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
        f'<text x="12" y="{ROW - 5}" font-weight="bold">{title}, torch {version}</text>',
        f'<text class="size" x="{NODES}" y="{ROW - 5}">nodes</text>',
        f'<text class="what" x="{VERSIONS}" y="{ROW - 5}">torch {_tried(dynamo)}</text>',
    ]
    for number, (depth, name, level, nodes, what) in enumerate(rows):
        y, x = ROW * (number + 1) + 6, 12 + INDENT * min(depth, 8)
        kind = "stage" if level == "stages" else "pass"
        parts.append(
            f'<a href="{ATLAS}{quote(name.replace(" ", "_"))}/" target="_top">'
            f'<rect class="{kind}" x="{x}" y="{y}" width="{NAME - x}" height="{ROW - 4}" rx="4"/>'
            f'<text x="{x + 6}" y="{y + 13}">{escape(name)}</text></a>'
            f'<text class="size" x="{NODES}" y="{y + 13}">{"" if nodes is None else nodes}</text>'
            f'<text class="what" x="{VERSIONS}" y="{y + 13}">{versions(name, dynamo)}</text>'
            f'<text class="what" x="{WORDS}" y="{y + 13}">{escape(what.replace("`", ""))}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def main() -> int:
    """Write both drawings, or check them."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it names what is not installed
    outdated = 0
    for name, dynamo in (("torchscript", False), ("dynamo", True)):
        path, made = IMAGES / f"pipeline-{name}.svg", drawn(dynamo)
        if "--check" in sys.argv[1:]:
            if not path.is_file() or path.read_text(encoding="utf-8") != made:
                print(f"{path} is out of date: run `python docs/tools/pipeline.py`")
                outdated = 1
        else:
            path.write_text(made, encoding="utf-8")
    return outdated


if __name__ == "__main__":
    sys.exit(main())
