"""Exports taken from trace files, as the samples of a comparison."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.errors import TraceFileError
from onnxspan.reading.compare.steps import Path, Step, steps_of, whole
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.written import written

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from onnxspan.reading.source.trace import Span


@dataclasses.dataclass
class Sample:
    """One export of one file.

    Attributes:
        source: the file, and for a file of several exports which one, as `a.jsonl#2`.
        steps: what it did, by path; `()` is the whole export.
    """

    source: str
    root: Span
    steps: dict[Path, Step]

    @property
    def exporter(self) -> str:
        """`torchscript` or `dynamo`."""
        return str(self.root.get(c.EXPORTER, "unknown"))

    @property
    def model(self) -> str:
        """The model's class."""
        return str(self.root.get(c.MODEL_CLASS, ""))

    @property
    def failed(self) -> bool:
        """Whether the export raised."""
        return self.root.error

    @property
    def nodes(self) -> int | None:
        """Nodes of the exported model; None for an export that failed."""
        return whole(self.root.get(c.RESULT_NODES))

    @property
    def size(self) -> int | None:
        """Bytes of the exported model as written, external data included."""
        return written(self.root)

    @property
    def operators(self) -> Counter[str]:
        """Operators of the exported model, the standard domain's without a prefix."""
        counts: Counter[str] = Counter()
        listed = self.root.get(c.RESULT_OPERATORS)
        for entry in listed if isinstance(listed, list) else ():
            name, _, number = str(entry).rpartition("=")
            if number.isdecimal():
                counts[_bare(name)] += int(number)
        return counts


def _bare(operator: str) -> str:
    """`onnx::Add`, `::Add` and `Add` are one operator: the two exporters write it differently."""
    domain, separator, name = operator.rpartition("::")
    return name if separator and domain in ("onnx", "ai.onnx", "") else operator


def samples_of(trace: Trace, number: int | None = None) -> list[Sample]:
    """The finished exports of a trace; or only the one of that number, counted from 1.

    Raises:
        TraceFileError: when there is no finished export in it, or none of that number.
    """
    exports = [export for export in trace.exports if export.end]
    if not exports:
        raise TraceFileError(
            trace.source,
            "holds no finished export (the process may have ended inside one)",
            "Look at it with `onnxspan show`, and record the export again",
        )
    if number is not None and not 1 <= number <= len(exports):
        raise TraceFileError(
            trace.source,
            f"holds {len(exports)} export(s), so there is no number {number}",
            f"Give --export a number from 1 to {len(exports)}",
        )
    chosen = [number] if number is not None else range(1, len(exports) + 1)
    several = len(exports) > 1
    return [
        Sample(
            f"{trace.source}#{index}" if several else trace.source,
            exports[index - 1],
            steps_of(exports[index - 1]),
        )
        for index in chosen
    ]


def read_samples(
    files: Iterable[str | os.PathLike[str]], number: int | None = None
) -> list[Sample]:
    """The exports of all files.

    Raises:
        TraceFileError: as `Trace.read` and `samples_of`.
    """
    return [sample for file in files for sample in samples_of(Trace.read(file), number)]


def check_alike(samples: Sequence[Sample]) -> None:
    """See that the samples are repetitions of one export.

    Raises:
        TraceFileError: when they are of different models or by different exporters.
    """
    first = samples[0]
    for sample in samples[1:]:
        for what, here, there in (
            ("model", sample.model, first.model),
            ("exporter", sample.exporter, first.exporter),
        ):
            if here != there:
                raise TraceFileError(
                    sample.source,
                    f"is of another {what} ({here}) than {first.source} ({there})",
                    "Put only repetitions of one export together; "
                    "--export N takes the Nth export of every file",
                )
