"""Write the atlas: a page for each stage and pass, with what it does to a real graph.

The text is the explanation, the graphs are from an export of the minimal model in
`minimal.py`, made now, with the torch that is installed.

Usage: python docs/tools/atlas/build.py [FOLDER]
"""

from __future__ import annotations

import contextlib
import difflib
import io
import logging
import os
import pathlib
import re
import runpy
import sys
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

import torch
from minimal import MODELS, Minimal

import onnxspan
from onnxspan import explanations
from onnxspan.recording.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.recording.call import Call, Export

FOLDER = pathlib.Path(__file__).parents[2] / "reference" / "atlas"
UNKNOWN = "No minimal model is known that makes it change the graph."
NOT_YET = "The atlas shows graphs of the TorchScript exporter only."


class Snapshots:
    """Keeps the graph's text before and after each call of one stage or pass."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pairs: list[list[str]] = []
        self.open: list[str] | None = None

    def entered(self, call: Call) -> None:
        """Keep the graph that the call is given."""
        graph = call.args[0] if call.args else None
        if not isinstance(graph, torch._C.Graph):
            return
        self._close(graph)
        if call.probe.name == self.name:
            self.pairs.append([str(graph)])

    def left(self, call: Call, error: BaseException | None) -> None:
        """Keep what it has become."""
        if call.probe.name == self.name and self.pairs:
            self.open = self.pairs[-1]
            self.open.append(str(call.args[0]))

    def finished(self, export: Export) -> None:
        """Nothing is left to do."""

    def _close(self, graph: Any) -> None:
        # Some return a new graph: what comes next shows it.
        if self.open is not None and self.name in RETURN_A_GRAPH:
            self.open[1] = str(graph)
        self.open = None

    def first_change(self) -> tuple[str, str] | None:
        """Before and after of the first call that changed the text."""
        for before, after in self.pairs:
            if plain(before) != plain(after):
                return plain(before), plain(after)
        return None


RETURN_A_GRAPH = frozenset({"_jit_pass_onnx", "_jit_pass_canonicalize", "_optimize_graph"})


def plain(text: str) -> str:
    """The graph's text without source lines, and without what is the same on every value."""
    text = re.sub(r" # .*", "", text)
    text = re.sub(r", strides=\[[\d, ]*\]", "", text)
    return re.sub(r", requires_grad=\d|, device=cpu", "", text).rstrip() + "\n"


def export(minimal: Minimal, name: str) -> Snapshots:
    """Export a minimal model, and keep what one stage or pass did.

    Raises:
        RuntimeError: when onnxspan itself stumbled on the way.
    """
    snapshots = Snapshots(name)
    session = Session(listeners=[snapshots])
    with tempfile.TemporaryDirectory() as folder, _quiet():
        # A real file: TorchScript reads the source of what it compiles.
        script = pathlib.Path(folder) / "example.py"
        script.write_text(minimal.source(), encoding="utf-8")
        before = pathlib.Path.cwd()
        session.open()
        try:
            os.chdir(folder)
            runpy.run_path(str(script), run_name="example")
        finally:
            os.chdir(before)
            session.close()
    errors = [error for error in session.errors if "Snapshots" in error or "listener" in error]
    if errors:
        raise RuntimeError(errors[0])
    return snapshots


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def page(name: str) -> str:
    """The Markdown page of one stage or pass.

    Raises:
        RuntimeError: when its minimal model does not make it act.
    """
    found = explanations.get(name)
    text = found.markdown() if found is not None else ""
    minimal = MODELS.get(name)
    if minimal is None:
        return text + _without_graph(name, found)
    change = export(minimal, name).first_change()
    if change is None:
        raise RuntimeError(f"the minimal model of {name} does not make it change the graph")
    before, after = change
    diff = "".join(
        difflib.unified_diff(before.splitlines(True), after.splitlines(True), "before", "after")
    )
    return (
        f"{text}\n## On a real graph\n\n"
        f"With torch {torch.__version__.partition('+')[0]}, onnxspan {onnxspan.__version__}. "
        f"Source lines, strides and devices are left out.\n\n"
        f"```python\n{minimal.source()}\n```\n\n"
        f"Before:\n\n```text\n{before}```\n\nAfter:\n\n```text\n{after}```\n\n"
        f"The difference:\n\n```diff\n{diff}```\n"
    )


def _without_graph(name: str, found: explanations.Explanation | None) -> str:
    if found is not None and found.exporter == "dynamo":
        return f"\n## On a real graph\n\n{NOT_YET}\n"
    # What is not a pass is not there to change a graph.
    return f"\n## On a real graph\n\n{UNKNOWN}\n" if name.startswith("_jit_pass_") else ""


def file_name(name: str) -> str:
    """A page's file; a link must not have blanks in it."""
    return name.replace(" ", "_") + ".md"


def index() -> str:
    """The list of all pages."""
    lines = ["# Atlas of stages and passes\n"]
    for exporter, title in (
        ("both", "Both exporters"),
        ("torchscript", "The TorchScript exporter"),
        ("dynamo", "The dynamo exporter"),
    ):
        lines.append(f"\n## {title}\n")
        for name in explanations.names():
            found = explanations.get(name)
            if found is not None and found.exporter == exporter:
                lines.append(f"- [`{name}`]({file_name(name)}): {found.one_line}")
    return "\n".join(lines) + "\n"


def main(folder: pathlib.Path) -> int:
    """Write every page; the number of models that did not do what they are for."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in explanations.names():
        try:
            (folder / file_name(name)).write_text(page(name), encoding="utf-8")
        except Exception as error:  # the other pages are written all the same
            failed += 1
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
    (folder / "index.md").write_text(index(), encoding="utf-8")
    print(f"{len(explanations.names())} pages, {len(MODELS) - failed} with a graph, in {folder}")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)))
