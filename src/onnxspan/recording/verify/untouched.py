"""Runs the user's model a second time, and leaves no trace of that in the user's process."""

from __future__ import annotations

import collections
import contextlib
import copy
import io
import logging
import random
import sys
import warnings
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def untouched(model: Any) -> Iterator[list[str]]:
    """Put back what a run of `model` may change, whatever it raises.

    Yields:
        A list, empty until the run is over: then the names of the buffers and attributes that the
        run has changed, with the path of their module.

    These are put back: the states of torch's, Python's and NumPy's random generators; buffers,
    training flags and plain attributes of every module; the once-a-place registries of warnings.
    What the model prints, warns and logs goes nowhere.

    Raises:
        RuntimeError: when the run has changed a parameter in place, which cannot be put back.
    """
    modules = dict(model.named_modules()) if isinstance(model, torch.nn.Module) else {}
    parameters = [
        (parameter, parameter._version)  # the one sign of a change in place
        for module in modules.values()
        for parameter in module.parameters(recurse=False)
        if not hasattr(parameter, "materialize")
    ]
    with _random_states(), _quiet(), _modules(modules) as changed, torch.no_grad():
        yield changed
    if any(parameter._version != version for parameter, version in parameters):  # as above
        raise RuntimeError("the model changes its own parameters when it runs")


@contextlib.contextmanager
def _random_states() -> Iterator[None]:
    numpy = sys.modules.get("numpy")
    python, of_numpy = random.getstate(), numpy.random.get_state() if numpy else None
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(of_numpy)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # `warnings.catch_warnings` would make Python show once-a-place warnings a second time.
    registries = {
        name: dict(registry)
        for name, module in list(sys.modules.items())
        if isinstance(registry := getattr(module, "__dict__", {}).get("__warningregistry__"), dict)
    }
    shown = warnings._showwarnmsg  # type: ignore[attr-defined]  # the one place
    disabled = logging.root.manager.disable
    warnings._showwarnmsg = lambda _message: None  # type: ignore[attr-defined]  # as above
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
        warnings._showwarnmsg = shown  # type: ignore[attr-defined]  # as above
        for name, module in list(sys.modules.items()):
            registry = getattr(module, "__dict__", {}).get("__warningregistry__")
            if isinstance(registry, dict):
                before = registries.get(name, {})
                registry.clear()
                registry.update(before)


@contextlib.contextmanager
def _modules(modules: dict[str, torch.nn.Module]) -> Iterator[list[str]]:
    changed: list[str] = []
    if any(isinstance(module, torch.jit.ScriptModule) for module in modules.values()):
        scripted = [(path, buffer, buffer.clone()) for path, buffer in modules[""].named_buffers()]
        try:
            yield changed
        finally:
            _put_back(scripted, changed)
        return
    kept = []
    for path, module in modules.items():
        plain = {
            name: _copied(value) if isinstance(value, list | dict | set) else value
            for name, value in vars(module).items()
        }
        buffers = [
            (_joined(path, name), buffer, buffer.clone())
            for name, buffer in module._buffers.items()  # torch's own table
            if buffer is not None
        ]
        kept.append((path, module, plain, buffers))
    try:
        yield changed
    finally:
        for path, module, plain, buffers in kept:
            _put_back(buffers, changed)
            changed += [_joined(path, name) for name in _restore(vars(module), plain)]


def _copied(value: Any) -> Any:
    """A shallow copy of the same type; `copy.copy` takes ten times as long for the usual types."""
    return value.copy() if type(value) in _USUAL else copy.copy(value)


_USUAL = (dict, list, set, collections.OrderedDict)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _put_back(buffers: list[tuple[str, torch.Tensor, torch.Tensor]], changed: list[str]) -> None:
    for name, buffer, before in buffers:
        # Batch norm writes its running statistics without a new `_version`.
        if not _is_equal(buffer, before):
            buffer.copy_(before)
            changed.append(name)


def _is_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    try:
        return bool(torch.equal(one, other))
    except (RuntimeError, NotImplementedError):  # some layouts and devices cannot be compared
        return False


_TABLES = ("_buffers", "_parameters", "_modules")
"""Of torch's own attributes of a module, those whose entries are the user's attributes."""


def _restore(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """Put attributes back; a list, dictionary or set stays the object that it is.

    Returns:
        The names of those that had changed.
    """
    changed = [name for name in now if name not in before]
    for name in changed:
        del now[name]
    for name, value in before.items():
        current = now.get(name)
        if type(current) is not type(value) or not isinstance(value, list | dict | set):
            if current is not value or name not in now:
                changed.append(name)
                now[name] = value
        elif not _holds_the_same(current, value):
            held: Any = current
            if name in _TABLES and isinstance(value, dict):
                changed += [
                    key for key in {**held, **value} if held.get(key) is not value.get(key)
                ]
            else:
                changed.append(name)
            held.clear()
            held.extend(value) if isinstance(value, list) else held.update(value)
    return changed


def _holds_the_same(one: Any, other: Any) -> bool:
    """Whether two lists, sets or dictionaries hold the identical objects in the same order."""
    if len(one) != len(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(one[key] is other[key] for key in one)
    return all(left is right for left, right in zip(one, other, strict=True))
