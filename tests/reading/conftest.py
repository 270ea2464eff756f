"""A real Chromium for the tests of pages."""

from __future__ import annotations

import pytest

import browsers


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the module."""
    with browsers.chromium() as launched:
        yield launched


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
