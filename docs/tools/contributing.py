"""Put CONTRIBUTING.md into the site: write docs/contributing.md, with the links as from there.

The file stands at the root, where newcomers and code hosts look for it.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "contributing.md"


def page(text: str) -> str:
    """The text with its links into docs/ as a page of docs/ has them."""
    return re.sub(r"\]\(docs/", "](", text)


if __name__ == "__main__":
    PAGE.write_text(page((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")), encoding="utf-8")
