"""Where in the user's model a stage failed: the operator, the module path, the file and line.

torch's exceptions seldom say all of it in their text, but the frames they passed through do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.graphs.dynamo import target_name
from onnxspan.recording.probes.dynamo.nodes import is_users, node_attributes

if TYPE_CHECKING:
    from onnxspan.recording.call import Call


def failed_stage(call: Call, error: BaseException) -> None:
    """Describe a failure on the innermost span that it leaves; the outer ones say less."""
    if call.export.failure is error or _is_caused_by(error, call.export.failure):
        return
    frames = _frames(error)
    node = _translated_node(frames) or _writer_to_constant(call, error)
    if node is not None:
        call.attributes.update(node_attributes(node))
        return
    line = _users_line(frames) or _line_of_dynamo(error)
    if line is not None:
        call.attributes[c.FILE], call.attributes[c.LINE] = line
    call.note(c.NODE_OPERATOR, _operator(frames, error))
    call.note(c.NODE_SCOPE, _module_path(call, frames))


def _is_caused_by(error: BaseException, known: BaseException | None) -> bool:
    """Whether the error only passes one on that is described already."""
    cause = error.__cause__
    while cause is not None:
        if cause is known:
            return True
        cause = cause.__cause__
    return False


def _frames(error: BaseException) -> list[tuple[Any, int]]:
    """The frames that the error left, outermost first, each with its line."""
    frames = []
    entry = error.__traceback__
    while entry is not None:
        frames.append((entry.tb_frame, entry.tb_lineno))
        entry = entry.tb_next
    return frames


def _translated_node(frames: list[tuple[Any, int]]) -> Any:
    """The fx node that an interpreter or the translation was at, if it was at one."""
    names = {"run_node": "n", "_translate_fx_graph": "node"}
    for frame, _line in reversed(frames):
        name = names.get(frame.f_code.co_name)
        node = frame.f_locals.get(name) if name is not None else None
        if hasattr(node, "op") and hasattr(node, "meta"):
            return node
    return None


def _writer_to_constant(call: Call, error: BaseException) -> Any:
    """The node that writes to a constant, when torch refuses that and names the constant only."""
    refused = _MUTATED.search(str(error))
    program = next((one for one in call.args if hasattr(one, "graph_signature")), None)
    if refused is None or program is None:
        return None
    specs = program.graph_signature.input_specs
    named = {spec.arg.name for spec in specs if spec.target == refused[1]}
    readers = [
        reader
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in named
        for reader in node.users
        if reader.op == "call_function"
    ]
    writes = (one for one in readers if _is_mutable(one))
    return next(writes, next(iter(readers), None))


_MUTATED = re.compile(r"Constant (\S+) is mutated")


def _is_mutable(node: Any) -> bool:
    return bool(getattr(getattr(node.target, "_schema", None), "is_mutable", False))


def _users_line(frames: list[tuple[Any, int]]) -> tuple[str, int] | None:
    for frame, line in reversed(frames):
        if is_users(frame.f_code.co_filename):
            return frame.f_code.co_filename, line
    return None


def _line_of_dynamo(error: BaseException) -> tuple[str, int] | None:
    """Strict capture runs no frame of the user's: dynamo keeps the stack it has read."""
    stack = getattr(error, "real_stack", None)
    for summary in reversed(list(stack or ())):
        if is_users(summary.filename):
            return summary.filename, summary.lineno or 0
    return None


def _operator(frames: list[tuple[Any, int]], error: BaseException) -> str | None:
    """The operator under way: the one the error names, or the innermost that was dispatched."""
    named = getattr(error, "func", None)
    if hasattr(named, "_schema"):
        return target_name(named)
    for frame, _line in reversed(frames):
        if frame.f_code.co_name in ("__torch_dispatch__", "__torch_function__"):
            target = frame.f_locals.get("func")
            if target is not None:
                return target_name(target)
    return None


def _module_path(call: Call, frames: list[tuple[Any, int]]) -> str | None:
    """The path of the innermost module of the model whose code was running."""
    model = call.export.outermost.argument("model")
    if not hasattr(model, "named_modules"):
        return None
    paths = {id(module): path for path, module in model.named_modules()}
    for frame, _line in reversed(frames):
        path: str | None = paths.get(id(frame.f_locals.get("self")))
        if path:
            return path
    line = call.attributes.get(c.LINE) if not _users_line(frames) else None
    return _only_module_at(model, call.attributes.get(c.FILE), line) if line else None


def _only_module_at(model: Any, file: Any, line: int) -> str | None:
    """The module whose `forward` holds a line, if there is no other such."""
    found: list[str] = []
    for path, module in model.named_modules():
        code = getattr(type(module).forward, "__code__", None)
        if code is not None and code.co_filename == file:
            lines = [number for _start, _end, number in code.co_lines() if number]
            if code.co_firstlineno <= line <= max(lines):
                found.append(path)
    return (found[0] or None) if len(found) == 1 else None
