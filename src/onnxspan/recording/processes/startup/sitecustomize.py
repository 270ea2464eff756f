"""Found first by a Python process that `onnxspan run` follows: begins to record, lazily.

Python imports `sitecustomize` as it starts. This one waits for `torch.onnx`, so that a process
without an export pays for nothing, and then imports the `sitecustomize` that it stands before.
Nothing here may break the process.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))


class _Finder:
    """Finds `torch.onnx` as Python would, and begins the recording once the module has run."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        """The module's spec, whose loader begins the recording; None for every other module."""
        if name != "torch.onnx":
            return None
        sys.meta_path.remove(_Finder)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                run(module)
                _begin()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _begin() -> None:
    try:
        from onnxspan.recording.processes.child import begin
        from onnxspan.recording.processes.plan import Plan

        plan = Plan.from_environment()
        if plan is not None:
            begin(plan)
    except Exception as error:  # whatever is wrong with the recording, the script runs
        _note(f"{type(error).__name__}: {error}")


def _note(text: str) -> None:
    """Leave a word for the run, which says it at its end."""
    import json

    try:
        folder = json.loads(os.environ["ONNXSPAN_FOLLOW"])["folder"]
        os.makedirs(folder, exist_ok=True)
        place = os.path.join(folder, f"{os.getpid()}.note")
        with open(place, "w", encoding="utf-8") as stream:
            stream.write(f"{sys.executable}: {text}")
    except Exception:  # there is nobody left to tell
        return


def _import_the_next() -> None:
    """Import the sitecustomize that would have been found without this one."""
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if "ONNXSPAN_FOLLOW" in os.environ:
    sys.meta_path.insert(0, _Finder)
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
_import_the_next()
