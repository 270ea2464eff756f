"""Read the lists of sentences that quote the source of torch, onnxscript or onnx_ir.

A list is a text file in `read/`. A line `= NAME` begins an explanation. A line of its own is a
sentence, and the indented lines after it are what proves the sentence: `FILE: QUOTE`, where FILE
is a path below site-packages. A library (`.so`) is searched for the text of a message. A file below
`docs/` is a page of this repository that has the figures of a measurement.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import mmap
import pathlib

FOLDER = pathlib.Path(__file__).parent / "read"
ROOT = FOLDER.parents[2]


@dataclasses.dataclass(frozen=True)
class Quote:
    """A sentence of the explanation of `name`, and a line of `file` that says the same."""

    name: str
    sentence: str
    file: str
    text: str

    def holds(self) -> bool:
        """Whether the installed file still has the text; blanks and line ends do not count."""
        if self.file.endswith(".so"):
            return _library(self.file).find(self.text.encode()) >= 0
        return " ".join(self.text.split()) in _source(self.file)


def quotes() -> list[Quote]:
    """Every quote of every list, in their order.

    Raises:
        ValueError: when a line is not what it has to be at its place.
    """
    found = []
    for file in sorted(FOLDER.glob("*.txt")):
        name = sentence = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("= "):
                name, sentence = line[2:].strip(), ""
            elif line.startswith("    "):
                source, colon, text = line.strip().partition(": ")
                if not (name and sentence and colon):
                    raise ValueError(f"{file.name}: a quote without its sentence or file: {line}")
                found.append(Quote(name, sentence, source, text))
            elif line.strip():
                sentence = line.strip()
    return found


def _path(file: str) -> pathlib.Path:
    package, _, rest = file.partition("/")
    if package == "docs":
        return ROOT / file
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return pathlib.Path(spec.submodule_search_locations[0]) / rest


@functools.cache
def _source(file: str) -> str:
    return " ".join(_path(file).read_text(encoding="utf-8").split())


@functools.cache
def _library(file: str) -> mmap.mmap:
    with _path(file).open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
