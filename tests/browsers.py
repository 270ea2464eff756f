"""A real Chromium for the tests that look at pages."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable():
    """The path of an installed Chromium; None when there is none."""
    named = os.environ.get("ONNXSPAN_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def chromium():
    """A browser that runs; the test is skipped, with a reason, where there is none."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium: install one, or name it in ONNXSPAN_CHROMIUM")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield opened
        opened.close()


def drawn(page):
    """Wait until the page has drawn what was asked for: it draws in animation frames."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
