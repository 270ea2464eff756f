"""The lines of the user's model that a graph's nodes come from, with the lines around them."""

from __future__ import annotations

import json
import linecache
from typing import TYPE_CHECKING

from onnxspan.graph_record import SOURCE_FORMAT, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

AROUND = 3
"""Lines before and after each line."""
MAX_LINES = 5_000
MAX_LENGTH = 300
"""Characters of one line."""


def lines_around(places: Iterable[tuple[str, int]]) -> str:
    """The lines at and around some places as one line of JSON; empty when none can be read.

    `linecache` knows the cells of a notebook too.

    Args:
        places: files and the numbers of their lines.
    """
    files: dict[str, dict[int, str]] = {}
    left = MAX_LINES
    for file, line in sorted(places):
        all_lines = linecache.getlines(file)
        for number in range(max(line - AROUND, 1), min(line + AROUND, len(all_lines)) + 1):
            found = files.setdefault(file, {})
            if number not in found and left:
                left -= 1
                found[number] = all_lines[number - 1].rstrip("\n")[:MAX_LENGTH]
    if not files:
        return ""
    return json.dumps({"format": SOURCE_FORMAT, "version": VERSION, "files": files})
