"""The cell magic `%%onnxspan`: record the exports of a notebook cell, and show the trace below it."""

from __future__ import annotations

import shlex
from typing import Any

from onnxspan.conventions import Level
from onnxspan.tracing import trace

USAGE = "%%onnxspan [--level stages|passes|nodes] [--verify] [--snapshots] [NAME]"
_SWITCHES = ("--verify", "--snapshots")


def load(shell: Any) -> None:
    """Register the magic with an IPython shell."""
    shell.register_magic_function(lambda line, cell: run(shell, line, cell), "cell", "onnxspan")


def run(shell: Any, line: str, cell: str) -> Any:
    """Run a cell, and return the recording, which the notebook shows as the cell's result.

    Args:
        shell: the IPython shell.
        line: what stands behind `%%onnxspan`. NAME is the variable that gets the recording;
            without one it is `_onnxspan`.
        cell: the code.

    Raises:
        UsageError: IPython's, for an option that is not known: it is shown without a traceback.
    """
    level, options, name = _options(line)
    recording = trace(level, **options)
    with recording:
        outcome = shell.run_cell(cell)
    shell.user_ns[name] = recording
    # A cell that raised has shown its traceback; the recording has the failure.
    del outcome
    return recording


def _options(line: str) -> tuple[str, dict[str, Any], str]:
    from IPython.core.error import UsageError  # only in a notebook

    words = shlex.split(line)
    level, options, name = "passes", {}, "_onnxspan"
    while words:
        word, _, value = words.pop(0).partition("=")
        if word == "--level":
            value = value or (words.pop(0) if words else "")
            try:
                level = Level.parse(value).name.lower()
            except ValueError as error:
                raise UsageError(f"{error}. Usage: {USAGE}") from None
        elif word in _SWITCHES and not value:
            options[word[2:]] = True if word == "--verify" else "changed"
        elif word.isidentifier() and not value and not words:
            name = word
        else:
            raise UsageError(f"%%onnxspan does not know {word!r}. Usage: {USAGE}")
    return level, options, name
