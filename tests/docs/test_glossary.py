"""The two glossaries have the same words."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def terms(page):
    """The first cell of each row, without the heads."""
    rows = re.findall(r"(?m)^\| (.+?) \|", (DOCS / page).read_text(encoding="utf-8"))
    return [row for row in rows if row not in ("word", "용어", "---")]


def test_each_word_is_explained_in_both_languages():
    """A Korean term names the English one, in brackets where it is translated."""
    english = terms("reference/glossary.md")
    assert english == sorted(english, key=str.lower)
    assert len(english) >= 40
    korean = [re.sub(r".*\((.+)\)", r"\1", term) for term in terms("tutorials/ko/glossary.md")]
    known = {term.lower().removesuffix(" 함수") for term in korean}
    wanted = {re.sub(r" \(of .*| function$", "", term).lower() for term in english}
    assert wanted <= known | {term.removesuffix(" function") for term in known}
