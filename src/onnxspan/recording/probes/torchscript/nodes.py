"""What is known of one node while `_jit_pass_onnx` converts it.

C++ calls `_run_symbolic_function(graph, block, node, inputs, env, ...)` positionally; from
torch 2.5 on, `new_nodes`, the list of ONNX nodes made so far, is the seventh argument.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from onnxspan import conventions as c
from onnxspan.recording.call import Call

_NODE, _NEW_NODES = 2, 6
_TRACER = os.path.join("jit", "_trace.py")
# C++ prints a traced node's call stack as `/path/file.py(12): forward`, innermost first, and a
# scripted node's place as `  File "/path/file.py", line 12`, with the source text below it.
_TRACED = re.compile(r"^(?P<file>.+)\((?P<line>\d+)\): (?P<function>\S+)\s*$", re.MULTILINE)
_SCRIPTED = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+)$', re.MULTILINE)


class Known:
    """What was looked up once in this export.

    Attributes:
        functions: by operator, the dotted name of its symbolic function; None where none is known.
        sources: by torch's text of a call stack, file and line of the model; None without one.
    """

    def __init__(self) -> None:
        self.functions: dict[str, str | None] = {}
        self.sources: dict[str, tuple[str, int] | None] = {}


def symbolic_operator(args: tuple[Any, ...]) -> str:
    """The operator that is being converted, as `aten::linear`."""
    return args[_NODE].kind()  # type: ignore[no-any-return]  # a string


def method_operator(args: tuple[Any, ...]) -> str:
    """The autograd function whose own `symbolic` is run."""
    return f"prim::PythonOp {args[1]}"


def first_argument_kind(args: tuple[Any, ...]) -> str:
    """The operator of the node that is the first argument."""
    return args[0].kind()  # type: ignore[no-any-return]  # a string


def describe_symbolic(call: Call) -> None:
    """Symbolic function, module path, and the line of the user's model."""
    node = call.args[_NODE]
    attributes = call.attributes
    functions = call.export.state(Known).functions
    operator = call.operator
    if operator not in functions:
        functions[operator] = _look_up(call, operator)
    function = functions[operator]
    if function is not None:
        attributes[c.NODE_FUNCTION] = function
    scope = node.scopeName()
    if scope:
        attributes[c.NODE_SCOPE] = scope
    # torch puts the whole call stack into words for this, the longest part of a node's span; a
    # constant's line is that of the operator which uses it.
    if operator != "prim::Constant":
        _note_source(call, node)
    if len(call.args) > _NEW_NODES:
        call.scratch = len(call.args[_NEW_NODES])


def failed_symbolic(call: Call, _error: BaseException) -> None:
    """The line of a constant, now that it matters."""
    if c.LINE not in call.attributes:
        _note_source(call, call.args[_NODE])


def failed_pass(call: Call, _error: BaseException) -> None:
    """The autograd Functions in the graph of a failed pass: messages of C++ passes name no node."""
    graph = next((one for one in call.args if hasattr(one, "findAllNodes")), None)
    if graph is None:
        return
    found = dict.fromkeys(
        f"{node.pyname()}{_in_module(node.scopeName())}"
        for node in graph.findAllNodes("prim::PythonOp")
    )
    if found:
        call.attributes[c.AUTOGRAD_FUNCTIONS] = list(found)[:_MAX_FUNCTIONS]


_MAX_FUNCTIONS = 8


def _in_module(scope: str) -> str:
    """` in window (Window)` for a scope such as `Net::/__main__.Window::window`."""
    kind, _, path = scope.rpartition("/")[2].partition("::")
    kind = kind.rpartition(".")[2]
    return f" in {path} ({kind})" if path else ""


def _note_source(call: Call, node: Any) -> None:
    text = node.sourceRange()
    # Each layer of a model has the same few lines.
    sources = call.export.state(Known).sources
    if text in sources:
        source = sources[text]
    else:
        source = sources[text] = source_of(text)
    if source is not None:
        call.attributes[c.FILE], call.attributes[c.LINE] = source


def after_symbolic(call: Call, _result: Any) -> None:
    """How many ONNX nodes came out."""
    if call.scratch is not None:
        call.attributes[c.NODE_PRODUCED] = len(call.args[_NEW_NODES]) - call.scratch


def describe_method(call: Call) -> None:
    """An autograd function with a `symbolic` of its own."""
    symbolic = call.args[2]
    call.note(c.NODE_FUNCTION, f"{symbolic.__module__}.{symbolic.__qualname__}")


def _look_up(call: Call, operator: str) -> str | None:
    """The dotted name of the function that torch's registry has for the operator."""
    # As _run_symbolic_function does it: relu_ is converted by relu.
    module = sys.modules.get(
        "torch.onnx._internal.torchscript_exporter.registration"
    ) or sys.modules.get("torch.onnx._internal.registration")
    registry = getattr(module, "registry", None)
    if registry is None:
        return None
    group = registry.get_function_group(operator.removesuffix("_"))
    opset = call.export.outermost.attributes.get(c.OPSET)
    function = group.get(opset) if group is not None and opset is not None else None
    if function is None:
        return None
    function = getattr(function, "func", function)  # symbolics made by functools.partial
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '?')}.{name}"


def source_of(text: str) -> tuple[str, int] | None:
    """File and line where the user's model called the operator; None when torch knows none.

    The innermost frame outside torch's own files, else (a model that is itself one of torch's
    modules) the innermost. What called the tracer is the exporter, and us, and no model.
    """
    torch_folder = os.path.join(os.path.dirname(sys.modules["torch"].__file__ or ""), "")
    innermost: tuple[str, int] | None = None
    for match in (_SCRIPTED if text.startswith("  File ") else _TRACED).finditer(text):
        file, line = match["file"], int(match["line"])
        if not file.startswith(torch_folder):
            return file, line
        if file == torch_folder + _TRACER:
            break
        innermost = innermost or (file, line)
    return innermost
