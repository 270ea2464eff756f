"""The factual sentences of an explanation: those that a run or torch's source has to prove."""

from __future__ import annotations

import re

from onnxspan import explanations

REASONS = "Why it is there"
"""The section that gives reasons: only its sentences about versions are facts to prove."""

NO_CLAIM = frozenset({"Nothing.", "Nothing, as a rule.", "Nothing here.", "Rarely anything."})
"""What *What goes wrong* says where nothing is known to go wrong: no run can prove it."""

CAPTION = "becomes"
"""What stands between the two graphs of an example; tests/test_explanations.py runs those."""


def factual(name: str) -> list[str]:
    """The sentences of the explanation of `name` that state a fact, in their order.

    Raises:
        KeyError: when there is no such explanation.
    """
    return [
        sentence
        for title, sentence in titled(name)
        if not (title == REASONS and not re.search(r"torch \d", sentence))
        and not (title == "What goes wrong" and sentence in NO_CLAIM)
        and not sentence.startswith(CAPTION)
    ]


def titled(name: str) -> list[tuple[str, str]]:
    """Every sentence of an explanation after the title of its section; the one line has none.

    Raises:
        KeyError: when there is no such explanation.
    """
    found = explanations.get(name)
    if found is None:
        raise KeyError(name)
    texts = [("", found.one_line), *found.sections.items()]
    return [(title, sentence) for title, text in texts for sentence in split(text)]


def split(text: str) -> list[str]:
    """The sentences of a Markdown text without its code blocks; inline code is kept whole."""
    text = re.sub(r"```.*?```", "\n\n", text, flags=re.DOTALL)
    codes: list[str] = []

    def hidden(code: re.Match[str]) -> str:
        codes.append(code[0])
        return f"\x00{len(codes) - 1}\x00"

    found = []
    for paragraph in re.split(r"\n\s*\n|\n(?=[-*|] )", re.sub(r"`[^`]+`", hidden, text)):
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\x00(])", " ".join(paragraph.split())):
            shown = re.sub(r"\x00(\d+)\x00", lambda code: codes[int(code[1])], sentence)
            found += [shown] if shown else []
    return found
