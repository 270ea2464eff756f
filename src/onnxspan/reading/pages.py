"""The frame of every HTML page: one file from any disk, one look, nothing fetched.

A page allows its own script and style by their hashes and forbids everything else. `assets/`
holds the parts: `base.css` and `theme.js` are every page's.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import string
from typing import TYPE_CHECKING

from onnxspan.reading.text import one_line
from onnxspan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable


def asset(name: str) -> str:
    """The text of a file in `assets/`."""
    folder = importlib.resources.files("onnxspan.reading").joinpath("assets")
    return folder.joinpath(name).read_text(encoding="utf-8")


def page(title: str, body: str, *, styles: Iterable[str], scripts: Iterable[str]) -> str:
    """A whole page.

    Args:
        title: text, escaped here.
        body: HTML.
        styles: assets that follow `base.css`.
        scripts: assets that follow `theme.js`, in the order in which they need each other.
    """
    style = "\n".join(map(asset, ("base.css", *styles)))
    script = (
        "(() => {\n'use strict';\n" + "\n".join(map(asset, ("theme.js", *scripts))) + "\n})();"
    )
    return string.Template(asset("page.html")).substitute(
        title=html.escape(one_line(title)),
        version=__version__,
        style=style,
        style_hash=_content_hash(style),
        script=script,
        script_hash=_content_hash(script),
        body=body,
    )


def _content_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
