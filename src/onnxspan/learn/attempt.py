"""Runs a learner's script under a trace, and asks the trace and the file what was reached."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan.tracing import trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.reading.origins.origins import Origins
    from onnxspan.tracing import Tracing

FILE = "model.onnx"
CLOSE = 1e-4
"""How far numbers may be apart that are meant to be the same."""


class Attempt:
    """What a script did.

    Args:
        script: the learner's file.
        start: the exercise's own script, whose model gives the right numbers.
        verify: also verify the export.

    Attributes:
        trace: of the run, at level `nodes`, with snapshots.
        names: the script's variables.
        error: what the script raised; None when it ended well.
        proto: the exported `onnx.ModelProto`; None when none was written.
    """

    def __init__(self, script: Path, start: str, *, verify: bool = False) -> None:
        self.trace: Tracing = trace("nodes", snapshots="changed", verify=verify, flight=False)
        self.names: dict[str, Any] = {}
        self.error: BaseException | None = None
        self.proto: Any = None
        self._start = start
        place = str(script.resolve())
        with _elsewhere():
            with self.trace, _quiet():
                try:
                    self.names = _run(place, run_name="__main__")
                except (Exception, SystemExit) as error:
                    self.error = error
            if Path(FILE).is_file():
                import onnx

                self.proto = onnx.load(FILE)

    @property
    def operators(self) -> list[str]:
        """The operators of the file's nodes, those of inner graphs too."""
        found: list[str] = []
        stack = list(self.proto.graph.node)[::-1]
        while stack:
            node = stack.pop()
            found.append(node.op_type)
            for attribute in node.attribute:
                stack += list(attribute.g.node)[::-1]
        return found

    @property
    def origins(self) -> Origins:
        """Where each node of the file comes from."""
        return self.trace.origins

    @property
    def exporter(self) -> str:
        """The exporter of the last export."""
        return str(self.trace.exports[-1].get("torch.onnx.exporter"))

    def shape(self, value: Any) -> list[int | str]:
        """The sizes of an input or output of the file; a dynamic one is a name."""
        return [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]

    def differs(self, *inputs: tuple[Any, ...]) -> float:
        """How far the file is from the exercise's own model, on each of these inputs.

        Raises:
            Exception: what onnxruntime raises when the file does not take an input.
        """
        import onnxruntime
        import torch

        with _quiet():
            names = _names_of(self._start)
        session = onnxruntime.InferenceSession(
            self.proto.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        wanted = [one.name for one in session.get_inputs()]
        largest = 0.0
        for args in inputs or (names["args"],):
            with torch.no_grad():
                expected = names["model"](*args)
            fed = {name: value.numpy() for name, value in zip(wanted, args, strict=False)}
            (actual, *_rest) = session.run(None, fed)
            found = torch.from_numpy(actual)
            if found.shape != expected.shape:
                return float("inf")
            largest = max(largest, float((found - expected).abs().max()))
        return largest


def _names_of(source: str) -> dict[str, Any]:
    """The model and the inputs of a script that may fail at its export."""
    before_export = source.partition("torch.onnx.export(")[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.py")
        path.write_text(before_export, encoding="utf-8")
        return _run(str(path))


def _run(place: str, *, run_name: str | None = None) -> dict[str, Any]:
    """Run a file; random weights are the same at each run."""
    import torch

    torch.manual_seed(0)
    return runpy.run_path(place, run_name=run_name)


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """Another working folder, which is removed: an exercise writes no file of the learner's."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
