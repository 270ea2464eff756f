"""Sentences about the conversion to ONNX and passes after it, and graphs that prove them."""

from graph_rows import Row, becomes, both, fewer, grows, more, same, shows, shrinks, types_only

ROWS = [
    Row(
        "_jit_pass_dce",
        same,
        (),
        "graph(%x : Tensor):\n  %r : Tensor = onnx::Relu(%x)\n  return (%x)\n",
        error="We don't know if this op has side effects",
    ),
    Row(
        "_jit_pass_onnx_unpack_quantized_weights",
        both(more("prim::Constant", 5), more("prim::TupleConstruct", 1)),
        (
            "Unpacks the weights of quantized layers into the graph.",
            "Adds constants for each quantized layer; a packed parameter loses its users.",
            "A `torch.ao.nn.quantized.Linear`: four constants and a `prim::TupleConstruct` for its weight, one constant for its bias.",
        ),
    ),
    Row(
        "_jit_pass_erase_number_types",
        both(
            fewer("prim::NumToTensor"),
            fewer("aten::Float"),
            fewer("aten::Bool"),
            shrinks,
            shows("Long(device=cpu) = prim::Constant[value={2}]"),
        ),
        (
            "A constant number becomes a constant tensor without dimensions; values of type `int`, `float` and `bool` become tensors; `prim::NumToTensor`, `aten::Int`, `aten::Float`, `aten::Bool` and the implicit conversions go away.",
            "Fewer nodes: the conversions disappear.",
        ),
        "graph(%x : Tensor):\n  %i : int = prim::Constant[value=2]()\n  %t : Tensor = prim::NumToTensor(%i)\n  %j : float = aten::Float(%t)\n  %b : bool = aten::Bool(%t)\n  %y : Tensor = aten::add(%x, %j, %b)\n  return (%y)\n",
    ),
    Row(
        "_jit_pass_erase_shape_information",
        both(shows("%x : Tensor", "Tensor = aten::relu"), grows(0)),
        (
            "Removes shapes and element types from the values of a graph.",
            "Every tensor value gets the plain type `Tensor`.",
            "Types only.",
        ),
        "graph(%x : Float(2, 3)):\n  %a : Float(2, 3) = aten::relu(%x)\n  return (%a)\n",
    ),
    Row(
        "_jit_pass_onnx_set_dynamic_input_shape",
        both(types_only, shows("Float(*, 3)")),
        (
            "Makes the axes named in `dynamic_axes` dynamic in the types of the inputs.",
            "Replaces the example's size by a symbol at each axis of `dynamic_axes`.",
            "Types of the graph's inputs; no nodes.",
            "It changes the types of inputs only.",
        ),
    ),
    Row(
        "_jit_pass_onnx",
        becomes("aten::relu", "onnx::Relu"),
        (
            "Converts the graph to ONNX, operator by operator.",
            "Everything: `aten::` and `prim::` operators become `onnx::` ones.",
        ),
    ),
    Row(
        "_jit_pass_onnx_scalar_type_analysis",
        both(
            shows("Float(requires_grad=0) = onnx::Constant[value={2}]"), more("onnx::Constant", 0)
        ),
        ("`x * 2` with `x` in float: the constant `2` of type int64 becomes `2.` of type float.",),
    ),
    Row(
        "_jit_pass_onnx_scalar_type_analysis",
        both(more("onnx::Cast", 2), shows("onnx::Where(%z, %x, %5)", "onnx::Greater(%x, %6)")),
        (
            "Inserts the casts that torch does silently and ONNX does not.",
            "For arithmetic, comparisons and Where it works out which type torch would have promoted the inputs to, converts constants, and puts an `onnx::Cast` before every other input that differs.",
        ),
        "graph(%x : Float(2), %y : Long(2), %z : Bool(2)):\n  %a : Tensor = onnx::Where(%z, %x, %y)\n  %b : Tensor = onnx::Greater(%x, %y)\n  return (%a, %b)\n",
        (True, 20),
    ),
    *(
        Row(
            "_jit_pass_onnx_scalar_type_analysis",
            probe,
            ("Below opset 14 it also goes through int64 for 8 and 16 bit integers.",),
            "graph(%x : Short(2), %y : Short(2)):\n  %a : Short(2) = onnx::Add(%x, %y)\n  return (%a)\n",
            (True, opset),
        )
        for opset, probe in ((13, shows("Long(2) = onnx::Cast[to=7](%x)")), (14, same))
    ),
    Row(
        "_jit_pass_onnx_scalar_type_analysis",
        shows("Float() = onnx::Cast[to=1](%y)"),
        (
            "A tensor without dimensions is taken for a plain number, so that a real one can lose precision.",
        ),
        "graph(%x : Float(2), %y : Double()):\n  %a : Tensor = onnx::Add(%x, %y)\n  return (%a)\n",
        (True, 20),
    ),
    Row(
        "_jit_pass_onnx_peephole",
        more("onnx::Transpose", -2),
        ("`x.transpose(0, 1).transpose(0, 1)` loses both Transpose nodes.",),
    ),
    Row(
        "_jit_pass_onnx_peephole",
        both(more("onnx::Unsqueeze", 2), becomes("prim::ListConstruct", "onnx::Concat"), grows(4)),
        (
            "Both ways: lists of integers become Unsqueeze and Concat nodes, which can make the graph much larger; the other rules make it smaller.",
        ),
        "graph(%x : Long(), %y : Long()):\n  %t : int[] = prim::ListConstruct(%x, %y)\n  %g : Tensor = onnx::Reshape(%x, %t)\n  return (%g)\n",
        (20, False),
    ),
    Row(
        "_jit_pass_onnx_peephole",
        same,
        ("`ONNX export of prim::ListUnpack in opset N` for an opset below 11.",),
        "graph(%x : Tensor):\n  %t : Tensor[] = onnx::SplitToSequence(%x)\n  %a : Tensor, %b : Tensor = prim::ListUnpack(%t)\n  return (%b)\n",
        (10, False),
        "ONNX export of prim::ListUnpack in opset 10",
    ),
    *(
        Row(
            "_jit_pass_onnx_peephole",
            probe,
            ("Small simplifications of the ONNX graph, and the last list and tuple nodes.",),
            graph,
            (20, False),
        )
        for probe, graph in (
            (
                more("onnx::SequenceAt", 2),
                "graph(%x : Tensor):\n  %t : Tensor[] = onnx::SplitToSequence(%x)\n  %a : Tensor, %b : Tensor = prim::ListUnpack(%t)\n  return (%b)\n",
            ),
            (shows("= onnx::Identity(%x)"), "graph(%x : Tensor):\n  return (%x)\n"),
            (
                shows("%1 : Tensor = onnx::MaxPool(%x)"),
                "graph(%x : Tensor):\n  %a : Tensor, %b : Tensor = onnx::MaxPool(%x)\n  return (%a)\n",
            ),
            (
                becomes("prim::ListConstruct", "onnx::SequenceConstruct"),
                "graph(%x : Tensor, %y : Tensor):\n  %a : Tensor[] = prim::ListConstruct(%x, %y)\n  %b : Tensor = onnx::SequenceAt(%a, %x)\n  return (%b)\n",
            ),
            (
                both(shrinks, more("onnx::SoftmaxCrossEntropyLoss", 1)),
                "graph(%x : Float(2, 3), %z : Long(2)):\n  %a : Tensor = onnx::LogSoftmax[axis=1](%x)\n  %b : Tensor = onnx::NegativeLogLikelihoodLoss(%a, %z)\n  return (%b)\n",
            ),
        )
    ),
    Row(
        "_jit_pass_dce_allow_deleting_nodes_with_side_effects",
        shows("graph(%x : Tensor):\n  return (%x)"),
        (
            "Removes nodes whose results nobody uses, without asking for side effects.",
            "As `_jit_pass_dce`, but everything that is not needed for an output goes.",
            "Fewer nodes.",
        ),
        "graph(%x : Tensor):\n  %n : int = prim::Constant[value=2]()\n  %s : Tensor = aten::add_(%x, %x, %n)\n  %r : Tensor = onnx::Relu(%x)\n  return (%x)\n",
    ),
    Row(
        "_jit_pass_canonicalize",
        shows("%1 : Tensor = aten::neg(%weird)\n  return (%1)"),
        (
            "Copies the graph and names its values `%1`, `%2` and so on in their order; names that are not numbers are kept.",
            "`%70 : Tensor = aten::neg(%weird)` becomes `%1 : Tensor = aten::neg(%weird)`.",
        ),
        "graph(%weird : Tensor):\n  %70 : Tensor = aten::neg(%weird)\n  return (%70)\n",
    ),
    Row(
        "_jit_pass_canonicalize",
        both(same, grows(0)),
        (
            "Renumbers the values in a copy of the graph.",
            "Names only.",
            "A value's number before and after this pass has nothing in common.",
        ),
    ),
    Row(
        "_jit_pass_onnx_graph_shape_type_inference",
        types_only,
        (
            "Infers types and shapes over the whole ONNX graph.",
            "Types only; never the number of nodes.",
        ),
    ),
    Row(
        "_jit_pass_onnx_assign_output_shape",
        shows("onnx::Optional[type=FloatTensor]"),
        (
            "In a scripted model an output that is always `None` becomes an `Optional` (opset 15 and up) or is removed.",
        ),
    ),
    Row(
        "_jit_pass_onnx_eval_peephole",
        both(
            fewer("onnx::BatchNormalization"),
            more("onnx::Conv", 0),
            grows(-1),
            shows("%11 : Float(1, 1, 1, 1)", "%12 : Float(1)"),
        ),
        (
            "Folds a batch norm into the convolution before it.",
            "Where the only user of an `onnx::Conv` is an `onnx::BatchNormalization` in eval mode, computes one weight and one bias that do both, and replaces the two nodes by one Conv.",
            "`nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))` becomes one Conv.",
        ),
    ),
    Row(
        "_jit_pass_onnx_constant_fold",
        both(
            fewer("onnx::Transpose"),
            shrinks,
            lambda before, after: (
                "%weight" in before and "%weight" not in after and "%6 : Float(3, 4)" in after
            ),
        ),
        (
            "Computes ONNX nodes whose inputs are all parameters or constants.",
            "Unused parameters and inputs go.",
            "The transposed weight of `nn.Linear` on a three-dimensional input.",
        ),
    ),
    Row(
        "_jit_pass_onnx_eliminate_unused_items",
        both(grows(0), lambda before, after: "%1 :" in before and "%1 :" not in after),
        (
            "Removes parameters and graph inputs that nothing uses.",
            "Fewer inputs and parameters; no nodes.",
            "An input of the model that the model does not use goes too: the ONNX file then has fewer inputs than `forward`.",
        ),
    ),
    Row(
        "_jit_pass_onnx_cast_all_constant_to_floating",
        both(more("onnx::Cast", 1), shows("CPUDoubleType{2}", "onnx::Cast[to=7]")),
        (
            "Stores integer constants as floats and casts them back, below opset 9.",
            "Each `onnx::Constant` that is not floating point is stored as float (int64 as double) and gets an `onnx::Cast` back to its type.",
            "One Cast more for each such constant.",
            "Export with `opset_version=8` to see it.",
        ),
    ),
    Row(
        "_jit_pass_onnx_function_extraction",
        both(becomes("onnx::Relu", "example::Relu"), more("onnx::LocalFunctionDef", 1)),
        (
            "Turns whole modules into ONNX functions, when asked for.",
            "Nodes of the chosen modules move into functions.",
        ),
    ),
    Row(
        "_jit_pass_onnx_deduplicate_initializers",
        both(
            more("onnx::Identity", 1),
            lambda before, after: (
                "%b : Float(3))" in before and "%b : Float(3) = onnx::Identity(%a)" in after
            ),
        ),
        (
            "Keeps one of several equal parameters.",
            "Each duplicate is replaced by an `onnx::Identity` of the first.",
            "Fewer parameters and bytes, but one Identity node more for each.",
            "Two layers that happen to start with equal weights become one parameter.",
        ),
    ),
    Row(
        "_jit_pass_onnx_assign_scoped_names_for_node_and_value",
        both(grows(0), shows("%/Constant_output_0", 'onnx_name="/Constant"', 'onnx_name="/Mul"')),
        (
            "Names nodes and values after the module that they come from.",
            "Each node gets a name made of its modules and its operator, and each output of the node gets that name with `_output_` and a number.",
            "Names only.",
            "Outputs of the graph keep their names.",
        ),
    ),
]
