"""A pass as a readable diff of the graph: values renumbered, so that only real changes show.

TorchScript, fx and onnx_ir all write a value as `%name`. A pass that rebuilds the graph gives
every value a new name, and a plain diff then shows the whole graph as changed. So lines are
matched with the names masked first; a value that a matched line defines gets its old name
back, and what still differs did change. The steps of a pack keep a file's names, and so does their diff.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan import graph_record
from onnxspan.errors import OnnxspanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from onnxspan.graph_record import Graph
    from onnxspan.reading.source.trace import Span, Trace

_FILE = re.compile(r"[0-9a-f]{16}\.(txt|json)")
_VALUE = re.compile(r'%"[^"]*"|%[\w.:/\-]*\w')
_NOISE = re.compile(
    r" ?\[num_users=\d+\]|, scope: [^#]*(?=#|$)| ?# \S+\.py:\d+:\d+$|(?<!\s)\s+$|^\s*\d+ \|"
)
"""What is not the graph: counts of users, places in the source, onnx_ir's line numbers."""
_TYPE_DETAILS = re.compile(
    r"(?:(?<=\()|, )(?:strides=\[[^\]]*\]|requires_grad=\d|device=\w+(?::\d+)?)"
)
"""What TorchScript writes about a tensor beside its type and its sizes."""
_OF_FILE = "opset "
"""How the text of an `onnx.ModelProto` begins."""
_USES_ONLY = re.compile(r"\s*(return|->|block)\b|\s*->")
MAX_GAP = 1_500
"""Lines of a stretch without a match that are still matched one by one: the work is quadratic."""
MAX_LINES = 200_000


class SnapshotError(OnnxspanError):
    """A snapshot that a span names and that is not there, or is not what it was."""


def reader_beside(trace_path: Path) -> Callable[[str], str | None]:
    """Reads snapshots from the folder beside a trace."""
    folder = trace_path.with_suffix(c.SNAPSHOT_FOLDER)

    def read(name: str) -> str | None:
        if not _FILE.fullmatch(name):  # a trace may name any file
            return None
        try:
            return (folder / name).read_bytes().decode(errors="replace")
        except OSError:
            return None

    return read


def has_snapshot(span: Span) -> bool:
    """Whether the span names a text before and a text after."""
    return bool(span.get(c.SNAPSHOT_BEFORE) and span.get(c.SNAPSHOT_AFTER))


def has_before_alone(span: Span) -> bool:
    """Whether a step failed, and the graph that it was given is what was kept."""
    return bool(span.error and span.get(c.SNAPSHOT_BEFORE) and not span.get(c.SNAPSHOT_AFTER))


def before(trace: Trace, span: Span) -> str:
    """The text of the graph before a step.

    Raises:
        SnapshotError: when the text is missing or is another.
    """
    return _text(trace, span, c.SNAPSHOT_BEFORE, c.SNAPSHOT_BEFORE_HASH)


def diff(trace: Trace, span: Span, context: int = 3) -> str:
    """The change of the graph in this pass as a unified diff; empty when nothing changed.

    Raises:
        SnapshotError: when a text that the span names is missing or is another.
    """
    if not has_snapshot(span):
        return ""
    old = before(trace, span)
    after = _text(trace, span, c.SNAPSHOT_AFTER, c.SNAPSHOT_AFTER_HASH)
    return unified(old, after, span.name, context)


def diff_or_reason(trace: Trace, span: Span) -> str:
    """As `diff`; where a text is missing or damaged, a line that says so in place of the diff."""
    try:
        return diff(trace, span)
    except SnapshotError as error:
        return f"({error})"


def _text(trace: Trace, span: Span, name_key: str, hash_key: str) -> str:
    name = str(span.get(name_key))
    found = trace.snapshot(name)
    if found is None:
        raise SnapshotError(
            f"{trace.source}: the snapshot {name} of {span.name} is not there. Keep the folder "
            f"`{c.SNAPSHOT_FOLDER}` beside the trace, under the trace's name"
        )
    if hashlib.sha256(found.encode()).hexdigest() != span.get(hash_key):
        raise SnapshotError(
            f"{trace.source}: the snapshot {name} of {span.name} is not what was recorded: its "
            "SHA-256 is another. Record again with snapshots"
        )
    return found


def record(trace: Trace, span: Span, key: str) -> Graph | None:
    """A graph as data that a span names under a key; None when the span names none.

    Raises:
        SnapshotError: when the file is missing, is another, or is no record of a graph.
    """
    found = _data(trace, span, key)
    if found is None:
        return None
    try:
        return graph_record.load(found)
    except graph_record.RecordError as error:
        raise SnapshotError(
            f"{trace.source}: the graph {span.get(key)} of {span.name} cannot be read: {error}. "
            "Record again with this onnxspan"
        ) from None


def source_lines(trace: Trace, root: Span) -> dict[str, dict[str, str]]:
    """Lines of the model's source by file and number; empty when the trace holds none.

    Raises:
        SnapshotError: when the file is missing, is another, or holds no lines of source.
    """
    found = _data(trace, root, c.SNAPSHOT_SOURCE)
    if found is None:
        return {}
    try:
        return graph_record.load_source(found)
    except graph_record.RecordError as error:
        raise SnapshotError(
            f"{trace.source}: the source {root.get(c.SNAPSHOT_SOURCE)} of {root.name} cannot be "
            f"read: {error}. Record again with this onnxspan"
        ) from None


def _data(trace: Trace, span: Span, key: str) -> str | None:
    """The file that a span names under a key, checked; None when the span names none."""
    name = span.get(key)
    if name is None:
        return None
    found = trace.snapshot(str(name))
    if found is None:
        raise SnapshotError(
            f"{trace.source}: the graph {name} of {span.name} is not there. Keep the folder "
            f"`{c.SNAPSHOT_FOLDER}` beside the trace, under the trace's name"
        )
    if hashlib.sha256(found.encode()).hexdigest()[:16] != str(name).partition(".")[0]:
        raise SnapshotError(
            f"{trace.source}: the graph {name} of {span.name} is not what was recorded: its "
            "SHA-256 is another. Record again with snapshots"
        )
    return found


def unified(before: str, after: str, name: str = "graph", context: int = 3) -> str:
    """A unified diff of two graphs' texts, with the values of the second named as in the first."""
    old = [_NOISE.sub("", line) for line in before.splitlines()[:MAX_LINES]]
    new = [_NOISE.sub("", line) for line in after.splitlines()[:MAX_LINES]]
    renamed = new if before.startswith(_OF_FILE) else _renamed(old, new)
    lines = difflib.unified_diff(
        old, renamed, f"before {name}", f"after {name}", n=context, lineterm=""
    )
    return "\n".join(_shortened(list(lines)))


def _shortened(lines: list[str]) -> list[str]:
    """The lines of a diff with short types; whole where the difference is in what is left out."""
    short = [_TYPE_DETAILS.sub("", line) for line in lines]
    gone = {line[1:] for line in short if line.startswith("-")}
    new = {line[1:] for line in short if line.startswith("+")}
    both = gone & new
    return [
        line if line[:1] in "-+" and one[1:] in both else one
        for line, one in zip(lines, short, strict=True)
    ]


def _renamed(old: list[str], new: list[str]) -> list[str]:
    """The new lines, each value under the name that its counterpart has in the old ones."""
    names: dict[str, str] = {}
    for i, j in _matches(old, new):
        for was, now in zip(_defined(old[i]), _defined(new[j]), strict=False):
            names.setdefault(now, was)
    taken = {value for line in old for value in _VALUE.findall(line)}
    for line in new:
        for value in _defined(line):
            if value not in names:
                names[value] = _fresh(value, taken)
    return [
        _VALUE.sub(lambda found: names.get(found.group(), found.group()), line) for line in new
    ]


def _defined(line: str) -> list[str]:
    """The values that a line defines: left of ` = ` (onnx_ir: `⬅️`), or a graph's inputs."""
    head, defines, _ = line.replace("⬅️", " = ", 1).partition(" = ")
    if not defines and _USES_ONLY.match(line):
        return []
    return _VALUE.findall(head)


def _fresh(value: str, taken: set[str]) -> str:
    """A name for a value that is new: its own, unless an old value has that."""
    name = value
    while name in taken:
        name = f'{name[:-1]}+"' if name.endswith('"') else f"{name}+"
    taken.add(name)
    return name


def _matches(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """Pairs of lines that are the same but for the names of values."""
    exact = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in exact.get_opcodes():
        if tag == "equal":
            yield from zip(range(i1, i2), range(j1, j2), strict=True)
        elif tag == "replace":
            yield from _masked_matches(old, new, (i1, i2), (j1, j2))


def _masked_matches(
    old: list[str], new: list[str], olds: tuple[int, int], news: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    (i1, i2), (j1, j2) = olds, news
    # Beyond the limit popular lines are passed over, which keeps the work near linear.
    is_large = i2 - i1 > MAX_GAP or j2 - j1 > MAX_GAP
    masked = difflib.SequenceMatcher(
        None,
        [_VALUE.sub("%", line) for line in old[i1:i2]],
        [_VALUE.sub("%", line) for line in new[j1:j2]],
        autojunk=is_large,
    )
    for a, b, size in masked.get_matching_blocks():
        yield from zip(range(i1 + a, i1 + a + size), range(j1 + b, j1 + b + size), strict=True)
