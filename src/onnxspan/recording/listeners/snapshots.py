"""Keeps the graph's text before and after each pass, within limits that are said aloud.

The texts are kept compressed in memory and go into a folder beside the trace when it is
saved. Equal texts are kept once: a file is named after its content.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.files import write_text
from onnxspan.recording.call import is_export
from onnxspan.recording.faults import goes_on
from onnxspan.recording.graphs import graph_text, pack_steps, proto_records
from onnxspan.recording.graphs.records import Records
from onnxspan.recording.graphs.sources import lines_around
from onnxspan.recording.graphs.torchscript import is_graph
from onnxspan.recording.graphs.written import written_model
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.probes.torchscript.facts import CHECKS_ONLY

if TYPE_CHECKING:
    import os

    from onnxspan.recording.call import Call, Export

MAX_FILES = 500
MAX_CHARACTERS = 20_000_000
"""Characters of one text."""
MAX_TOTAL = 500_000_000
"""Characters of all texts together, before compression."""
MAX_NODES = 100_000
"""A larger graph is not even made a text of: that alone would take seconds a pass."""


@dataclasses.dataclass
class _UnderWay:
    """What is known of one tree under way.

    Attributes:
        before: the text before each call under way, by the call's id; `before_records` its record.
        steps: the step of a pack that each call is, by the call's id.
        records: made when the first record of an export is; `last_record` the one after the last
            change, `last_text` the graph's text then.
        omitted: texts that were not kept.
    """

    before: dict[int, str] = dataclasses.field(default_factory=dict)
    before_records: dict[int, str] = dataclasses.field(default_factory=dict)
    steps: dict[int, pack_steps.PackStep] = dataclasses.field(default_factory=dict)
    records: Records | None = None
    last_text: str = ""
    last_record: str = ""
    omitted: int = 0

    def forget(self) -> None:
        """Forget the graphs of the export before, in the same step of a pipeline."""
        self.before.clear()
        self.before_records.clear()
        self.records = None
        self.last_text = self.last_record = ""


class Snapshots(Listener):
    """A listener that keeps graphs as text.

    Args:
        which: `"changed"` for passes that change the graph, `"all"`, or a pattern of names.
    """

    def __init__(self, which: str = "changed") -> None:
        self.which = which
        self._kept: dict[str, bytes] = {}
        self._total = 0
        # Several trees may be under way: each step of a pack is one, and threads have their own.
        self._under_way: dict[Export, _UnderWay] = {}

    def entering(self, call: Call) -> None:
        """Take the text before the pass, while its clock does not run."""
        if is_export(call) and call.parent is not None:
            self._of(call).forget()
        if not self._wants(call):
            return
        if call.probe.pack:
            self._enter_step(call)
            return
        graph = graph_text.mutable_graph(call)
        if graph is None:
            return
        if self.which == "changed" and call.name in CHECKS_ONLY:
            call.attributes[c.SNAPSHOT_CHANGED] = False
            return
        size = call.export.size
        if size is not None and size.nodes > MAX_NODES:
            self._omit(call, f"the graph has more than {MAX_NODES:,} nodes")
            return
        text = graph_text.text(graph)
        tree = self._of(call)
        tree.before[id(call)] = text
        if text != tree.last_text:  # else the record that was made after the last change holds
            tree.last_record, tree.last_text = self._record(call, graph, text), text
        tree.before_records[id(call)] = tree.last_record

    def converted(self, call: Call, args: tuple[Any, ...], result: Any) -> None:
        """Note which nodes one operator became."""
        self._records_of(call).script.convert(args, result)

    def left(self, call: Call, error: BaseException | None) -> None:
        """Take the text after the pass, and keep both when they are wanted."""
        tree = self._of(call)
        if is_export(call) and tree.records is not None:
            self._keep_sources(call, tree.records)
            if error is None:
                self._keep_file(call)
        taken = self._taken_of_step(call, error) if call.probe.pack else self._taken(call, error)
        if taken is None:
            return
        before, after, before_record, after_record = taken
        if after is not None:
            call.attributes[c.SNAPSHOT_CHANGED] = before != after
        if self.which == "changed" and before == after:
            return
        # A failed pass may leave a graph behind that cannot be printed: only its input is kept.
        self._keep(call, before, c.SNAPSHOT_BEFORE, c.SNAPSHOT_BEFORE_HASH)
        if after is not None:
            self._keep(call, after, c.SNAPSHOT_AFTER, c.SNAPSHOT_AFTER_HASH)
        for record, key in (
            (before_record, c.SNAPSHOT_GRAPH_BEFORE),
            (after_record, c.SNAPSHOT_GRAPH_AFTER),
        ):
            if record:
                self._keep(call, record, key, None, ".json")
        if tree.omitted:
            call.export.root.attributes[c.SNAPSHOT_OMISSIONS] = tree.omitted

    def _taken(
        self, call: Call, error: BaseException | None
    ) -> tuple[str, str | None, str, str] | None:
        """The texts before and after a call, then the records; None for a call without a graph."""
        tree = self._of(call)
        before = tree.before.pop(id(call), None)
        before_record = tree.before_records.pop(id(call), "")
        if before is None and error is not None:
            return self._taken_of_failed(call)
        if before is None:
            pair = graph_text.programs(call) if self._wants(call) else None
            if pair is None:
                return None
            before, after = (graph_text.text(program) for program in pair)
            if before == after:
                return before, after, "", ""
            records = self._records_of(call)
            old, new = (records.program(one).dump() for one in pair)
            return before, after, old, new
        if error is not None:
            return before, None, before_record, ""
        returned = graph_text.returned_graph(call)
        graph = returned if returned is not None else graph_text.mutable_graph(call)
        after = graph_text.text(graph)
        after_record = ""
        if before != after and graph is not None:
            after_record = self._record(call, graph, after, is_new=returned is not None)
            tree.last_record, tree.last_text = after_record, after
        return before, after, before_record, after_record

    def _enter_step(self, call: Call) -> None:
        steps = self._of(call).steps
        around = call.parent
        while around is not None and id(around) not in steps:
            around = around.parent
        if around is not None and around.probe.pack != call.probe.pack:
            return  # onnxslim infers the shapes of one node after the other in a model of its own
        try:
            step = pack_steps.begun(call)
        except pack_steps.TooLargeError as error:
            self._omit(call, str(error))
            return
        if step is not None:
            steps[id(call)] = step

    def _taken_of_step(
        self, call: Call, error: BaseException | None
    ) -> tuple[str, str | None, str, str] | None:
        """The same for a step of a pack, whose model is no graph of an exporter."""
        step = self._of(call).steps.pop(id(call), None)
        if step is None:
            return None
        if error is not None:
            return step.before.text, None, step.before.record, ""
        try:
            after = step.after(call)
        except pack_steps.TooLargeError as reason:
            self._omit(call, str(reason))
            return None
        if after is None:
            return None
        return step.before.text, after.text, step.before.record, after.record

    def _taken_of_failed(self, call: Call) -> tuple[str, None, str, str] | None:
        """What a check that failed was given, or the program that a failed decomposition was."""
        if call.name in CHECKS_ONLY and self._wants(call):
            graph = graph_text.mutable_graph(call)
            text = graph_text.text(graph)
            return text, None, self._record(call, graph, text), ""
        program = graph_text.given_program(call) if self._wants(call) else None
        if program is None:
            return None
        return graph_text.text(program), None, self._records_of(call).program(program).dump(), ""

    def finished(self, export: Export) -> None:
        """The tree is over; others, in other threads, may go on."""
        self._under_way.pop(export, None)

    def _of(self, call: Call) -> _UnderWay:
        found = self._under_way.get(call.export)
        if found is None:
            found = self._under_way[call.export] = _UnderWay()
        return found

    def get(self, name: str) -> str | None:
        """A kept text by its file's name."""
        packed = self._kept.get(name)
        return zlib.decompress(packed).decode() if packed is not None else None

    def save(self, trace_path: str | os.PathLike[str]) -> None:
        """Write every kept text into the folder beside the trace.

        Raises:
            OSError: when the folder or a file cannot be written.
        """
        if not self._kept:
            return
        folder = Path(trace_path).with_suffix(c.SNAPSHOT_FOLDER)
        folder.mkdir(exist_ok=True)
        for name in self._kept:
            if not (folder / name).exists():
                write_text(folder / name, self.get(name) or "")

    def _records_of(self, call: Call) -> Records:
        tree = self._of(call)
        if tree.records is None:
            tree.records = Records(call.export.outermost.argument("model"))
        return tree.records

    def _record(self, call: Call, graph: Any, text: str, *, is_new: bool = False) -> str:
        """The graph as data; empty where it cannot be recorded, which the trace's errors say."""
        if call.probe.name == c.WHILE_TRACING:
            return ""  # half a graph, which is being traced
        records = self._records_of(call)
        try:
            if is_graph(graph):
                return records.script.graph(graph, text, is_new=is_new)
            return records.model(graph)
        except Exception as error:  # the text is kept all the same
            if goes_on(error):
                raise
            call.export.note_error(f"recording the graph of {call.name}", error)
            return ""

    def _keep_sources(self, call: Call, records: Records) -> None:
        lines = lines_around(records.places)
        if lines:
            self._keep(call, lines, c.SNAPSHOT_SOURCE, None, ".json")

    def _keep_file(self, call: Call) -> None:
        proto = written_model(call)
        if proto is None:
            return
        model = call.argument("model")
        named = [getattr(model, name, None) for name in ("named_parameters", "named_buffers")]
        known = [name for each in named if callable(each) for name, _ in each()]
        record = proto_records.record(proto, "file", proto_records.Numbers(), known)
        self._keep(call, record.dump(), c.SNAPSHOT_GRAPH_FILE, None, ".json")

    def _wants(self, call: Call) -> bool:
        return self.which in ("changed", "all") or fnmatch.fnmatchcase(call.name, self.which)

    def _keep(
        self, call: Call, text: str, name_key: str, hash_key: str | None, ending: str = ".txt"
    ) -> None:
        data = text.encode(errors="backslashreplace")
        digest = hashlib.sha256(data).hexdigest()
        name = f"{digest[:16]}{ending}"
        if name not in self._kept:
            if len(data) > MAX_CHARACTERS:
                self._omit(call, f"the text has more than {MAX_CHARACTERS:,} characters")
                return
            if len(self._kept) >= MAX_FILES or self._total + len(data) > MAX_TOTAL:
                self._omit(call, f"{MAX_FILES} texts or {MAX_TOTAL:,} characters are kept already")
                return
            self._kept[name] = zlib.compress(data, 1)
            self._total += len(data)
        call.attributes[name_key] = name
        if hash_key is not None:
            call.attributes[hash_key] = digest

    def _omit(self, call: Call, reason: str) -> None:
        tree = self._of(call)
        tree.omitted += 1
        call.attributes[c.SNAPSHOT_OMISSION] = reason
        call.export.root.attributes[c.SNAPSHOT_OMISSIONS] = tree.omitted
