"""The size of what a stage or pass of the dynamo exporter returned, written on its span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording.graphs import dynamic, dynamo, torchscript

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

_MAX_SYMBOLS = 64
_HAS_GRAPHS = "dynamo.has_graphs"
_ASKED = "dynamo.dynamic.asked"
_DYNAMIC = "dynamo.dynamic"
_FIXED = "dynamo.dynamic.fixed"
_NAMED = "dynamo.dynamic.named"


def note_fx(call: Call, graph_module: Any) -> None:
    """Nodes, inputs and outputs of a GraphModule; the change is against the count before."""
    graph = graph_module.graph
    nodes = dynamo.fx_nodes(graph_module)
    if isinstance(call.scratch, int):
        call.attributes[c.NODES_CHANGE] = nodes - call.scratch
    outputs = next(iter(graph.find_nodes(op="output")), None)
    given = outputs.args[0] if outputs is not None and outputs.args else ()
    size = torchscript.GraphSize(
        nodes,
        len(graph.find_nodes(op="placeholder")),
        len(given) if isinstance(given, list | tuple) else 1,
    )
    call.export.size = size
    call.attributes[c.GRAPH_KIND] = "fx"
    call.attributes[c.NODES] = size.nodes
    call.attributes[c.INPUTS] = size.inputs
    call.attributes[c.OUTPUTS] = size.outputs


def before_fx(call: Call) -> None:
    """Remember the last count of the fx graph before this stage began."""
    if call.export.size is not None:
        call.scratch = call.export.size.nodes


def note_program(call: Call, program: Any) -> None:
    """Size of an ExportedProgram: graph, parameters, buffers, constants, symbolic dimensions."""
    note_fx(call, program.graph_module)
    count, size = torchscript.tensors_size(program.parameters())
    call.attributes[c.PARAMETERS], call.attributes[c.PARAMETER_BYTES] = count, size
    count, size = torchscript.tensors_size(program.buffers())
    call.attributes[c.BUFFERS], call.attributes[c.BUFFER_BYTES] = count, size
    names = set(program.graph_signature.buffers)
    constants = [value for name, value in program.constants.items() if name not in names]
    count, size = torchscript.tensors_size(constants)
    call.attributes[c.CONSTANTS], call.attributes[c.CONSTANT_BYTES] = count, size
    _note_dynamic(call, dynamo.program_dynamic(program))
    _note_ends(call, program)


def _note_ends(call: Call, program: Any) -> None:
    """Write where symbols end that no output has; keep where those end that an output names."""
    root, named = call.export.outermost.attributes, call.export.notes.setdefault(_NAMED, {})
    ends = dynamic.ends_in_program(program)
    for end in ends:
        if end.is_named:
            named.setdefault(end.symbol, f"{end.text}; seen after {call.name}")
    lost = [f"{end.text}; seen after {call.name}" for end in ends if not end.is_named]
    if lost and c.DYNAMIC_ENDS not in root:
        root[c.DYNAMIC_ENDS] = lost[:_MAX_SYMBOLS]


def note_model(call: Call, model: Any) -> None:
    """Size of an onnx_ir model: nodes, functions, initializers, symbolic dimensions."""
    call.export.notes[_HAS_GRAPHS] = dynamo.ir_has_graphs(model)
    note_nodes(call, model)
    count, size = dynamo.ir_initializers(model)
    call.attributes[c.PARAMETERS], call.attributes[c.PARAMETER_BYTES] = count, size
    _note_dynamic(call, dynamo.ir_dynamic(model))


def note_nodes(call: Call, model: Any, before: int | None = None) -> None:
    """What of an onnx_ir model's size costs nothing to read."""
    nodes = count_nodes(call, model)
    call.attributes[c.GRAPH_KIND] = "onnx"
    call.attributes[c.NODES] = nodes
    call.attributes[c.INPUTS] = len(model.graph.inputs)
    call.attributes[c.OUTPUTS] = len(model.graph.outputs)
    call.attributes[c.FUNCTIONS] = len(model.functions)
    call.attributes[c.PARAMETERS] = len(model.graph.initializers)
    if before is not None:
        call.attributes[c.NODES_CHANGE] = nodes - before


def note_change(call: Call, model: Any, before: tuple[int, int]) -> None:
    """What a pass changed, given the nodes and initializers before it; dimensions if it did."""
    note_nodes(call, model, before[0])
    call.attributes[c.PARAMETERS_CHANGE] = len(model.graph.initializers) - before[1]
    note_dynamic_change(call, model)


def note_dynamic_change(call: Call, model: Any) -> None:
    """The symbolic dimensions of an onnx_ir model, if they are others than at the last count."""
    dynamic = dynamo.ir_dynamic(model)
    if dynamic != call.export.notes.get(_DYNAMIC):
        _note_dynamic(call, dynamic)


def count_nodes(call: Call, model: Any) -> int:
    """Nodes of an onnx_ir model; the walk into If and Loop is spared to a model without."""
    if _HAS_GRAPHS not in call.export.notes:
        call.export.notes[_HAS_GRAPHS] = dynamo.ir_has_graphs(model)
    if call.export.notes[_HAS_GRAPHS]:
        return dynamo.ir_nodes(model)
    return dynamo.ir_nodes_flat(model)


def ask_dynamic(call: Call, asked: list[str]) -> None:
    """Remember the dimensions that a capture is asked to keep symbolic."""
    notes = call.export.notes
    notes[_ASKED] = asked
    notes.pop(_DYNAMIC, None)
    notes.pop(_FIXED, None)
    notes.pop(_NAMED, None)


def _note_dynamic(call: Call, dynamic: dynamo.DynamicDimensions) -> None:
    inputs = dynamo.symbolic(dynamic.inputs)
    call.attributes[c.DYNAMIC_INPUTS] = inputs
    call.attributes[c.DYNAMIC_OUTPUTS] = dynamo.symbolic(dynamic.outputs)
    call.attributes[c.DYNAMIC_SYMBOLS] = dynamic.symbols[:_MAX_SYMBOLS]
    lost = _without_named(call, _lost(call.export.notes, dynamic, inputs))
    if lost:
        call.attributes[c.DYNAMIC_LOST] = lost[:_MAX_SYMBOLS]


def _without_named(call: Call, lost: list[str]) -> list[str]:
    """Those that are lost in this step; of a symbol that had ended before, the root says where.

    A step that computes shapes finds that the name in an output's shape was not true any more.
    """
    named: dict[str, str] = call.export.notes.get(_NAMED, {})
    found = []
    for one in lost:
        text = named.get(one.partition(" was ")[2])
        if text is None:
            found.append(one)
            continue
        ends = call.export.outermost.attributes.setdefault(c.DYNAMIC_ENDS, [])
        if text not in ends and len(ends) < _MAX_SYMBOLS:
            ends.append(text)
    return found


def _lost(notes: dict[str, Any], dynamic: dynamo.DynamicDimensions, inputs: int) -> list[str]:
    """What is no longer dynamic, against what was asked for or the last count."""
    asked, before = notes.pop(_ASKED, None), notes.get(_DYNAMIC)
    notes[_DYNAMIC] = dynamic
    lost = []
    missing = len(asked or ()) - inputs - dynamic.scalars
    if asked and missing > 0:
        lost.append(f"{missing} of {len(asked)} asked for ({', '.join(asked[:_MAX_SYMBOLS])})")
    elif before is not None:
        lost += dynamo.lost("input", before.inputs, dynamic.inputs)
        lost += dynamo.lost("output", before.outputs, dynamic.outputs)
    known = notes.setdefault(_FIXED, set())
    for symbol, number in dynamic.fixed:
        places = dynamo.named("input", dynamic.inputs, symbol)
        if places and symbol not in known:
            known.add(symbol)
            lost.append(f"{symbol} can only be {number} ({', '.join(places)})")
    return lost
