"""What is known of one fx node while it is translated to ONNX, and of the node that failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording import spans
from onnxspan.recording.graphs.dynamo import target_name

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

# A node's stack_trace, and a traceback: `  File "/path/model.py", line 12, in forward`.
_SOURCE_LINE = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+)', re.MULTILINE)
# An item of an `nn_module_stack`: `getattr(L['self'].inner, '0')`.
_GETATTR = re.compile(r"getattr\(([^()]*), '([^']*)'\)")
_OF_SELF = re.compile(r"^L\['\w+'\]\.?")
_NOT_USERS = ("/site-packages/torch/", "<onnxspan", "<eval_with_key>", "<string>", "<frozen")
_MESSAGE_LIMIT = 2_000


def called_target(args: tuple[Any, ...]) -> str:
    """The target of the `call_function` node that is the second argument."""
    return target_name(args[1].target)


def first_op(args: tuple[Any, ...]) -> str:
    """The kind (`placeholder`, `get_attr`, `output`) of the node that is the first argument."""
    return str(args[0].op)


def tracked_target(args: tuple[Any, ...]) -> str:
    """The target of the node that the second argument, proxies in lists and tuples, stands for.

    The inputs are tracked all at once: `placeholder`.
    """
    found = args[1]
    while isinstance(found, list | tuple) and found:
        found = found[0]
    node = getattr(found, "node", None)
    if node is None:
        return "?"
    return target_name(node.target) if node.op == "call_function" else str(node.op)


def dispatched_target(args: tuple[Any, ...]) -> str:
    """The target of the node that is the first argument."""
    return target_name(args[0].target)


def recorded_operator(args: tuple[Any, ...]) -> str:
    """The ONNX operator that OpRecorder adds: its schema is the second argument."""
    return f"{args[1].domain or 'onnx'}::{args[1].name}"


def describe_called(call: Call) -> None:
    """Target, module path and source line, for a span or a failure."""
    _describe(call, call.args[1])
    graph = call.kwargs.get("graph_like")
    call.scratch = len(graph) if graph is not None else None


def describe_first(call: Call) -> None:
    """Likewise for the handlers whose first argument is the node."""
    _describe(call, call.args[0])


def after_called(call: Call, _result: Any) -> None:
    """How many ONNX nodes came out."""
    if call.scratch is not None:
        call.attributes[c.NODE_PRODUCED] = len(call.kwargs["graph_like"]) - call.scratch


def note_dispatch(call: Call, args: tuple[Any, ...], result: Any) -> None:
    """Which function was chosen, and why the others were not, for the node's span around."""
    if call.probe.per_node is None:
        return
    function, message = result
    call.attributes[c.NODE_DISPATCH] = message[:_MESSAGE_LIMIT]
    if function is not None:
        call.attributes[c.NODE_FUNCTION] = function_name(function)
    refused = refusals(args[0], args[1], function)
    if refused:
        call.attributes[c.NODE_REFUSED] = refused


def failed_call(call: Call, error: BaseException) -> None:
    """What dispatch knows of the node that could not be translated."""
    registry = call.kwargs.get("registry")
    if type(error).__name__ == "DispatchError":
        call.attributes[c.NODE_DISPATCH] = spans.short(str(error), _MESSAGE_LIMIT)
        refused = refusals(call.args[1], registry, None)
        if refused:
            call.attributes[c.NODE_REFUSED] = refused
    elif c.NODE_FUNCTION not in call.attributes and registry is not None:
        taken = registry.get_decomps(call.args[1].target)
        if len(taken) == 1:
            call.attributes[c.NODE_FUNCTION] = function_name(taken[0].onnx_function)


def refusals(node: Any, registry: Any, chosen: Any) -> list[str]:
    """The translations of a node's target that were not taken, each with the reason."""
    listed = []
    for meta in registry.get_decomps(node.target) if registry is not None else ():
        if meta.onnx_function is chosen:
            continue
        if chosen is None:
            reason = "is for complex inputs" if meta.is_complex else "is for real inputs"
        else:
            reason = "is for complex inputs" if meta.is_complex else "comes after the one taken"
        listed.append(f"{function_name(meta.onnx_function)}: {reason}")
    return listed


def function_name(function: Any) -> str:
    """The dotted name of an ONNX function: torch's own or torchlib's."""
    function = getattr(function, "function", function)  # onnxscript wraps the Python function
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return f"{getattr(function, '__module__', '?')}.{name}"


def _describe(call: Call, node: Any) -> None:
    operator = target_name(node.target) if node.op == "call_function" else f"{node.op}"
    call.name = operator
    if call.span is not None:
        call.span.update_name(operator)
    call.attributes.update(node_attributes(node))


def node_attributes(node: Any) -> dict[str, Any]:
    """Target, module path, file and line of an fx node, as far as it knows them."""
    found: dict[str, Any] = {c.NODE_OPERATOR: target_name(node.target)}
    stack = node.meta.get("nn_module_stack")
    if stack:
        path = list(stack.values())[-1][0]
        if path:
            found[c.NODE_SCOPE] = module_path(str(path))
    line = users_line(node.meta.get("stack_trace") or "")
    if line is not None:
        found[c.FILE], found[c.LINE] = line
    return found


def module_path(text: str) -> str:
    """A module's path as `get_submodule` takes it.

    Args:
        text: as an `nn_module_stack` has it: `inner.0`, `L['self'].inner` or, from strict
            captures of torch up to 2.8, `getattr(L['self'].inner, '0')`.
    """
    while (shorter := _GETATTR.sub(r"\1.\2", text)) != text:
        text = shorter
    return _OF_SELF.sub("", text)


def users_line(stack_trace: str) -> tuple[str, int] | None:
    """The innermost line of a printed stack that is not torch's own, else the innermost."""
    lines = [(match["file"], int(match["line"])) for match in _SOURCE_LINE.finditer(stack_trace)]
    for line in reversed(lines):
        if is_users(line[0]):
            return line
    return lines[-1] if lines else None


def is_users(file: str) -> bool:
    """Whether a file is the user's: not torch's, not made up, not a wrapper."""
    return not any(part in file.replace("\\", "/") for part in _NOT_USERS)


def rule_name(args: tuple[Any, ...]) -> str:
    """The rewrite rule that is tried: its name, else that of the function that replaces."""
    rule = args[0]
    if rule.name:
        return str(rule.name)
    function = getattr(getattr(rule, "_replacement_pattern", None), "_function", None)
    return str(getattr(function, "__name__", "") or "a rule without a name")


def folded_operator(args: tuple[Any, ...]) -> str:
    """The operator of the ONNX node that is the second argument."""
    return f"{args[1].domain or 'onnx'}::{args[1].op_type}"


def registered(_args: tuple[Any, ...]) -> str:
    """All registered functions share a sum."""
    return "registered functions"


def overridden(_args: tuple[Any, ...]) -> str:
    """All operators whose decomposition is overridden share a sum."""
    return "overridden decompositions"


def note_rule(call: Call, args: tuple[Any, ...], result: Any) -> None:
    """Count the nodes that the rule has matched, for the span of the rewriter."""
    if result is not None:
        matched = call.scratch = call.scratch or {}
        name = rule_name(args)
        matched[name] = matched.get(name, 0) + 1
