"""A real Chromium for the tests of pages."""

from __future__ import annotations

import os
import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable():
    """The path of an installed Chromium; None when there is none."""
    named = os.environ.get("ONNXSPAN_CHROMIUM")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the module."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = executable()
    if path is None:
        pytest.skip("no Chromium: install one, or name it in ONNXSPAN_CHROMIUM")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture
def opened(browser):
    """Opens a page from disk; at the end no error and no request to anywhere was seen."""
    seen = []
    contexts = []

    def open_page(file, **context):
        options = {"viewport": {"width": 1400, "height": 900}, **context}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("console", lambda message: seen.append(message.text))
        page.on("dialog", lambda dialog: (seen.append("dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: seen.append(request.url) if file.name not in request.url else None,
        )
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen == []
