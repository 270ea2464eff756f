"""The options of `onnxspan run` that are about verification."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from onnxspan.errors import OnnxspanError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def check(
    verify: str | None,
    verify_inputs: str | None,
    rtol: float | None,
    atol: float | None,
    fail_on_mismatch: bool,
) -> None:
    """Refuse what can have no effect, before the script's work.

    Raises:
        click.UsageError: for an option that needs `--verify`, or a tolerance below 0.
        OnnxspanError: when the file of `--verify-inputs` is not there.
    """
    if verify is None:
        for given, name in (
            (verify_inputs, "--verify-inputs"),
            (rtol, "--rtol"),
            (atol, "--atol"),
            (fail_on_mismatch or None, "--fail-on-mismatch"),
        ):
            if given is not None:
                raise click.UsageError(f"{name} needs --verify")
    for tolerance, name in ((rtol, "--rtol"), (atol, "--atol")):
        if tolerance is not None and not 0 <= tolerance < float("inf"):
            raise click.UsageError(f"{name} must be 0 or more, and finite")
    if verify_inputs is not None and ":" not in verify_inputs:
        path = Path(verify_inputs)
        if path.suffix != ".npz" or not path.is_file():
            raise OnnxspanError(
                f"{verify_inputs}: no such .npz file. Give a file that numpy.savez wrote, with "
                "an array for each input, or a function that returns inputs: module:function"
            )


def as_options(
    verify: str | None,
    verify_inputs: str | None,
    rtol: float | None,
    atol: float | None,
    fail_on_mismatch: bool,
) -> list[str]:
    """The same options as words of a command line."""
    words = [f"--verify={verify}"] if verify else []
    words += [f"--verify-inputs={verify_inputs}"] if verify_inputs else []
    words += [f"--rtol={rtol!r}"] if rtol is not None else []
    words += [f"--atol={atol!r}"] if atol is not None else []
    return [*words, *["--fail-on-mismatch"] * fail_on_mismatch]


def given(source: str) -> Callable[[], Sequence[Any]]:
    """A function that reads the inputs when the export begins: a module may be the script's own."""

    def read() -> Sequence[Any]:
        if ":" not in source:
            return [_arrays(source)]
        module, _, name = source.partition(":")
        function = getattr(_module(module), name, None)
        if not callable(function):
            raise OnnxspanError(
                f"--verify-inputs {source}: the module has no function of that name"
            )
        found = function()
        return found if isinstance(found, list) else [found]

    return read


def _arrays(path: str) -> dict[str, Any]:
    import numpy as np
    import torch

    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def _module(name: str) -> Any:
    if name == "__main__":
        return sys.modules["__main__"]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise OnnxspanError(
            f"--verify-inputs {name}: the module cannot be imported: {error}"
        ) from None
