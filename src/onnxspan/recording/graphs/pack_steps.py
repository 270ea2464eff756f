"""The model that a step of a pack is given and the one that it makes, as texts and records.

The models are the user's: they are only read. A model in a file is read without external data.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from onnxspan.recording.graphs import graph_text, proto_records
from onnxspan.recording.graphs.records import Records
from onnxspan.recording.probes.packs import measure, sessions

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

MAX_NODES = 100_000


class TooLargeError(Exception):
    """A model that is not recorded, because of its size; the message says which limit."""


class Taken(NamedTuple):
    """A model at one moment: its text, and its record as one line of JSON."""

    text: str
    record: str


class PackStep:
    """One step of a pack under way.

    Attributes:
        before: the model that the step was given.

    Args:
        model: an `onnx.ModelProto`, or an `onnx_ir.Model`.

    Raises:
        TooLargeError: for a model with more than `MAX_NODES` nodes.
    """

    def __init__(self, model: Any) -> None:
        self._is_proto = measure.is_proto(model)
        self._numbers = proto_records.Numbers()
        self._records = Records(None)
        self.before = self._take(model)

    def after(self, call: Call) -> Taken | None:
        """The model that the step made; None where it is not known, or of another kind.

        What `onnx_ir.load` reads from a file is the same graph in another form: the two texts tell
        nothing about a change.

        Raises:
            TooLargeError: for a model that is larger than the limits.
        """
        if isinstance(call.scratch, sessions.Optimized):
            models = [] if call.scratch.model is None else [call.scratch.model]
        else:
            models = measure.made(call, call.result)
        is_path, is_proto = measure.is_path, measure.is_proto
        model = _first([one for one in models if is_path(one) or is_proto(one) == self._is_proto])
        if model is None or is_proto(model) != self._is_proto:
            return None
        taken = self._take(model)
        # What it was given stayed, and what it returned is another kind of model.
        return None if measure.is_opaque(call.result) and taken.text == self.before.text else taken

    def _take(self, model: Any) -> Taken:
        if len(model.graph.node if self._is_proto else model.graph) > MAX_NODES:
            raise TooLargeError(f"the graph has more than {MAX_NODES:,} nodes")
        if self._is_proto:
            record = proto_records.record(model, "onnx", self._numbers)
            return Taken(proto_records.text(model), record.dump())
        return Taken(graph_text.text(model), self._records.model(model))


def begun(call: Call) -> PackStep | None:
    """The step that a call begins; None for a call that is given no model.

    Raises:
        TooLargeError: for a model that is larger than the limits.
    """
    if call.probe.before is not measure.before:
        return None
    model = _first(measure.given(call))
    return PackStep(model) if model is not None else None


def _first(models: list[Any]) -> Any:
    """The first of some models and paths of models that is there, read."""
    for one in models:
        if not measure.is_path(one):
            return one
        if os.path.isfile(one):
            if os.path.getsize(one) > measure.MAX_FILE:
                raise TooLargeError(f"the file has more than {measure.MAX_FILE:,} bytes")
            return measure.read(one)
    return None
