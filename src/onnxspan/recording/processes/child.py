"""The recording in a followed process: begun when torch.onnx is imported, saved export by export."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from onnxspan.recording.listeners.base import Listener

if TYPE_CHECKING:
    from onnxspan.recording.call import Call, Export
    from onnxspan.recording.processes.plan import Plan
    from onnxspan.recording.session import Session


class SaveEach(Listener):
    """Saves what a child recorded, as each of its exports ends; idle in the process of the run.

    Args:
        folder: where the files go: `PROCESS-NUMBER.jsonl`.
        saver: the process that saves its spans by itself; 0 for none.
    """

    def __init__(self, folder: str | os.PathLike[str], saver: int = 0) -> None:
        self.session: Session
        self.snapshots: Listener | None = None
        self._folder = Path(folder)
        self._process = saver or os.getpid()
        self._is_child = saver == 0
        self._handed = self._number = 0

    def entered(self, call: Call) -> None:
        """Notice a fork: what was recorded before it is the parent's."""
        if call.parent is None and os.getpid() != self._process:
            self._process = os.getpid()
            self._is_child = True
            self._number = 0
            self._handed = self.session.span_count

    def finished(self, export: Export) -> None:  # noqa: ARG002  # the listener's interface
        """Write the spans of the export, whole or not at all."""
        if not self._is_child:
            return
        from onnxspan.recording.light_span import readable
        from onnxspan.recording.outputs.outputs import write_file

        spans = self.session.kept_from(self._handed)
        self._handed += len(spans)
        self._number += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{os.getpid()}-{self._number}.jsonl"
        if self.snapshots is not None:
            self.snapshots.save(path)  # type: ignore[attr-defined]  # it is Snapshots
        write_file(path, [readable(span) for span in spans])


def begin(plan: Plan) -> None:
    """Record every export of this process until it ends."""
    from onnxspan.recording.listeners.flight import FlightLog
    from onnxspan.recording.opening import open_session
    from onnxspan.recording.options import Options
    from onnxspan.recording.session import Session

    Path(plan.folder).mkdir(parents=True, exist_ok=True)
    saving = SaveEach(plan.folder)
    options = Options(**plan.options, flight=Path(plan.folder, str(os.getpid())))
    chosen = options.session_options([])
    if options.snapshots != "none":
        from onnxspan.recording.listeners.snapshots import Snapshots

        saving.snapshots = Snapshots(options.snapshots)
        chosen["listeners"].append(saving.snapshots)
    for listener in chosen["listeners"]:
        if isinstance(listener, FlightLog):
            listener.one_export = True
    chosen["listeners"].append(saving)
    session = Session(**chosen)
    session.join(plan.within)
    saving.session = session
    open_session(session)
