"""Text from a trace, made safe for a terminal."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

from onnxspan.printable import one_line as one_line  # noqa: PLC0414  # also found here
from onnxspan.printable import printable as printable  # noqa: PLC0414  # as above

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def without_colours(text: str) -> str:
    """The text without the colours that torch writes into some of its messages."""
    return _COLOURS.sub("", text)


def encodable(text: str, encoding: str) -> str:
    """The text in what an output's encoding has: plain signs for guides, escapes for the rest."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text
    return text


_PLAIN = str.maketrans(
    {
        "├": "|",
        "└": "`",
        "│": "|",
        "─": "-",
        "…": "~",
        "\N{MULTIPLICATION SIGN}": "x",
        "✗": "!",
        "·": "-",
        "→": ">",
    }
    | dict.fromkeys("█▉▊▋▌▍▎▏", "#")
)


def shorten(name: str, width: int) -> str:
    """The name in at most so many columns, its telling part kept.

    A pass loses the `_jit_pass` that all of them begin with, an operator of torch the ends that
    tell least (`aten.linear.default`); any name its middle.
    """
    if cell_len(name) <= width:
        return name
    if name.startswith("aten."):
        name = name.removesuffix(".default")
        if cell_len(name) > width:
            name = "…" + name.removeprefix("aten")
        if cell_len(name) <= width:
            return name
    if name.startswith("_jit_pass_"):
        name = "…" + name.removeprefix("_jit_pass")
        if cell_len(name) <= width:
            return name
    if width <= 1:
        return "…"[:width]
    head = (width - 1) * 2 // 5
    tail = width - 1 - head
    return set_cell_size(name[:head], head).rstrip() + "…" + _last_cells(name, tail)


def shorten_path(path: str, width: int) -> str:
    """A path, or `file:line`, in at most so many columns: its front goes, its end stays."""
    return path if cell_len(path) <= width else "…" + _last_cells(path, max(width - 1, 1))


def _last_cells(text: str, width: int) -> str:
    text = text[-width:]
    while text and cell_len(text) > width:  # signs that are two columns wide
        text = text[1:]
    return text
