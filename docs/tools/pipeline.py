"""Draw each exporter's pipeline: stages and passes in order, and what each one does.

Usage: python docs/tools/pipeline.py [--check]

A small model is exported under a trace; the spans give the order and the graph's size, the
explanations the words. `--check` writes nothing, and ends with 1 when a drawing is out of date.
"""

from __future__ import annotations

import io
import logging
import sys
import warnings
from html import escape
from pathlib import Path

import torch

import onnxspan
from onnxspan import conventions as c
from onnxspan import explanations

IMAGES = Path(__file__).parents[1] / "images"
ROW, INDENT, WIDTH, NAME = 22, 16, 1180, 470
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
        f'<text class="size" x="{NAME + 70}" y="{ROW - 5}">nodes</text>',
    ]
    for number, (depth, name, level, nodes, what) in enumerate(rows):
        y, x = ROW * (number + 1) + 6, 12 + INDENT * min(depth, 8)
        kind = "stage" if level == "stages" else "pass"
        parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{NAME - x}" height="{ROW - 4}" rx="4"/>'
            f'<text x="{x + 6}" y="{y + 13}">{escape(name)}</text>'
            f'<text class="size" x="{NAME + 70}" y="{y + 13}">{"" if nodes is None else nodes}</text>'
            f'<text class="what" x="{NAME + 86}" y="{y + 13}">{escape(what.replace("`", ""))}</text>'
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
