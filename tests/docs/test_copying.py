"""What the copy button of a console block of the site gives."""

from pathlib import Path

import pytest

from browsers import chromium

SCRIPT = Path(__file__).parents[2] / "docs" / "javascripts" / "copy.js"
# As the site's theme makes a block.
BLOCK = """<div class="highlight"><pre id="c"><span></span><nav class="md-code__nav">
<button class="md-code__button" data-clipboard-target="#c > code"></button></nav><code>{}</code></pre></div>"""


@pytest.mark.parametrize(
    ("code", "copied"),
    [
        ('<span class="gp">$ </span>onnxspan show x.jsonl\n', "onnxspan show x.jsonl\n"),
        ("$ first\nits output\n$ second\n", "first\nsecond\n"),
        ("price = '$ 5'\n", None),  # the theme's own button copies it as it is
    ],
)
def test_commands_are_copied_without_their_prompt(code, copied):
    """A block of commands can be pasted into a shell; other code is left to the theme."""
    with chromium() as browser:
        page = browser.new_page()
        page.set_content(f"<body>{BLOCK.format(code)}</body>")
        page.evaluate(
            """() => {
                window.copied = null; window.themes = 0;
                Object.defineProperty(navigator, "clipboard",
                    {value: {writeText: (text) => { window.copied = text; }}});
                document.querySelector("button").addEventListener("click", () => { window.themes += 1; });
            }"""
        )
        page.add_script_tag(path=str(SCRIPT))
        page.evaluate("document.querySelector('button').click()")
        assert page.evaluate("window.copied") == copied
        assert page.evaluate("window.themes") == (0 if copied else 1)
