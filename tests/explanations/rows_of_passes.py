"""Sentences about renaming, the strict capture and single passes of onnx_ir, with their proofs."""

from graph_rows import Row, both, loses, shows
from rows_of_dynamo import made, same_operators

ROWS = [
    Row(
        "AddDefaultAttributesPass",
        both(loses("{axis=-1}", -1), same_operators),
        (
            "Writes default values of attributes into the nodes.",
            "Adds each attribute that is missing and has a default in the operator's schema.",
            "Attributes only.",
        ),
    ),
    Row(
        "AddInitializersToInputsPass",
        both(loses('%"a"<FLOAT,[2]>{', -1), loses("←", 0)),
        (
            "Adds initializers to the list of inputs.",
            "Each initializer becomes an input, too.",
            "Inputs only.",
        ),
    ),
    Row(
        "RemoveInitializersFromInputsPass",
        both(loses('%"a"<FLOAT,[2]>{'), loses("←", 0)),
        (
            "Takes initializers out of the list of inputs.",
            "An input that is also an initializer is no longer an input.",
            "Inputs only.",
        ),
    ),
    Row(
        "IdentityEliminationPass",
        both(loses("::Identity("), shows('::Relu(%"x")')),
        (
            "Removes Identity nodes.",
            "Connects the users of an Identity with its input, unless both ends are input and output of the graph.",
            "Fewer nodes.",
        ),
    ),
    Row(
        "ShapeInferencePass",
        both(same_operators, shows('%"y"<FLOAT,[3,3]>', '%"a"<FLOAT,[3,2]>')),
        ("Runs onnx's shape inference over the model.", "Types and shapes only."),
    ),
    Row(
        "TopologicalSortPass",
        lambda before, after: (
            before.index("::Neg(") < before.index("::Relu(")
            and after.index("::Relu(") < after.index("::Neg(")
        ),
        (
            "Puts the nodes into an order in which each comes after its inputs.",
            "A stable sort of each graph and function.",
            "The order only.",
        ),
    ),
    Row(
        "DeduplicateHashedInitializersPass",
        both(loses('%"b"<FLOAT,[2]>{'), shows('::Mul(%"c", %"a"')),
        ("Keeps one of several equal initializers, compared by hash.", "Fewer initializers."),
    ),
    Row(
        "rename_inputs",
        both(same_operators, loses('%"x"<FLOAT,[2,3]>'), loses('%"image"<FLOAT,[2,3]>', -1)),
        ("Gives the inputs the names of `input_names`.", "Names only.", '`input_names=["image"]`'),
    ),
    Row(
        "rename_outputs",
        both(same_operators, shows('return %"result"')),
        ("Gives the outputs the names of `output_names`.", "Names only."),
    ),
    Row(
        "_rename_dynamic_axes",
        both(
            same_operators,
            shows('%"x"<FLOAT,[batch,3]>'),
            lambda before, after: "s77" in before and "s77" not in after,
        ),
        (
            "Gives dynamic axes the names that were asked for.",
            "Shapes only.",
            "`s77` becomes `batch`.",
        ),
    ),
    *(
        Row(name, made, sentences)
        for name, sentences in (
            ("TorchExportStrictStrategy", ("Makes the fx graph.",)),
            (
                "_strict_export",
                (
                    "Makes the graph.",
                    "Captures with TorchDynamo and then traces the result to ATen operators.",
                ),
            ),
            ("torch.export._trace._export", ("Makes the fx graph.",)),
        )
    ),
    *(
        Row(
            name,
            lambda before, after: (
                not before
                and "call_method[target=relu]" in after
                and "torch.ops.aten" not in after
            ),
            sentences,
        )
        for name, sentences in (
            ("_export_to_torch_ir", ("Makes a graph of `torch` calls, not yet ATen.",)),
            ("fullgraph_capture", ("Makes the graph.",)),
        )
    ),
]
