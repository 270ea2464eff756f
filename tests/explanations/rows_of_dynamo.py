"""Sentences about stages and passes of the dynamo exporter, proved on the atlas's models."""

from graph_rows import Row, both, loses, shows


def same_operators(before: str, after: str) -> bool:
    """As many nodes of ONNX IR afterwards, and another text."""
    return before.count("←") == after.count("←") and before != after


def made(before: str, after: str) -> bool:
    """No graph was given, and an fx graph of ATen operators came out."""
    return not before and "torch.ops.aten.relu.default" in after


ROWS = [
    *(
        Row(name, made, sentences)
        for name, sentences in (
            ("TorchExportNonStrictStrategy", ("Makes the fx graph.",)),
            (
                "torch.export.export",
                (
                    "Captures a model as an `ExportedProgram`: an fx graph of ATen operators.",
                    "Makes the fx graph.",
                ),
            ),
            ("_export_for_training", ("Makes the fx graph.",)),
            ("_non_strict_export", ("Makes the graph.",)),
            ("_export_to_aten_ir_make_fx", ("Makes the graph.",)),
            ("_MakefxTracer.trace", ("Makes an fx graph.",)),
        )
    ),
    Row(
        "placeholder_naming_pass",
        both(
            loses("%arg0_1 = placeholder"),
            loses("%x = placeholder", -1),
            loses("call_function", 0),
        ),
        ("Gives the inputs of the graph readable names.", "Names only."),
    ),
    Row(
        "apply_runtime_assertion_pass",
        both(loses("torch.ops.aten._assert_scalar.default", -3), loses("operator.ge]", -1)),
        (
            "Puts assertions about sizes into the captured graph.",
            "Adds nodes that check, at run time, the conditions on dynamic sizes.",
            "Adds nodes; the ONNX exporter removes them again (`remove_assertion_nodes`).",
            "`aten._assert_scalar`",
        ),
    ),
    Row(
        "remove_assertion_nodes",
        both(loses("torch.ops.aten._assert_scalar.default", 3), shows("operator.ge]")),
        (
            "Removes checks that ONNX cannot do.",
            "Fewer nodes.",
            "The assertion of a `torch._check(n > 0)` is gone from here on; the comparison before it stays in the fx graph, and nothing uses it.",
        ),
    ),
    *(
        Row(name, both(loses("aten.std.correction"), loses("prims.var.default", -1)), sentences)
        for name, sentences in (
            ("_prepare_exported_program_for_export", ("The fx graph.",)),
            (
                "decompose_with_registry",
                (
                    "Breaks operators down until ONNX has a function for each.",
                    "The fx graph; usually a little larger.",
                ),
            ),
            (
                "run_decompositions",
                (
                    "Interprets the graph on fake tensors, replaces each operator in the table by its decomposition, and makes a new program.",
                ),
            ),
            (
                "_decompose_exported_program",
                ("The work behind `run_decompositions`.", "Makes the new graph."),
            ),
            ("_export_to_aten_ir", ("Makes a new graph.",)),
            ("_aot_export_joint_with_descriptors", ("Makes the new graph.",)),
        )
    ),
    Row(
        "insert_type_promotion_nodes",
        both(loses("prims.convert_element_type.default", -1), loses("aten.add.Tensor", 0)),
        (
            "Writes torch's silent casts into the fx graph.",
            "Runs each node's type promotion rule and puts a cast before every input that torch would convert.",
            "Adds cast nodes.",
        ),
    ),
    Row(
        "_exported_program_to_onnx_program",
        lambda before, after: "torch.ops.aten.relu" in before and "::Relu(" in after,
        ("Translates the fx graph to a model in ONNX IR.", "Makes an `onnx_ir.Model`."),
    ),
    Row(
        "_translate_fx_graph",
        lambda before, after: "call_function" in before and after.count("←") == 1,
        ("Translates one fx graph, node by node.", "Adds ONNX nodes."),
    ),
    Row(
        "add_opset_imports",
        both(same_operators, loses("opset_imports={}"), shows("opset_imports={'': 18}")),
        ("Lists the operator sets that the model uses.", "The opset imports; no nodes."),
    ),
    *(
        Row(
            name,
            both(
                loses("opset_imports={'pkg.onnxscript.torch_lib': 1, '': 18}"),
                shows("opset_imports={'': 20}"),
                loses("def pkg.onnxscript"),
            ),
            sentences,
        )
        for name, sentences in (
            ("convert_version", ("Converts the model to the opset that was asked for.",)),
            (
                "ConvertVersionPass",
                ("Converts the model to another opset: inline, convert, clean up.",),
            ),
        )
    ),
    Row(
        "InlinePass",
        both(loses("::aten_mish(%"), loses("def pkg.onnxscript"), shows("::Mish(")),
        (
            "Puts the bodies of local functions into the graph.",
            "Replaces each call of a function of the model by its body and removes functions that are not called any more.",
        ),
    ),
    Row(
        "RemoveUnusedOpsetsPass",
        both(same_operators, loses("pkg.onnxscript.torch_lib"), shows("'': 18")),
        (
            "Removes opset imports that no node needs.",
            "Collects the domains in use and drops other imports; the default domain stays.",
            "Opset imports only.",
            "`pkg.onnxscript.torch_lib` after inlining.",
        ),
    ),
    *(
        Row(name, both(loses("::Shape("), loses("::Concat("), shows("array([-1,  3])")), sentences)
        for name, sentences in (
            (
                "ONNXProgram.optimize",
                ("Far fewer nodes.", "Optimizes the ONNX model with onnxscript."),
            ),
            ("optimize_ir", ("The model, in place.",)),
            ("Sequential", ("What its passes change.",)),
            ("PassManager", ("What its passes change.",)),
        )
    ),
    Row(
        "FoldConstantsPass",
        both(loses("::Expand("), loses("::Cast(", 2)),
        (
            "Computes nodes whose inputs are constant, and infers shapes on the way.",
            "Fewer nodes, more constants.",
        ),
    ),
    Row(
        "RemoveUnusedNodesPass",
        both(loses("::Constant(", 2), loses("return %", 0)),
        (
            "Removes nodes and initializers that nothing uses.",
            "Fewer nodes and initializers; inputs and outputs stay.",
        ),
    ),
    Row(
        "RewritePass",
        both(loses("::BatchNormalization("), loses("::Conv(", 0)),
        ("Applies onnxscript's rewrite rules.", "Fewer nodes."),
    ),
    Row(
        "RewriteRuleSet.apply_to_model",
        both(loses("::Transpose(", 2), loses("::Identity(", -1)),
        ("Fewer nodes; the result is the number of replacements.",),
    ),
    Row(
        "LiftConstantsToInitializersPass",
        both(loses("::Constant("), loses("initializers=(", -1)),
        (
            "Turns Constant nodes into initializers.",
            "Each Constant node becomes an initializer of its graph, unless it is an output.",
            "Fewer nodes, more initializers.",
            "A Constant node that folding left becomes an initializer.",
        ),
    ),
    Row(
        "LiftSubgraphInitializersToMainGraphPass",
        both(loses("initializers=(", 2), loses('%"ones"<FLOAT,[3]>{', 0)),
        (
            "Moves initializers of If and Loop bodies to the main graph.",
            "Every initializer of a subgraph that is not its input becomes one of the main graph.",
            "Where initializers live.",
            "Constants of both branches of a `torch.cond`.",
        ),
    ),
    Row(
        "DeduplicateInitializersPass",
        both(loses('%"b"<FLOAT,[3]>{'), shows('::Add(%"mul", %"a"')),
        ("Keeps one of several equal small initializers.", "Fewer initializers."),
    ),
    Row(
        "CommonSubexpressionEliminationPass",
        both(loses("::Relu("), shows('::Add(%"relu", %"relu")')),
        (
            "Keeps one of several nodes that compute the same.",
            "Nodes with the same operator, inputs and attributes become one.",
            "Fewer nodes.",
        ),
    ),
    Row(
        "OutputFixPass",
        both(loses("::Identity(", -2), shows("x_orig")),
        (
            "Inserts Identity nodes where outputs break ONNX's rules.",
            "An input that is directly an output, or a value that is an output twice, gets an Identity.",
            "One Identity node for each case.",
        ),
    ),
    Row(
        "NameFixPass",
        both(same_operators, loses('%"t_1_1"', -1)),
        (
            "Makes every name of a value and node unique.",
            "Gives names to what has none and numbers to what collides.",
            "Names only.",
        ),
    ),
    Row(
        "fuse",
        both(loses("::Pow("), loses("::RMSNormalization(", -1)),
        ("Fuses groups of nodes into newer ONNX operators, for opset 23.", "Fewer, larger nodes."),
    ),
    Row(
        "RemoveUnusedFunctionsPass",
        both(loses("def own::Twice("), shows("::Relu(")),
        (
            "Removes functions that nothing calls.",
            "Collects the called functions and drops the rest.",
            "Functions only.",
        ),
    ),
]
