"""Run an example, and keep the graph before and after one stage or pass of it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import logging
import os
import pathlib
import re
import runpy
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

import torch
from example import Direct

from onnxspan.learn.small.minimal import Minimal
from onnxspan.recording.graphs import graph_text
from onnxspan.recording.opening import close_session, open_session
from onnxspan.recording.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onnxspan.recording.call import Call, Export

TORCHSCRIPT, FX, ONNX = "TorchScript IR", "fx", "ONNX IR"
HEAD = ("ir_version", "producer_name", "producer_version", "domain=None", "model_version")
"""What the text of every model in ONNX IR begins with, and no pass changes."""
CARRIERS = {
    "Result": "exported_program",
    "ExportArtifact": "aten",
    "ATenExportArtifact": "gm",
    "CaptureOutput": "backend_input",
    "BackendInput": "graph_module",
}
"""Classes of torch's capture, and the attribute in which each has its graph."""


@dataclasses.dataclass(frozen=True)
class Graph:
    """A graph's text at one moment, and what kind of graph it is."""

    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Change:
    """What one call did; `before` is None where it was given no graph."""

    before: Graph | None
    after: Graph


class Watcher:
    """A listener that keeps what the calls of each name did to graphs."""

    def __init__(self) -> None:
        self.changes: dict[str, list[Change]] = {}
        self.given: dict[int, list[tuple[Any, Graph]]] = {}

    def entered(self, call: Call) -> None:
        """Keep the graphs that the call is given."""
        self.given[id(call)] = list(graphs((*call.args, *call.kwargs.values())))

    def left(self, call: Call, error: BaseException | None) -> None:
        """Keep what it returned, or else what it has made of the graphs it was given."""
        given = self.given.pop(id(call))
        returned = call.result if type(call.result) is tuple else (call.result,)
        after = [graph for _, graph in graphs(returned)]
        if not after:
            now = [(graph, before) for value, before in given for _, graph in graphs((value,))]
            changed = [graph for graph, before in now if graph != before]
            after = changed or [graph for graph, _ in now]
        if after and error is None:
            change = Change(given[0][1] if given else None, after[0])
            for name in {call.name, call.target.place.replace(":", ".")}:
                self.changes.setdefault(name, []).append(change)

    def finished(self, export: Export) -> None:
        """Nothing is left to do."""


def graphs(values: Iterable[Any]) -> Iterator[tuple[Any, Graph]]:
    """The graphs among values, with their texts."""
    for carrier in values:
        value = carrier
        while type(value).__name__ in CARRIERS:
            value = getattr(value, CARRIERS[type(value).__name__])
        if isinstance(value, (torch.fx.GraphModule, torch.fx.Graph)):
            yield value, Graph(FX, plain_fx(str(getattr(value, "graph", value))))
            continue
        found = graph_text.graph_of(value)
        if isinstance(found, torch._C.Graph):
            yield found, Graph(TORCHSCRIPT, plain(str(found)))
        elif hasattr(found, "graph_module"):
            yield found, Graph(FX, plain_fx(graph_text.text(found)))
        elif found is not None:
            yield found, Graph(ONNX, plain_onnx(graph_text.text(found)))


def plain(text: str) -> str:
    """TorchScript's text without source lines, and without what is the same on every value."""
    text = re.sub(r" # .*", "", text)
    text = re.sub(r", strides=\[[\d, ]*\]", "", text)
    return re.sub(r", requires_grad=\d|, device=cpu", "", text).rstrip() + "\n"


def plain_fx(text: str) -> str:
    """An fx graph's text without the numbers of users."""
    return re.sub(r" :( [\w.]+)? \[num_users=\d+\]", "", text).rstrip() + "\n"


def plain_onnx(text: str) -> str:
    """A model's text without versions, and a line for each node, without its number and name."""
    lines = [line for line in text.splitlines() if not line.strip().startswith(HEAD)]
    text = "\n".join(line for line in lines if line.strip())
    text = re.sub(r"(?m)^( *\d+) \|  #.*\n *", lambda found: _indent(len(found[1])), text)
    return text.replace("⬅️", "←").rstrip() + "\n"


NESTED = 9
"""Blanks and digits before a node: fewer in the main graph, more in a branch of an If."""


def _indent(width: int) -> str:
    # In the main graph the numbers may grow by a digit: the indentation must not.
    return " " * (4 if width < NESTED else width - 1)


def first_change(changes: list[Change]) -> Change | None:
    """The first call that changed its graph, or made one."""
    return next((change for change in changes if change.before != change.after), None)


def look(name: str, example: Minimal | Direct) -> Change | None:
    """Run an example; what the stage or pass of this name did first."""
    if isinstance(example, Direct):
        return _direct(example)
    return first_change(watch(example).changes.get(name, []))


@functools.cache
def watch(minimal: Minimal) -> Watcher:
    """Export a minimal model, and keep what every stage and pass did.

    Raises:
        RuntimeError: when onnxspan itself stumbled on the way.
    """
    watcher = Watcher()
    session = Session(listeners=[watcher])
    with tempfile.TemporaryDirectory() as folder, _quiet():
        # A real file: TorchScript reads the source of what it compiles.
        script = pathlib.Path(folder) / "example.py"
        script.write_text(minimal.source(), encoding="utf-8")
        before = pathlib.Path.cwd()
        torch.manual_seed(0)
        open_session(session)
        try:
            os.chdir(folder)
            runpy.run_path(str(script), run_name="example")
        finally:
            os.chdir(before)
            close_session(session)
    errors = [error for error in session.errors if "Watcher" in error or "listener" in error]
    if errors:
        raise RuntimeError(errors[0])
    return watcher


def _direct(example: Direct) -> Change | None:
    lines, _, call = example.source().rpartition("\n")
    names: dict[str, Any] = {}
    exec(lines, names)  # noqa: S102  # our own
    before = next(graph for _, graph in graphs((names["model"],)))
    result = eval(call, names)  # noqa: S307  # our own
    after = next(graph for _, graph in graphs((result,)))
    return first_change([Change(before, after)])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
