"""Text from outside, made safe for a terminal: both halves of the package print such text."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with control characters escaped, so that no name or message steers a terminal.

    Line feeds and tabs stay; other C0 and C1 controls, bidirectional overrides and lone
    surrogates become escapes like those of a Python string.
    """
    return "".join(
        character if character in "\n\t" or character.isprintable() else _escape(character)
        for character in text
    )


def one_line(text: str) -> str:
    """As `printable`, with line feeds and tabs escaped too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
