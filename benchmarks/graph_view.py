"""How large a report with graphs is, and how long the Graph view takes to draw; a table.

python benchmarks/graph_view.py [--layers 24]      needs playwright and a Chromium

Each action is timed in the page, from the click until the frame after the drawing.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import warnings
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

import onnxspan
from onnxspan.reading import report
from onnxspan.reading.source.trace import Trace

ACTIONS = ("Whole graph", "Unfold modules", "Next →", "Next →", "Side by side", "One graph")
TIMED = """async (label) => {
  const box = document.querySelector(".graphs");
  const button = [...box.querySelectorAll("button")].find((one) => one.textContent === label);
  delete box.dataset.drawn;
  const began = performance.now();
  button.click();
  while (box.dataset.drawn === undefined) await new Promise((go) => setTimeout(go, 0));
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
  return [performance.now() - began, box.querySelectorAll(".node, .folded").length];
}"""


def main() -> None:
    """Export a transformer by both exporters and time the view of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    layers = parser.parse_args().layers
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).eval()
    print("| exporter | page | action | boxes drawn | milliseconds |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for exporter, is_dynamo in (("TorchScript", False), ("dynamo", True)):
            file = Path(folder, f"{exporter}.jsonl")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with onnxspan.trace(save=file, snapshots="changed"):
                    torch.onnx.export(
                        model, (torch.randn(2, 8, 32),), Path(folder, "m.onnx"), dynamo=is_dynamo
                    )
            made = file.with_suffix(".html")
            report.save(Trace.read(file), made)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(made.as_uri())
            page.click("#tab-graph")
            page.wait_for_selector(".graphs[data-drawn]")
            for action in ACTIONS:
                took, drawn = page.evaluate(TIMED, action)
                size = made.stat().st_size / 1e6
                print(f"| {exporter} | {size:.2f} MB | {action} | {drawn:,} | {took:.0f} |")
            page.close()


if __name__ == "__main__":
    main()
