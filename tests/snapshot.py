"""Compares a text with the one kept in tests/snapshots.

`ONNXSPAN_UPDATE_SNAPSHOTS=1` writes what is new or changed; read the difference before
you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"


def matches(text, name):
    """Assert that the text is the kept one; trailing blanks of lines do not count."""
    text = "".join(line.rstrip() + "\n" for line in text.splitlines())
    kept = FOLDER / f"{name}.txt"
    if os.environ.get("ONNXSPAN_UPDATE_SNAPSHOTS") == "1":
        FOLDER.mkdir(exist_ok=True)
        kept.write_text(text, encoding="utf-8")
    assert kept.is_file(), f"{kept} is missing: run the test with ONNXSPAN_UPDATE_SNAPSHOTS=1"
    assert text == kept.read_text(encoding="utf-8")
