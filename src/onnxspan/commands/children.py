"""What the processes that a script started have exported: found at the run's end, and added."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan import files
from onnxspan.errors import OnnxspanError, TraceFileError
from onnxspan.reading.source.trace import Trace

if TYPE_CHECKING:
    from onnxspan.reading.source.flight import Ending

_FOLDER = ".processes"
_SECONDS = 0.5
"""Processor time from which unseen children are worth a word: importing torch takes longer."""


def _children_computed() -> float:
    """Seconds of processor time of the processes that were started and have ended."""
    times = os.times()
    return times.children_user + times.children_system


@dataclasses.dataclass
class Children:
    """The followed processes of one run.

    Attributes:
        folder: where they write; it exists once one of them has exported.
        parts: their files of spans, in order of time.
        notes: why a process could not be recorded.
        endings: of processes that were killed inside an export, or still are in one.
    """

    folder: Path
    parts: list[Path] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    endings: list[Ending] = dataclasses.field(default_factory=list)
    computed: float = dataclasses.field(default_factory=_children_computed)

    def look(self) -> None:
        """Find what they have written until now."""
        written: list[tuple[int, Path]] = []
        for part in self.folder.glob("*.jsonl"):
            with contextlib.suppress(FileNotFoundError):  # its process has removed it meanwhile
                written.append((part.stat().st_mtime_ns, part))
        self.parts = [part for _, part in sorted(written)]
        for note in sorted(self.folder.glob("*.note")):
            with contextlib.suppress(OSError):
                text = note.read_text(encoding="utf-8", errors="replace")
                self.notes.append(f"process {note.stem} was not recorded: {text}")
        for log in sorted([*self.folder.glob("*.flight"), *self._logs_of_forks()]):
            with contextlib.suppress(TraceFileError):
                ending = Trace.read(log).ending
                if ending is not None and ending.last is not None:
                    self.endings.append(ending)

    def _logs_of_forks(self) -> list[Path]:
        """Flight logs of forked children: beside that of the run, with the process in the name."""
        name = self.folder.name.removesuffix(_FOLDER)
        return list(self.folder.parent.glob(f"{glob.escape(name)}.*.flight"))

    def unseen(self) -> str:
        """What to say when other processes worked and none has left an export; else empty."""
        spent = _children_computed() - self.computed
        if self.parts or self.notes or spent < _SECONDS:
            return ""
        return (
            f"processes that the script started computed {spent:.1f} s and have left no export. "
            "One with an environment of its own, or under `python -I` or `-E`, is not followed: "
            "write `onnxspan run -o FILE.jsonl` before its command"
        )

    def add_to(self, place: str, has_own: bool) -> None:
        """Put their spans and snapshots to those of the run.

        Args:
            place: the file of the run's own spans, rewritten whole; made when there is none.
            has_own: whether it is there, with spans of this run.

        Raises:
            OSError: when it cannot be written.
        """
        own = Path(place).read_text(encoding="utf-8") if has_own else ""
        with files.whole(place) as stream:
            stream.write(own)
            for part in self.parts:
                stream.write(part.read_text(encoding="utf-8"))
        together = Path(place).with_suffix(c.SNAPSHOT_FOLDER)
        for part in self.parts:
            folder = part.with_suffix(c.SNAPSHOT_FOLDER)
            if folder.is_dir():
                shutil.copytree(folder, together, dirs_exist_ok=True)

    def send(
        self, urls: tuple[str, ...], protocol: str | None, headers: dict[str, str]
    ) -> list[str]:
        """Send their spans to the addresses of `--otlp`; what went wrong, a line for each."""
        if not (self.parts and urls):
            return []
        from onnxspan.recording.outputs import otlp  # it needs an extra
        from onnxspan.recording.outputs.saved import read  # only for sending

        problems = []
        spans = [span for part in self.parts for span in read(part)]
        for url in urls:
            delivery = otlp.delivery(otlp.endpoint(url, protocol, headers))
            delivery.add(spans)
            missing = len(delivery.close(30.0 + len(spans) / 1000))
            if missing:
                problems.append(
                    f"{missing} of {len(spans)} spans of child processes did not reach "
                    f"{delivery.place}: {delivery.problem}"
                )
        return problems

    def remove(self) -> bool:
        """Remove the folder, unless a process in it still runs; whether it is gone."""
        if any(ending.runs for ending in self.endings):
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        for log in self._logs_of_forks():
            log.unlink(missing_ok=True)
        return True


def folder_of(place: str | None) -> Path | None:
    """Where the children of a run write: beside its file, else in the user's temporary folder."""
    from onnxspan.recording.listeners.flight import temporary_folder  # only for a recording

    try:
        folder = (
            Path(f"{place}{_FOLDER}")
            if place
            else temporary_folder() / f"run-{os.getpid()}{_FOLDER}"
        )
    except OSError:
        return None
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier run that was killed
    return folder


def combined(children: Children) -> Trace:
    """Only what the children recorded, as one trace.

    Raises:
        OnnxspanError: when one of their files cannot be read.
    """
    traces = [Trace.read(part) for part in children.parts]
    if not traces:
        raise OnnxspanError("no child process has recorded an export")
    return Trace((span for trace in traces for span in trace.spans), source=str(children.folder))
