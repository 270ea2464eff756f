"""Which exercises a learner has solved, and how many hints were read; in the user's own folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

from onnxspan.files import write_text


def place() -> Path:
    """The file with the progress."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(
        os.path.expanduser("~"), ".local", "share"
    )
    return Path(data, "onnxspan", "learn.json")


def read() -> dict[str, dict[str, int]]:
    """`solved` and `hints`, each by the exercise's number; what cannot be read is empty."""
    try:
        found = json.loads(place().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    kept: dict[str, dict[str, int]] = {"solved": {}, "hints": {}}
    for key, values in kept.items():
        given = found.get(key) if isinstance(found, dict) else None
        if isinstance(given, dict):
            values.update({name: one for name, one in given.items() if isinstance(one, int)})
    return kept


def note(what: str, number: int, value: int = 1) -> None:
    """Keep that an exercise was solved, or how many of its hints were shown.

    Raises:
        OSError: when the file cannot be written.
    """
    kept = read()
    kept[what][str(number)] = value
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(kept, indent=1) + "\n")
