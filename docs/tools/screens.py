"""Makes the docs' pictures of the report, in both themes: `make screens`.

It exports two small models by both exporters with snapshots, opens the reports in Chromium, and
writes PNG files into `docs/images`. Times and sizes in the pictures are those of this run.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from playwright.sync_api import sync_playwright
from torch import nn

import onnxspan
from onnxspan.reading import report
from onnxspan.reading.source.trace import Trace

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).resolve().parents[1] / "images"
WIDTH, HEIGHT = 1280, 760
THEMES = ("light", "dark")


class Classifier(nn.Module):
    """A convolution with batch norm, which an exporter folds into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.act, self.head = nn.GELU(), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classes of an image."""
        y = self.act(self.norm(self.conv(x)))
        return self.head(y.mean((2, 3)))


def transformer() -> nn.Module:
    """Two layers of torch's own encoder."""
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


MODELS = {
    "convolutional": (Classifier, (1, 3, 16, 16)),
    "transformer": (transformer, (2, 8, 32)),
}
GRAPHS = (
    ("convolutional", False, "_jit_pass_onnx_eval_peephole", "BatchNorm"),
    ("convolutional", True, "RewriteRuleSet.apply_to_model", "BatchNorm"),
    ("transformer", False, "_jit_pass_onnx_constant_fold", ""),
    ("transformer", True, "_decompose_exported_program", "contiguous"),
)
"""Pictures of the Graph view: a model, by dynamo or not, a pass, and the node that is chosen.

Without a node: the whole graph, with its modules folded.
"""


def made(folder: Path, name: str, *, is_dynamo: bool) -> Path:
    """The report of one export."""
    torch.manual_seed(0)
    make, shape = MODELS[name]
    exporter = "dynamo" if is_dynamo else "torchscript"
    file = folder / f"{name}-{exporter}.jsonl"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(save=file, snapshots="changed"):
            torch.onnx.export(
                make().eval(), (torch.randn(*shape),), folder / f"{name}.onnx", dynamo=is_dynamo
            )
    page = file.with_suffix(".html")
    report.save(Trace.read(file), page)
    return page


def graph_picture(page: Page, wanted: str, node: str) -> bytes:
    """The Graph view at a pass, with a node chosen."""
    page.click("#tab-graph")
    page.wait_for_selector(".graphs[data-drawn]")
    page.locator(".graphs ol button", has_text=wanted).first.click()
    if node:
        page.locator(".graphs .node", has_text=node).first.click()
        page.locator(".graphs .node-side table").wait_for()
        page.locator(".graphs .touched").first.wait_for()
    else:
        page.get_by_role("button", name="Whole graph").click()
        page.get_by_role("button", name="Fold modules", exact=True).click()
        page.locator(".graphs .folded").first.wait_for()
    return page.locator(".graphs").screenshot()


def main() -> None:
    """Make every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for model, is_dynamo, wanted, node in GRAPHS:
            file = made(folder, model, is_dynamo=is_dynamo)
            for theme in THEMES:
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme
                )
                page.goto(file.as_uri())
                if model == "transformer" and not is_dynamo:
                    (IMAGES / f"report-{theme}.png").write_bytes(page.screenshot())
                picture = IMAGES / f"graph-{file.stem}-{theme}.png"
                picture.write_bytes(graph_picture(page, wanted, node))
                page.close()


if __name__ == "__main__":
    main()
