"""How a probe is installed and restored, exactly.

Three things make a wrapper invisible:

- Its code is compiled under a file name with "importlib" and "_bootstrap" in it: CPython skips
  such frames when it counts a warning's `stacklevel`, so a warning still points at the
  user's line, and is still shown or hidden by the user's filters.
- What is saved and put back is the attribute as it lies in its holder's `__dict__`
  (`inspect.getattr_static`), so a classmethod stays a classmethod and pybind's
  `instancemethod` stays one.
- The wrapper looks like the original (`functools.update_wrapper`): name, module, signature.

And one more for C functions, whose own warnings go to the frame that calls them: trampoline.py.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import threading
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType
from typing import TYPE_CHECKING, Any, Protocol

from onnxspan import conventions as c
from onnxspan.recording.faults import goes_on
from onnxspan.recording.trampoline import NAME, Trampoline
from onnxspan.recording.wrappers import silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from onnxspan.recording.probe import Probe

ONNXSCRIPT_APIS = "{apis}"
"""In a place: the module that torch looks onnxscript's functions up in."""


class Hooks(Protocol):
    """What a wrapper calls; made for each target by the recorder."""

    def enter(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Begin a call; None when it is not recorded."""

    def leave(self, call: Any, result: Any) -> None:
        """End a call that returned."""

    def fail(self, call: Any, error: BaseException) -> None:
        """End a call that raised."""

    def broken(self, doing: str, error: BaseException) -> None:
        """One of the three above raised `error`; the export goes on without it."""

    def lost(self, kwargs: dict[str, Any], call: Any) -> None:
        """Ctrl-C came in one of the three, or as it was called: the call ends all the same.

        It is None when `enter` did not hand it back; then these are its arguments.
        """


@dataclasses.dataclass
class Target:
    """A probe whose place exists in the installed torch."""

    probe: Probe
    place: str
    holder: Any
    attribute: str
    original: Callable[..., Any]
    constants: dict[str, Any]
    raw: Any = None
    replacement: Any = None


def resolve(probe: Probe) -> list[Target]:
    """Find where a probe's function lives in the installed torch.

    Returns:
        One target, or as many as a wildcard has matches; none when no place exists.
    """
    for candidate in probe.places:
        place = candidate
        if ONNXSCRIPT_APIS in place:
            place = place.replace(ONNXSCRIPT_APIS, _onnxscript_apis())
        module_name, _, path = place.partition(":")
        try:
            holder: Any = importlib.import_module(module_name)
            *parents, attribute = path.split(".")
            for parent in parents:
                holder = getattr(holder, parent)
            # A package that imports its modules as they are asked for may fail here, or give what
            # does not lie in it: there is nothing to wrap then.
            is_there = attribute.endswith("*") or (
                hasattr(holder, attribute) and _lies(holder, attribute)
            )
        except Exception as error:  # an import may raise anything: not there, says the doctor
            if goes_on(error):
                raise
            continue
        if attribute.endswith("*"):
            names = [name for name in dir(holder) if name.startswith(attribute[:-1])]
            return [
                _target(
                    dataclasses.replace(probe, name=name), f"{module_name}:{name}", holder, name
                )
                for name in names
            ]
        if is_there:
            return [_target(probe, place, holder, attribute)]
    return []


def _lies(holder: Any, attribute: str) -> bool:
    try:
        inspect.getattr_static(holder, attribute)
    except AttributeError:
        return False
    return True


def _target(probe: Probe, place: str, holder: Any, attribute: str) -> Target:
    original = getattr(holder, attribute)
    if isinstance(inspect.getattr_static(holder, attribute), classmethod):
        original = original.__func__
    return Target(probe, place, holder, attribute, original, _constants(probe, place, original))


def _constants(probe: Probe, place: str, original: Any) -> dict[str, Any]:
    """The attributes that every span of this probe bears: place, source line, level."""
    constants: dict[str, Any] = {
        c.FUNCTION: place.replace(":", "."),
        c.LEVEL: probe.level.name.lower(),
    }
    # The span of a node points at the user's model, or nowhere.
    return constants if probe.per_node is not None else constants | source(original)


def source(function: Any) -> dict[str, Any]:
    """File (relative to site-packages) and line of a Python function; empty for a native one."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return {}
    _, found, inside = code.co_filename.replace("\\", "/").rpartition("/site-packages/")
    return {c.FILE: inside if found else code.co_filename, c.LINE: code.co_firstlineno}


def _onnxscript_apis() -> str:
    """The module of onnxscript's functions for this torch, as torch itself names it."""
    try:
        module = importlib.import_module("torch.onnx._internal._lazy_import")
        return str(module.onnxscript_apis._name)  # noqa: SLF001  # torch keeps it only there
    except (ImportError, AttributeError):
        return ONNXSCRIPT_APIS


def resolve_all(probes: Sequence[Probe]) -> list[Target]:
    """The targets of a table; a row of its own wins over a wildcard that also matches."""
    targets: dict[tuple[int, str], Target] = {}
    for probe in probes:
        for target in resolve(probe):
            targets.setdefault((id(target.holder), target.attribute), target)
    return list(targets.values())


class Patches:
    """Installs targets and restores them; nested holders are counted, so the last one restores.

    Args:
        make_wrapper: gives a target its wrapper; a C function's calls it by the stand-in.
    """

    def __init__(self, make_wrapper: Callable[[Target, Trampoline | None], FunctionType]) -> None:
        self._make_wrapper = make_wrapper
        # One table, so that Ctrl-C between two steps cannot leave half an entry.
        self._held: dict[int, tuple[Target, int]] = {}
        self._lock = threading.RLock()

    def install(self, targets: Iterable[Target]) -> None:
        """Wrap each target, unless it is wrapped already; then count one holder more.

        When one cannot be wrapped, those before it are restored before the error goes on.
        """
        held: list[Target] = []
        with self._lock:
            try:
                for target in targets:
                    count = self._count(target)
                    self._held[id(target)] = target, count + 1
                    held.append(target)
                    if count == 0:
                        self._wrap(target)
            except BaseException:
                self.restore(held)
                raise

    def restore(self, targets: Iterable[Target]) -> None:
        """Give up one hold on each target; the last hold puts the identical object back.

        All are tried, whatever becomes of one of them; the first error is raised at the end.
        """
        failure: Exception | None = None
        with self._lock:
            for target in targets:
                count = self._count(target) - 1
                if count > 0:
                    self._held[id(target)] = target, count
                elif count == 0:
                    try:
                        self._unwrap(target)
                    except Exception as error:
                        if goes_on(error):  # it is still held: the last one to close tries again
                            raise
                        failure = failure or error
                    del self._held[id(target)]
        if failure is not None:
            raise failure

    def restore_everything(self, unless: Callable[[], bool]) -> bool:
        """Restore whatever is still wrapped, however many hold it.

        Args:
            unless: asked while nobody else can wrap anything; true leaves all as it is.

        Returns:
            Whether it was done.
        """
        with self._lock:
            if unless():
                return False
            left = [target for target, _ in self._held.values()]
            self._held = {id(target): (target, 1) for target in left}
            self.restore(left)
        return True

    def wraps(self, target: Target) -> bool:
        """Whether this place is wrapped now, by whatever target."""
        return any(
            one.holder is target.holder and one.attribute == target.attribute
            for one, _ in list(self._held.values())
        )

    def is_installed(self, target: Target) -> bool:
        """Whether the target is wrapped now."""
        return id(target) in self._held

    def is_clean(self) -> bool:
        """Whether nothing is wrapped now."""
        return not self._held

    def _count(self, target: Target) -> int:
        return self._held[id(target)][1] if id(target) in self._held else 0

    def _wrap(self, target: Target) -> None:
        raw = _lying(target)
        if raw is target.replacement and target.replacement is not None:
            # Somebody who had patched on top of us has put our wrapper back.
            raw = target.raw
        elif target.replacement is None or raw is not target.raw:
            if target.replacement is not None:
                silence(getattr(target.replacement, "__func__", target.replacement))
            self._build_wrapper(target, raw)
        setattr(target.holder, target.attribute, target.replacement)

    def _build_wrapper(self, target: Target, raw: Any) -> None:
        target.raw = raw
        is_classmethod = isinstance(raw, classmethod)
        target.original = (
            raw.__func__ if is_classmethod else getattr(target.holder, target.attribute)
        )
        # A pass that calls back into Python stays without: a frame more would be counted by
        # the `stacklevel` of a warning in a symbolic function.
        in_c = _is_c(target.original) and not target.probe.calls_python
        trampoline = Trampoline(target.original) if in_c else None
        wrapper = self._make_wrapper(target, trampoline)
        functools.update_wrapper(wrapper, target.original)
        target.replacement = classmethod(wrapper) if is_classmethod else wrapper

    def _unwrap(self, target: Target) -> None:
        # Somebody who patched on top of us keeps their patch: our wrapper underneath is then
        # a plain pass-through, because no export is recorded, or (`_silence`) for ever.
        if _lying(target) is not target.replacement:
            return
        if inspect.isclass(target.holder) and not _defines(target):
            delattr(target.holder, target.attribute)
        else:
            setattr(target.holder, target.attribute, target.raw)


def _lying(target: Target) -> Any:
    """The attribute as it lies in the holder, no descriptor called."""
    try:
        return vars(target.holder)[target.attribute]
    except (KeyError, TypeError):  # in a base class; or a holder without a `__dict__`
        return inspect.getattr_static(target.holder, target.attribute)


def _is_c(function: Any) -> bool:
    """Whether calling this makes no Python frame: a builtin, or a function of pybind11."""
    return (
        isinstance(function, BuiltinFunctionType | MethodDescriptorType)
        or type(function).__module__ == "pybind11_builtins"
    )


def _defines(target: Target) -> bool:
    """Whether the holder itself, not a base class, had the attribute before it was wrapped."""
    bases = inspect.getmro(target.holder)[1:]
    return not any(vars(base).get(target.attribute) is target.raw for base in bases)


def without_wrapper_frames(error: BaseException) -> None:
    """Take the frames of inner wrappers out of a traceback, so that it reads as without them.

    Out of those of its causes too: an exporter that raises an error from another prints both.
    """
    links: list[BaseException | None] = [error]
    met: set[int] = set()
    while links:
        link = links.pop()
        if link is None or id(link) in met:
            continue
        met.add(id(link))
        links += [link.__cause__, link.__context__]
        entry = link.__traceback__
        while entry is not None and entry.tb_next is not None:
            if entry.tb_next.tb_frame.f_code.co_name == NAME:
                entry.tb_next = entry.tb_next.tb_next
            else:
                entry = entry.tb_next
