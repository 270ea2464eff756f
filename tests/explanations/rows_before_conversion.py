"""Sentences about passes before the conversion to ONNX, and graphs that prove them."""

from graph_rows import (
    Row,
    becomes,
    both,
    fewer,
    grows,
    more,
    nodes,
    operators,
    same,
    shows,
    shrinks,
)

ROWS = [
    Row(
        "_jit_pass_onnx_function_substitution",
        both(
            fewer("prim::CallMethod"),
            shows("aten::relu", "scope: example.Outer::/example.Relu::inner"),
        ),
        (
            "Replaces each `prim::CallFunction` and `prim::CallMethod` by the body of what it calls.",
            "For a `forward` it notes the module's class and name as the scope of the inlined nodes.",
            "Nodes of called bodies appear in the graph.",
        ),
    ),
    Row(
        "_jit_pass_onnx_function_substitution",
        same,
        ("A `prim::CallFunction` whose function is no constant ends with an internal assertion.",),
        "graph(%f : Tensor, %x : Tensor):\n  %y : Tensor = prim::CallFunction(%f, %x)\n  return (%y)\n",
        error="INTERNAL ASSERT FAILED",
    ),
    Row(
        "_jit_pass_inline",
        both(fewer("prim::CallMethod"), lambda before, after: nodes(after) > nodes(before)),
        (
            "Puts the bodies of called functions and methods into the graph.",
            "The graph grows by the bodies.",
        ),
    ),
    Row(
        "_jit_pass_inline_fork_wait",
        both(fewer("prim::fork_0"), fewer("aten::wait"), more("aten::relu", 0)),
        (
            "Replaces `torch.jit.fork` and `wait` by a plain call.",
            "Puts the graph of a `prim::fork` in its place, and removes the `aten::wait` that waits for it.",
            "The forked graph's nodes come in, `prim::fork` and `aten::wait` go away.",
            "`y = torch.jit.wait(torch.jit.fork(torch.relu, x))` becomes `aten::relu`.",
        ),
    ),
    Row(
        "_jit_pass_inline_fork_wait",
        same,
        (
            "A future that does not come from `fork` keeps its `aten::wait`, which cannot be converted later.",
        ),
        "graph(%f : Future(Tensor)):\n  %y : Tensor = aten::wait(%f)\n  return (%y)\n",
    ),
    Row(
        "_jit_pass_onnx_autograd_function_process",
        lambda before, after: (
            "Subgraph=<Graph>" in before
            and "Subgraph" not in after
            and "block0(" not in before
            and "block0(" in after
            and grows(2)(before, after)
            and operators(after, "aten::mul") == 1
        ),
        (
            "Opens the traced body of an `autograd.Function`, so that it can be inlined.",
            "A `prim::PythonOp` carries the trace of its `forward` as a subgraph attribute.",
            "This pass turns that attribute into a block of the node.",
            "Each `prim::PythonOp` gets a block, and the nodes inside it count from now on.",
            "`class Double(torch.autograd.Function)` whose `forward` is `x * 2`: its `aten::mul` becomes visible.",
        ),
    ),
    Row(
        "_jit_pass_lower_all_tuples",
        both(fewer("prim::TupleConstruct"), shows("return (%0, %")),
        (
            "Removes tuples: every tuple becomes its elements.",
            "The tuple nodes go; a model that returns a tuple now has several outputs.",
        ),
    ),
    Row(
        "_jit_pass_lower_all_tuples",
        both(
            fewer("prim::TupleUnpack"),
            fewer("aten::relu"),
            shows("%4 : Tensor,\n      %5 : Tensor"),
        ),
        ("Then it removes dead code.",),
        "graph(%t : (Tensor, Tensor)):\n  %a : Tensor, %b : Tensor = prim::TupleUnpack(%t)\n  %k : Tensor = aten::relu(%a)\n  return (%b)\n",
    ),
    Row(
        "_jit_pass_lower_all_tuples",
        same,
        (),
        "graph(%x : Tensor, %y : Tensor, %i : int):\n  %t : (Tensor, Tensor) = prim::TupleConstruct(%x, %y)\n  %a : Tensor = prim::TupleIndex(%t, %i)\n  return (%a)\n",
        error="tuple index with non-constant index",
    ),
    Row(
        "_jit_pass_constant_propagation",
        both(
            shrinks,
            shows("prim::Constant[value= 1  1  1  1  1  1 [ CPUFloatType{2,3} ]]"),
            fewer("aten::ones"),
        ),
        (
            "Computes every node whose inputs are all constant.",
            "Runs such nodes and puts the result in as a `prim::Constant`.",
            "Usually removes nodes.",
        ),
    ),
    Row(
        "_jit_pass_constant_propagation",
        both(fewer("prim::If"), more("aten::relu", 0)),
        ("Takes the known branch of an If and drops a Loop that never runs.",),
        "graph(%x : Tensor):\n  %c : bool = prim::Constant[value=1]()\n  %y : Tensor = prim::If(%c)\n    block0():\n      %a : Tensor = aten::relu(%x)\n      -> (%a)\n    block1():\n      -> (%x)\n  return (%y)\n",
    ),
    Row(
        "_jit_pass_constant_propagation",
        both(fewer("prim::Loop"), fewer("aten::relu")),
        ("Takes the known branch of an If and drops a Loop that never runs.",),
        "graph(%x : Tensor):\n  %c : bool = prim::Constant[value=1]()\n  %n : int = prim::Constant[value=0]()\n  %y : Tensor = prim::Loop(%n, %c, %x)\n    block0(%i : int, %z : Tensor):\n      %a : Tensor = aten::relu(%z)\n      -> (%c, %a)\n  return (%y)\n",
    ),
    Row(
        "_jit_pass_constant_propagation",
        more("aten::rand", 0),
        (
            "Nodes with side effects, random ones and those that something later writes into are left alone.",
        ),
        "graph():\n  %n : int = prim::Constant[value=2]()\n  %l : int[] = prim::ListConstruct(%n)\n  %z : NoneType = prim::Constant()\n  %y : Tensor = aten::rand(%l, %z, %z, %z, %z)\n  return (%y)\n",
    ),
    Row(
        "_jit_pass_constant_propagation",
        more("aten::ones", 0),
        (
            "Nodes with side effects, random ones and those that something later writes into are left alone.",
        ),
        "graph(%x : Tensor):\n  %n : int = prim::Constant[value=2]()\n  %l : int[] = prim::ListConstruct(%n)\n  %z : NoneType = prim::Constant()\n  %y : Tensor = aten::ones(%l, %z, %z, %z, %z)\n  %w : Tensor = aten::add_(%y, %x, %n)\n  return (%w)\n",
    ),
    Row(
        "_split_tensor_list_constants",
        both(more("prim::Constant", 2), more("prim::ListConstruct", 1), grows(3)),
        (
            "Takes a constant that is a list of tensors apart into one constant per tensor.",
            "A `prim::Constant` whose value is a list of tensors becomes one `prim::Constant` per tensor and a `prim::ListConstruct` of them.",
            "Adds nodes for each such list.",
            "The old constant stays without users until the next dead code elimination.",
            "An index list of two constant tensors, as in `x[idx0, idx1]` with fixed `idx0` and `idx1`.",
        ),
    ),
    Row(
        "_jit_pass_dce",
        both(shrinks, fewer("prim::Constant")),
        (
            "Removes nodes whose results nobody uses.",
            "Marks what the outputs need and removes the rest.",
            "Fewer nodes; the result is the same.",
        ),
    ),
    Row(
        "_jit_pass_dce",
        both(more("aten::add_", 0), fewer("aten::relu")),
        (
            "A node with side effects (a print, any in-place write) stays: this variant has no alias information, so it cannot know who sees the write.",
            "An in-place write whose result nobody reads is not removed.",
        ),
        "graph(%x : Tensor):\n  %n : int = prim::Constant[value=2]()\n  %s : Tensor = aten::add_(%x, %x, %n)\n  %r : Tensor = aten::relu(%x)\n  return (%x)\n",
    ),
    Row(
        "_jit_pass_cse",
        both(shrinks, more("aten::relu", -1)),
        ("Keeps one of several nodes that compute the same.", "Fewer nodes."),
    ),
    Row(
        "_jit_pass_cse",
        more("aten::relu", -1),
        (
            "Two nodes of the same kind with the same inputs and attributes become one, also across nested blocks.",
        ),
        "graph(%x : Tensor, %c : bool):\n  %r : Tensor = aten::relu(%x)\n  %y : Tensor = prim::If(%c)\n    block0():\n      %a : Tensor = aten::relu(%x)\n      -> (%a)\n    block1():\n      -> (%x)\n  %k : Tensor = aten::mul(%r, %y)\n  return (%k)\n",
    ),
    *(
        Row(
            "_jit_pass_cse",
            same,
            (
                "Nodes that are not deterministic, have side effects, have blocks, or whose values are written to are left alone.",
            ),
            graph,
        )
        for graph in (
            "graph(%x : Tensor):\n  %z : NoneType = prim::Constant()\n  %a : Tensor = aten::rand_like(%x, %z, %z, %z, %z, %z)\n  %b : Tensor = aten::rand_like(%x, %z, %z, %z, %z, %z)\n  return (%a, %b)\n",
            "graph(%x : Tensor):\n  %a : Tensor = aten::relu(%x)\n  %b : Tensor = aten::relu(%x)\n  %i : int = prim::Constant[value=1]()\n  %c : Tensor = aten::add_(%b, %x, %i)\n  return (%a, %c)\n",
            "graph(%x : Tensor, %c : bool):\n  %a : Tensor = prim::If(%c)\n    block0():\n      -> (%x)\n    block1():\n      -> (%x)\n  %b : Tensor = prim::If(%c)\n    block0():\n      -> (%x)\n    block1():\n      -> (%x)\n  return (%a, %b)\n",
        )
    ),
    Row(
        "_jit_pass_canonicalize_graph_fuser_ops",
        both(
            becomes("aten::chunk", "prim::ConstantChunk"),
            fewer("prim::ListUnpack"),
            shows("chunks=2, dim=0"),
        ),
        (
            "An `aten::chunk` with constant arguments whose list is unpacked becomes `prim::ConstantChunk` with one output per chunk.",
            "Then it removes dead code.",
            "`aten::chunk` and `prim::ListUnpack` become one node.",
        ),
    ),
    Row(
        "_jit_pass_canonicalize_graph_fuser_ops",
        same,
        (
            "A size that does not divide evenly gives fewer chunks than asked; then `chunk` is left as it is, and the symbolic function has to cope.",
        ),
        "graph(%x : Float(5, 3)):\n  %i : int = prim::Constant[value=4]()\n  %d : int = prim::Constant[value=0]()\n  %p : Tensor[] = aten::chunk(%x, %i, %d)\n  %a : Tensor, %b : Tensor, %c : Tensor = prim::ListUnpack(%p)\n  return (%a)\n",
    ),
    Row(
        "_jit_pass_peephole",
        both(shrinks, more("aten::t", -2)),
        ("Small simplifications that look at a few nodes at a time.", "Fewer nodes."),
    ),
    *(
        Row(
            "_jit_pass_peephole",
            shows(f"return ({left})"),
            (
                "Removes pairs that undo each other (`x.t().t()`), conversions of a number to a tensor and back, unpacking of a list just built, tests for `None` with a known answer, `x and True`, and the like.",
            ),
            graph,
            (True,),
        )
        for left, graph in (
            (
                "%x",
                "graph(%x : int):\n  %t : Tensor = prim::NumToTensor(%x)\n  %i : int = aten::Int(%t)\n  return (%i)\n",
            ),
            (
                "%y",
                "graph(%x : Tensor, %y : Tensor):\n  %t : Tensor[] = prim::ListConstruct(%x, %y)\n  %i : Tensor, %j : Tensor = prim::ListUnpack(%t)\n  return (%j)\n",
            ),
            (
                "%3",
                "graph(%x : Tensor):\n  %n : NoneType = prim::Constant()\n  %i : bool = aten::__is__(%x, %n)\n  return (%i)\n",
            ),
            (
                "%x",
                "graph(%x : bool):\n  %n : bool = prim::Constant[value=1]()\n  %f : bool = prim::Constant[value=0]()\n  %i : bool = prim::If(%x)\n    block0():\n      -> (%n)\n    block1():\n      -> (%f)\n  return (%i)\n",
            ),
        )
    ),
    *(
        Row(
            "_jit_pass_peephole",
            probe,
            (
                "The exporter calls it with `disable_shape_peepholes=True`: sizes are not replaced by the example's sizes.",
                "If it did replace sizes, every dynamic shape would be lost here; that is what the argument prevents.",
            ),
            "graph(%x : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu)):\n  %i : int[] = aten::size(%x)\n  return (%i)\n",
            (disabled,),
        )
        for disabled, probe in ((True, same), (False, shows("prim::Constant[value=[2, 3]]")))
    ),
    Row(
        "_jit_pass_fuse_addmm",
        both(more("aten::addmm", 1), more("aten::mm", 0), more("aten::add", 0), grows(2)),
        (
            "Turns a matrix product followed by an addition into one `aten::addmm`.",
            "Adds `addmm` and its constants at once; the old `mm` and `add` lose their users and go with a later clean-up.",
            "So this pass makes the graph larger for a moment.",
        ),
    ),
    *(
        Row(
            "_jit_pass_fuse_addmm",
            same,
            (
                "Finds `aten::add` (with factor 1) of an `aten::mm` and a tensor of known rank, and puts an `aten::addmm` in its place.",
                "The rank of the tensor has to be known, else nothing is fused.",
            ),
            f"graph(%x : Float(2, 2), %y : Tensor, %b : {kind}):\n  %i : int = prim::Constant[value={factor}]()\n  %p : Tensor = aten::mm(%x, %y)\n  %a : Tensor = aten::add(%p, %b, %i)\n  return (%a)\n",
        )
        for kind, factor in (("Tensor", 1), ("Float(2)", 2))
    ),
    Row(
        "_jit_pass_onnx_remove_inplace_ops_for_onnx",
        becomes("aten::add_", "aten::add"),
        ("Replaces writes into a tensor, a list or an attribute by new values.",),
    ),
    Row(
        "_jit_pass_onnx_preprocess",
        both(shows("aten::split_with_sizes[_outputs=2]", "= prim::ListUnpack()"), grows(0)),
        (
            "Three things.",
            "Tells `split` and the like how many outputs they have, before they are converted.",
            "The first puts the outputs on the operator itself; a `prim::ListUnpack` without inputs stays until `_jit_pass_onnx_preprocess_caffe2`, which removes dead code.",
        ),
    ),
    *(
        Row(
            "_jit_pass_onnx_preprocess",
            shows("[_outputs=2]"),
            (
                "An operator that returns a list of tensors which is unpacked at once (`split`, `split_with_sizes`, `unbind`, `unsafe_chunk`, `where` and relatives) is joined with its `prim::ListUnpack`, and the number of outputs is noted as the attribute `_outputs`.",
            ),
            f"graph(%x : Tensor, %i : int, %d : int, %l : int[]):\n  %s : Tensor[] = aten::{call}\n  %a : Tensor, %b : Tensor = prim::ListUnpack(%s)\n  return (%a, %b)\n",
        )
        for call in (
            "split(%x, %i, %d)",
            "split_with_sizes(%x, %l, %d)",
            "unbind(%x, %d)",
            "unsafe_chunk(%x, %i, %d)",
            "where(%x)",
        )
    ),
    Row(
        "_jit_pass_onnx_preprocess",
        becomes("aten::add", "onnx::Concat"),
        ("The sum of two lists of integers becomes an `onnx::Concat`.",),
        "graph(%x : int[], %y : int[]):\n  %s : int[] = aten::add(%x, %y)\n  return (%s)\n",
    ),
    Row(
        "_jit_pass_onnx_preprocess",
        more("onnx::Gather", 2),
        (
            "Unpacking a list of integers that is not built by `prim::ListConstruct` becomes one `onnx::Gather` for each element.",
        ),
        "graph(%x : Tensor):\n  %s : int[] = aten::size(%x)\n  %a : int, %b : int = prim::ListUnpack(%s)\n  return (%a, %b)\n",
    ),
    Row(
        "_jit_pass_onnx_preprocess",
        same,
        (
            "A list that is unpacked more than once, or also used in another way, is not joined; `split` then becomes `SplitToSequence`.",
        ),
        "graph(%x : Tensor, %i : int, %d : int):\n  %s : Tensor[] = aten::split(%x, %i, %d)\n  %a : Tensor, %b : Tensor = prim::ListUnpack(%s)\n  %c : Tensor, %e : Tensor = prim::ListUnpack(%s)\n  return (%a, %c)\n",
    ),
    Row(
        "_jit_pass_prepare_division_for_onnx",
        both(
            more("prim::NumToTensor", 2),
            more("onnx::Cast", 2),
            grows(4),
            shows("onnx::Cast[to=1]"),
        ),
        (
            "Makes the division of two integers a division of floats.",
            "The inputs of each `aten::div(int, int) -> float` are turned into tensors and cast to float.",
        ),
    ),
    Row(
        "_jit_pass_onnx_remove_print",
        both(fewer("prim::Print"), fewer("prim::Constant")),
        (
            "Removes `print` and `warnings.warn` from the graph.",
            'A scripted model with `print("shape", x)` loses the node and the string.',
        ),
    ),
    Row(
        "_jit_pass_onnx_preprocess_caffe2",
        both(fewer("prim::ListUnpack"), grows(-1)),
        (
            "Then it removes dead code, including nodes with side effects.",
            "Nothing in a model without Caffe2 operators, except that dead nodes go: the empty `prim::ListUnpack` that `_jit_pass_onnx_preprocess` leaves behind.",
            "No model of today's torch has Caffe2 operators; a model with a `split` loses its dead node here.",
        ),
    ),
]
