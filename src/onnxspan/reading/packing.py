"""Long texts for a page: deflated, in base64; the page's script unpacks them."""

import base64
import zlib


def packed(text: str) -> str:
    """The text as ASCII that `DecompressionStream("deflate")` of a browser reads."""
    return base64.b64encode(zlib.compress(text.encode(errors="backslashreplace"), 9)).decode()
