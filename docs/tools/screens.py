"""Makes the docs' pictures of report, diff, terminal and notebook, in both themes: `make screens`.

It exports small models, opens what onnxspan makes of the traces in Chromium, and writes PNG files
of at most 150 kB into `docs/images`. Times and sizes in the pictures are those of this run.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI
from rich.text import Text
from torch import nn

import onnxspan
from onnxspan.reading import report
from onnxspan.reading.compare import diff_page
from onnxspan.reading.compare.diff import compare
from onnxspan.reading.compare.samples import samples_of
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.tree import tree

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = Path(__file__).resolve().parents[1] / "images"
WIDTH, HEIGHT = 1280, 760
THEMES = ("light", "dark")
MOST = 150_000
"""Bytes of a picture."""
COLUMNS = 96

FAILING = """
import torch


class Head(torch.nn.Module):
    def forward(self, x):
        return torch.linalg.svdvals(x)


model = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.ReLU(), Head())
torch.onnx.export(model, (torch.randn(16, 16),), "model.onnx", dynamo=False)
"""
KILLED = """
import os, signal, torch

symbolic = lambda g, x: os.kill(os.getpid(), signal.SIGKILL)
torch.onnx.register_custom_op_symbolic("aten::relu", symbolic, 17)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.BatchNorm2d(64), torch.nn.ReLU())
torch.onnx.export(model, (torch.randn(8, 3, 64, 64),), "model.onnx", dynamo=False)
"""


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


class Weighted(nn.Module):
    """A weighted sum over features, as one operator or feature by feature."""

    def __init__(self, *, in_a_loop: bool) -> None:
        super().__init__()
        self.in_a_loop, self.weight = in_a_loop, nn.Parameter(torch.randn(48))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        if not self.in_a_loop:
            return (x * self.weight).sum(-1)
        return sum(x[..., i] * self.weight[i] for i in range(48))


def compared(folder: Path) -> Path:
    """The page of a diff: three exports of a model, and three after it got a loop."""
    sides = []
    for in_a_loop in (False, True):
        side = []
        for number in range(3):
            file = folder / f"{'after' if in_a_loop else 'before'}-{number + 1}.jsonl"
            model, args = Weighted(in_a_loop=in_a_loop).eval(), (torch.randn(4, 48),)
            with onnxspan.trace(save=file):
                torch.onnx.export(model, args, folder / "sum.onnx", dynamo=False)
            side += samples_of(Trace.read(file))
        sides.append(side)
    page = folder / "diff.html"
    page.write_text(diff_page.page(compare(*sides)), encoding="utf-8")
    return page


def ran(folder: Path, name: str, script: str) -> Trace:
    """The trace, or the flight log, that a script's run leaves; the folder's name is not in it."""
    (folder / f"{name}.py").write_text(script)
    command = [sys.executable, "-m", "onnxspan", "run", "-o", f"{name}.jsonl", f"{name}.py"]
    subprocess.run(command, cwd=folder, check=False, capture_output=True)  # noqa: S603  # fails, as is shown
    whole, log = folder / f"{name}.jsonl", folder / f"{name}.jsonl.flight"
    found = whole if whole.exists() else log
    found.write_text(found.read_text().replace(str(folder), "/home/me/project"))
    return Trace.read(found)


def saved(folder: Path, name: str, trace: Trace) -> Path:
    """The report of a trace."""
    page = folder / f"{name}.html"
    report.save(trace, page)
    return page


def terminal(folder: Path, trace: Trace, theme: str) -> Path:
    """A page with the tree as a terminal shows it."""
    os.environ["FORCE_COLOR"] = "1"
    printed = io.StringIO()
    tree.show(trace, file=printed, width=COLUMNS)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(printed.getvalue()), soft_wrap=True)
    html = console.export_html(
        theme=MONOKAI if theme == "dark" else DEFAULT_TERMINAL_THEME,
        inline_styles=True,
        code_format=_TERMINAL,
    )
    page = folder / f"terminal-{theme}.html"
    page.write_text(html, encoding="utf-8")
    return page


_TERMINAL = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<pre style="display:inline-block;margin:0;padding:16px 20px;color:{foreground};background:{background};
font:14px/1.35 Menlo,Consolas,'DejaVu Sans Mono',monospace">{code}</pre>"""


def notebook(folder: Path, trace: Trace, theme: str) -> Path:
    """A page with what a cell of a notebook shows."""
    colors = (
        "background:#111;color:#e6e6e6" if theme == "dark" else "background:#fff;color:#1f2328"
    )
    page = folder / f"notebook-{theme}.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><body style="margin:0;{colors}">'
        f'<pre style="display:inline-block;padding:12px;margin:0">{trace._repr_html_()}</pre>',  # the notebook's protocol
        encoding="utf-8",
    )
    return page


def keep(name: str, picture: bytes) -> None:
    """Write a picture in so few colours that it is small."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    file = IMAGES / f"{name}.png"
    image.quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    if size > MOST:
        raise SystemExit(f"{file.name} has {size:,} bytes: make the window smaller")
    print(f"{file.name}: {size:,} bytes")


def of_reports(browser: Browser, folder: Path) -> None:
    """Report and Graph view of two models by both exporters."""
    for model, is_dynamo, wanted, node in GRAPHS:
        file = made(folder, model, is_dynamo=is_dynamo)
        for theme in THEMES:
            page = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme
            )
            page.goto(file.as_uri())
            if model == "transformer" and not is_dynamo:
                keep(f"report-{theme}", page.screenshot())
            keep(f"graph-{file.stem}-{theme}", graph_picture(page, wanted, node))
            page.close()


def of_others(browser: Browser, folder: Path) -> None:
    """A failure, a killed process, a diff, a terminal, a notebook."""
    exported = Trace.read(folder / "transformer-torchscript.jsonl")
    pages = {
        "failure": saved(folder, "failure", ran(folder, "failing", FAILING)),
        "killed": saved(folder, "killed", ran(folder, "killed", KILLED)),
        "diff": compared(folder),
    }
    for theme in THEMES:
        for name, file in pages.items():
            page = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme
            )
            page.goto(file.as_uri())
            keep(f"{name}-{theme}", page.screenshot())
            page.close()
        for name, make in (("terminal", terminal), ("notebook", notebook)):
            page = browser.new_page(viewport={"width": 1000, "height": HEIGHT}, color_scheme=theme)
            page.goto(make(folder, exported, theme).as_uri())
            keep(f"{name}-{theme}", page.locator("pre").first.screenshot())
            page.close()


def main() -> None:
    """Make every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        of_reports(browser, folder)
        of_others(browser, folder)


if __name__ == "__main__":
    main()
