"""Names of torch's functions live in the tables of probes, and in one list that both halves read."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

import onnxspan
from onnxspan import conventions as c
from onnxspan.conventions import steps
from onnxspan.recording.probes import ENTRY_POINTS, TABLES

SOURCE = pathlib.Path(onnxspan.__file__).parent
ROWS = {row.name for rows in (ENTRY_POINTS, *TABLES.values()) for row in rows}
NAMES = {name for name in ROWS if name.startswith("_") or "." in name}
"""Those that are no common word."""
TABLE = ("recording/probes", "conventions", "explanations", "learn")
ELSEWHERE = {"commands/walk.py"}
"""The help of a key names two steps as examples."""


def test_each_listed_name_is_a_rows():
    """A name that is looked for is the name of a row, so that a span may have it."""
    listed = {
        value for key, value in vars(steps).items() if key.isupper() and isinstance(value, str)
    }
    listed |= steps.GRAPH_STAGES | {name for _part, names in steps.PARTS for name in names}
    # Whichever torch is installed has some of the patterns' functions.
    rows = ROWS | {c.IMPORT}
    missing = {name for name in listed - rows if not name.startswith("_jit_pass_")}
    assert missing == set()


@pytest.mark.parametrize(
    "path",
    [
        path.relative_to(SOURCE).as_posix()
        for path in sorted(SOURCE.rglob("*.py"))
        if not path.relative_to(SOURCE).as_posix().startswith(TABLE)
    ],
)
def test_no_other_module_has_a_name(path):
    """A module outside the tables holds no name of a row as a text."""
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    texts = {
        (node.value, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found = [
        one for one in texts if one[0] in NAMES or re.fullmatch(r"_jit_pass_\w*[a-z]", one[0])
    ]
    assert path in ELSEWHERE or found == []
