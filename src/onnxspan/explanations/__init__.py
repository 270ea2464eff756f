"""One short text per stage and pass: what it does, why it is there, what goes wrong in it.

Each text is a Markdown file of this folder, named as the span is. To change one, edit the
file; to add one, copy another. The first lines say name, exporter, one_line and source:
where it is in torch, onnxscript or the library of a pack. Then come the sections, in the order of `SECTIONS`.

Both halves of the house may import this package; it imports neither.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib.resources
import re

SECTIONS = (
    "What it does",
    "Why it is there",
    "What it changes",
    "What goes wrong",
    "Example",
)
"""The sections of every text, in order."""

NOT_CALLED = "A TorchScript pass that the exporters of the supported versions do not call."
"""What is said of a pass of torch._C that has no text: a custom exporter may call any of them."""

FORMERLY = {"_ConvertVersionPass": "_ConvertVersionPassRequiresInline"}
"""Names that older versions of torch or onnxscript have for something explained here."""

ALSO = {"onnx.load_model": "onnx.load", "onnx.save_model": "onnx.save"}
"""Other names of the same function."""

EXPORTERS = {
    "both": "both exporters",
    "torchscript": "the torchscript exporter",
    "dynamo": "the dynamo exporter",
    "pipeline": "what a script does before and after its exports",
}
"""What an explanation is part of, by the word in its head."""


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What one stage or pass is about.

    Attributes:
        name: the span's name.
        exporter: a key of `EXPORTERS`.
        one_line: one sentence, plain text.
        source: the file in torch or another library that has the code, and the function in it.
        sections: Markdown text by section title.
    """

    name: str
    exporter: str
    one_line: str
    source: str
    sections: dict[str, str]

    def markdown(self) -> str:
        """The whole text as a Markdown page."""
        parts = [f"# `{self.name}`", self.one_line]
        parts += [f"## {title}\n\n{text}" for title, text in self.sections.items()]
        parts.append(f"Part of {EXPORTERS[self.exporter]}. Source: `{self.source}`")
        return "\n\n".join(parts) + "\n"


@functools.cache
def names() -> tuple[str, ...]:
    """Every name that has a text, sorted."""
    folder = importlib.resources.files(__name__)
    return tuple(
        sorted(
            file.name.removesuffix(".md") for file in folder.iterdir() if file.name.endswith(".md")
        )
    )


@functools.lru_cache(maxsize=1024)
def get(name: str) -> Explanation | None:
    """The text for a span's name, or for what that became later; None when there is none."""
    name = FORMERLY.get(name, ALSO.get(name, name))
    if name not in names():
        return None
    file = importlib.resources.files(__name__).joinpath(f"{name}.md")
    return parse(file.read_text(encoding="utf-8"))


def for_span(name: str, function: str = "") -> Explanation | None:
    """The text for a span; its function's full place decides where two have the same name.

    Args:
        name: the span's name.
        function: its attribute `code.function.name`.
    """
    return get(function) or get(name)


def one_line(name: str, function: str = "") -> str:
    """One sentence about a span; empty when nothing is known of it. Arguments as `for_span`."""
    found = for_span(name, function)
    if found is not None:
        return found.one_line
    return NOT_CALLED if name.startswith("_jit_pass_") else ""


def meant(name: str) -> str | None:
    """The name that is shown in another form: with other signs, or with `…` for letters left out.

    The tree shows `op recorder` for `OpRecorder.eval`, and in a narrow terminal
    `…_onnx_grap…pe_type_inference`. None when no name, or more than one, is meant.
    """
    if "…" in name:
        pattern = ".*".join(re.escape(part) for part in name.split("…"))
        found = [known for known in names() if re.fullmatch(pattern, known)]
    else:
        found = [
            known
            for known in names()
            if _letters(name) in (_letters(known), _letters(known.partition(".")[0]))
        ]
    return found[0] if len(found) == 1 else None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def closest(name: str, most: int = 5) -> list[str]:
    """Names that somebody who typed `name` may have meant, best first."""
    wanted = name.lower()
    inside = [known for known in names() if wanted and wanted in known.lower()]
    inside.sort(key=len)
    by_lower = {known.lower(): known for known in names()}
    similar = difflib.get_close_matches(wanted, by_lower, n=most, cutoff=0.5)
    found = inside + [by_lower[match] for match in similar]
    return list(dict.fromkeys(found))[:most]


def parse(text: str) -> Explanation:
    """Read one text.

    Raises:
        ValueError: when a line of the head or a section is missing or out of place.
    """
    _, head, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    sections: dict[str, str] = {}
    for part in body.split("\n## ")[1:]:
        title, _, content = part.partition("\n")
        sections[title.strip()] = content.strip()
    if tuple(sections) != SECTIONS or not all(sections.values()):
        raise ValueError(f"{fields.get('name')}: the sections have to be {', '.join(SECTIONS)}")
    try:
        return Explanation(
            fields["name"], fields["exporter"], fields["one_line"], fields["source"], sections
        )
    except KeyError as error:
        raise ValueError(f"{fields.get('name')}: the head has no line for {error}") from None
