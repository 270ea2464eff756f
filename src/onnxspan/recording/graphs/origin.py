"""What an exception tells of the user's model: the source line, the module, the chain.

Only called when something failed, so it may take its time; a traceback's frames are alive
then, which is the one moment at which a module's path can be found.
"""

from __future__ import annotations

import functools
import linecache
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.faults import goes_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

    from onnxspan.recording.call import Call

_OUR_FOLDER = str(Path(__file__).resolve().parent.parent.parent)
_MAX_LINKS = 10
_LINK_LIMIT = 400
_TEXT_LIMIT = 240


def describe(call: Call, error: BaseException) -> dict[str, Any]:
    """The event attributes that say where in the user's code the error comes from."""
    links = _links(error)
    found: dict[str, Any] = {
        c.EXCEPTION_CHAIN: [
            f"{full_name(type(link))}: {message_of(link)}"[:_LINK_LIMIT] for link in links
        ]
    }
    # The dynamo exporter wraps what failed in errors of its own: the innermost knows most.
    frames = [entry for link in links for entry in _frames(link)]
    inner = next((entry for entry in reversed(frames) if _is_users(entry[0].f_code)), None)
    if inner is not None:
        found.update(_place(inner[0].f_code.co_filename, inner[1], _SOURCE))
    elif c.NODE_OPERATOR in call.attributes and c.LINE in call.attributes:
        found.update(_place(call.attributes[c.FILE], call.attributes[c.LINE], _SOURCE))
    outer = _calling_frame()
    if outer is not None:
        found.update(_place(outer.f_code.co_filename, outer.f_lineno, _EXPORT))
    module = _running_module(frames)
    if module is not None:
        kind = type(module)
        found[c.MODULE_CLASS_RUNNING] = f"{kind.__module__}.{kind.__qualname__}"
        path = _path_of(module, call)
        if path is not None:
            found[c.MODULE_PATH] = path
    scope = str(call.attributes.get(c.NODE_SCOPE, ""))
    if "::" in scope:
        path = ModulePaths(call.export.outermost.argument("model")).of_scope(scope)
        if path:
            found[c.MODULE_PATH] = path
    return found


_SOURCE = (c.SOURCE_FILE, c.SOURCE_LINE, c.SOURCE_TEXT)
_EXPORT = (c.EXPORT_FILE, c.EXPORT_LINE, c.EXPORT_TEXT)


def _place(file: str, line: int, keys: tuple[str, str, str]) -> dict[str, Any]:
    linecache.checkcache(file)  # a notebook's or a script's file may have changed meanwhile
    text = linecache.getline(file, line).strip()[:_TEXT_LIMIT]
    return {keys[0]: file, keys[1]: line, **({keys[2]: text} if text else {})}


def _links(error: BaseException) -> list[BaseException]:
    """The error and its causes, as Python would print them, the outermost first."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while (
        link is not None and not any(link is known for known in links) and len(links) < _MAX_LINKS
    ):
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return links


def full_name(kind: type) -> str:
    """A class's name with its module, builtins without."""
    name, module = kind.__qualname__, kind.__module__
    # A class of C++ may have its module in both: torch.jit.ScriptFunction.
    return name if module == "builtins" or name.startswith(f"{module}.") else f"{module}.{name}"


def message_of(error: BaseException) -> str:
    """What the exception prints; a user's exception may fail at that."""
    try:
        return str(error)
    except Exception as own:  # it is the user's code
        if goes_on(own):
            raise
        return f"<{type(error).__name__} without a printable message>"


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """Frame and line of each entry of the error's traceback, the outermost first."""
    entry = error.__traceback__
    while entry is not None:
        yield entry.tb_frame, entry.tb_lineno
        entry = entry.tb_next


def _is_users(code: CodeType) -> bool:
    file = code.co_filename
    if file.startswith("<"):
        return file.startswith(("<stdin", "<ipython"))
    return not (
        "site-packages" in file
        or "dist-packages" in file
        or file.startswith((_OUR_FOLDER, sys.base_prefix + "/lib/"))
    )


def _calling_frame() -> FrameType | None:
    """The innermost frame of the user's own that is still running."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # inspect.stack reads every source
    while frame is not None and not _is_users(frame.f_code):
        frame = frame.f_back
    return frame


def _running_module(frames: list[tuple[FrameType, int]]) -> Any:
    """The innermost torch module whose method is on the traceback."""
    nn = getattr(sys.modules.get("torch"), "nn", None)
    if nn is None:
        return None
    for frame, _line in reversed(frames):
        if frame.f_code.co_varnames[:1] == ("self",):
            owner = frame.f_locals.get("self")
            wrapped = type(owner).__module__.startswith(
                ("torch.jit", "torch.onnx", "torch.export")
            )
            if isinstance(owner, nn.Module) and not wrapped:
                return owner
    return None


class ModulePaths:
    """The paths of a model's modules, found by the scopes of TorchScript nodes.

    torch's scope has of each module the end of its name only: `Encoder::/Block::blocks.0/Mix::mix`
    is `blocks.0.mix`.

    Args:
        model: the user's model; what is no module has no paths.
    """

    def __init__(self, model: Any) -> None:
        named = getattr(model, "named_modules", None)
        names = [name for name, _module in named() if name] if callable(named) else []
        self._names = frozenset(names)
        self._by_end: dict[str, list[str]] = {}
        for name in names:
            self._by_end.setdefault(_end_of(name), []).append(name)
        self._known: dict[str, str | None] = {}  # by the scope, and by each that holds it

    def of_scope(self, scope: str) -> str | None:
        """The whole path behind a scope; None when it is not one module alone."""
        if not self._names:
            return None
        around: str | None = ""
        end = 0
        while around is not None and end < len(scope):
            begin = end
            end = scope.find("/", begin + 1)
            end = len(scope) if end < 0 else end
            outer = scope[:end]
            if outer not in self._known:
                name = scope[begin:end].rpartition("::")[2].strip("/")
                self._known[outer] = self._inside(around, name) if name else around
            around = self._known[outer]
        return around

    def _inside(self, around: str, end: str) -> str | None:
        """The only module inside `around` with this end of a name, of the least depth."""
        begin = f"{around}." if around else ""
        fitting = [name for name in self._by_end.get(end, ()) if name.startswith(begin)]
        if begin + end in self._names and around and begin + end not in fitting:
            fitting.append(begin + end)
        shortest = min((name.count(".") for name in fitting), default=0)
        fitting = [name for name in fitting if name.count(".") == shortest]
        return fitting[0] if len(fitting) == 1 else None


@functools.lru_cache(4096)
def _end_of(name: str) -> str:
    """As torch shortens a module's name: from its last part that is no number on."""
    parts = name.split(".")
    first = max((at for at, part in enumerate(parts) if not part.isnumeric()), default=0)
    return ".".join(parts[first:])


def _path_of(module: Any, call: Call) -> str | None:
    """The module's name below the exported model; None when it is not found there."""
    model = call.export.outermost.argument("model")
    named = getattr(model, "named_modules", None)
    if named is None:
        return None
    return next((name for name, other in named() if other is module), None)
