"""The page of the architecture has the tree that is on disk."""

from __future__ import annotations

import collections
import pathlib
import re

import onnxspan

SOURCE = pathlib.Path(onnxspan.__file__).parent
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "explanation" / "architecture.md"
IS_INSIDE = re.compile(r"__|learn/exercises/.")
"""Python's own names, and the folder that each exercise has."""


def test_the_tree_is_the_tree_on_disk():
    """Each folder, and each module beside them, has one row of the table; and each row is there."""
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    listed = collections.Counter(
        name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    )
    folders = (path for path in SOURCE.rglob("*") if path.is_dir())
    there = [f"{path.relative_to(SOURCE).as_posix()}/" for path in folders]
    there += [path.name for path in SOURCE.glob("*.py")]
    assert listed == collections.Counter(one for one in there if not IS_INSIDE.search(one))
