"""What to try next, for the failures that are well known. A hint is true or it is not there.

Each row is a pattern over the exception's chain (`Type: message` lines) and the text; groups
of the pattern may stand in the text.
"""

from __future__ import annotations

import re
from typing import Any

_TORCHSCRIPT, _DYNAMO = "torchscript", "dynamo"

HINTS: tuple[tuple[str, str, str], ...] = (
    (
        "",
        r"Support for this operator was added in version (?P<opset>\d+)",
        "Export with opset_version={opset}: that opset has the operator.",
    ),
    (
        _TORCHSCRIPT,
        (
            r"UnsupportedOperatorError: Exporting the operator '(?P<op>[\w:]+)' to ONNX opset version "
            r"(?P<opset>\d+) is not supported(?!\. Support for)"
        ),
        (
            "No opset up to this one has a conversion: write one and register it with "
            "torch.onnx.register_custom_op_symbolic('{op}', function, {opset}), or write the "
            "model's line with other operators; the other exporter (dynamo=True) has its own list."
        ),
    ),
    (
        _DYNAMO,
        r"No ONNX function found for <OpOverload\(op='(?P<op>[\w.]+)', overload='(?P<overload>\w+)'\)",
        (
            "Give a conversion written with onnxscript: torch.onnx.export(..., "
            "custom_translation_table={{torch.ops.{op}.{overload}: function}}), or write the model's "
            "line with other operators."
        ),
    ),
    (
        "",
        r"DataParallel is not supported",
        "Export the model inside the wrapper: torch.onnx.export(model.module, ...).",
    ),
    (
        "",
        (
            r"Only tuples, lists and Variables are supported as JIT inputs|Unsupported input type <class"
            r"|Found <class '.*'> in output, which is not a known type"
        ),
        (
            "Pass and return tensors, or tuples, lists and dicts of tensors; take other objects apart in a small "
            "wrapping module, or register the class with torch.utils._pytree.register_dataclass or "
            "torch.export.register_dataclass (dynamo only)."
        ),
    ),
    (
        "",
        (
            r"Only tensors, lists, tuples of tensors, or dictionary of tensors can be output"
            r"|Error when translating node return \("
        ),
        "Return tensors only, or tuples, lists and dicts of them, from forward.",
    ),
    (
        "",
        r"GuardOnDataDependentSymNode|data-dependent (branching|expression|control flow)",
        (
            "An `if`, loop or index depends on a tensor's values: use torch.cond or torch.where, "
            "state what holds with torch._check(...), or move the decision out of forward."
        ),
    ),
    (
        _DYNAMO,
        r"Failed to convert 'dynamic_axes' to 'dynamic_shapes'",
        (
            "Compare the names in dynamic_axes with input_names (a name that no input has fails "
            "here), or pass dynamic_shapes=, the form of this exporter."
        ),
    ),
    (
        _DYNAMO,
        r"^in _rename_dynamic_axes: IndexError",
        (
            "dynamic_axes or dynamic_shapes names a dimension that the input does not have: count "
            "from 0."
        ),
    ),
    (
        _DYNAMO,
        r"its top-level keys must be the arg names \[(?P<names>[^\]]*)\]",
        "The keys of dynamic_shapes are the names of forward's parameters, here {names}.",
    ),
    (
        "",
        r"Constraints violated|ConstraintViolationError",
        (
            "The model needs a relation between dimensions, or a fixed size, that the dynamic shapes "
            "do not state: torch's message names the dimension and what to write for it."
        ),
    ),
    (
        "",
        r"Unsupported onnx_opset_version: (?P<opset>\d+)|Unsupported ONNX opset version: (?P<other>\d+)",
        "This exporter does not know that opset: leave opset_version out to get its default.",
    ),
    (
        _TORCHSCRIPT,
        r"operator with unrecognized namespace (?P<op>\w+::\w+)",
        (
            "torch has no conversion of your own operator: write one and register it with "
            "torch.onnx.register_custom_op_symbolic('{op}', function, opset)."
        ),
    ),
    (
        _TORCHSCRIPT,
        r"axis should be no more than the shape dimension",
        "dynamic_axes names a dimension that the tensor does not have: count from 0.",
    ),
    (
        "",
        r"TypeError: export\(\) got an unexpected keyword argument '(?P<name>\w+)'",
        (
            "torch.onnx.export of this torch takes no '{name}': misspelt, or removed since; "
            "help(torch.onnx.export) has what it takes."
        ),
    ),
    (
        "",
        r"'function' object has no attribute 'modules'|Expected `mod` to be an instance of",
        "A function cannot be exported: put it into the forward of an nn.Module.",
    ),
    (
        "",
        (
            r"device meta is not on the expected device|at least two devices, .*\bmeta\b"
            r"|[Cc]annot (be called on|copy out of) meta tensor"
        ),
        "A part of the model lies on the device `meta`, without data: load its weights first.",
    ),
    (
        _DYNAMO,
        r"LinearPackedParamsBase|quantized\.\w+PackedParams",
        (
            "Packed quantized parameters cannot be captured: export the float model, and quantize "
            "the ONNX file."
        ),
    ),
    (
        "",
        r"missing \d+ required positional arguments?|missing a required argument",
        (
            "The example inputs do not fit forward: check args= and kwargs=; model(*args, **kwargs) "
            "must run first."
        ),
    ),
    (
        _DYNAMO,
        r"Exporting a ScriptModule is not supported",
        "Export the plain nn.Module, or take the other exporter: dynamo=False.",
    ),
    (
        "",
        r"output size that are not factor of input size",
        (
            "The output size of adaptive pooling must divide the input's: choose another size, or "
            "write the pooling with a fixed kernel."
        ),
    ),
    (
        "",
        r"No module named '(?P<module>onnxscript|onnx|onnxruntime)'",
        "The exporter needs it: pip install {module}.",
    ),
    (
        "",
        r"FileNotFoundError: \[Errno 2\] No such file or directory",
        "The folder to write into does not exist: make it first.",
    ),
    (
        "",
        r"larger than the 2GiB limit|exceeds maximum protobuf size of 2GB",
        (
            "One protobuf holds less than 2 GiB: pass a file name, not a buffer, so that weights go "
            "to external data (external_data=True with dynamo=True)."
        ),
    ),
    (
        "",
        r"can't allocate memory|^MemoryError|OutOfMemoryError",
        (
            "Memory ran out: look at memory per stage with `onnxspan show`; export on the CPU, and "
            "free what the model does not need first."
        ),
    ),
    (
        "",
        (
            r"^(RuntimeError: (shape '\[.*\]' is invalid for input|mat1 and mat2 shapes|The size of tensor a|Expected tensor for argument)"
            r"|IndexError: Dimension out of range)"
        ),
        "The model itself fails on these inputs: make model(*args) run first, then export.",
    ),
)
"""Exporter (or any), pattern, text."""


_FUNCTIONS = (
    "The graph of this pass calls torch.autograd.Function: {names}. C++ passes know little of such "
    "calls: export once without them to see whether one is the cause, e.g. with their forward "
    "written as a plain function."
)


def hints_for(
    chain: list[str], exporter: str, where_raised: str = "", functions: Any = None
) -> list[str]:
    """The hints that fit an exception's chain.

    Args:
        chain: `Type: message` of the exception and its causes, the outermost first.
        exporter: its hints only; empty when unknown.
        where_raised: the span's name, for messages that say nothing without it; a pattern finds
            it as `in NAME: Type: message`.
        functions: the autograd Functions in the graph of a pass that failed, if it said any.
    """
    found = []
    if isinstance(functions, list) and functions:
        found.append(_FUNCTIONS.format(names=", ".join(map(str, functions))))
    links = [*chain, f"in {where_raised}: {chain[-1]}"] if where_raised and chain else chain
    for where, pattern, text in HINTS:
        if where and exporter and where != exporter:
            continue
        match = next((m for link in links if (m := re.search(pattern, link, re.MULTILINE))), None)
        if match is not None:
            found.append(text.format(**match.groupdict()))
    return found
