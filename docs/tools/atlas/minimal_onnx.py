"""Models in ONNX's own text, for passes of onnx_ir that no small export makes act.

The exporters call some of these passes and have nothing for them to do; others they do not call
at all, but a pipeline of your own may.
"""

from __future__ import annotations

from example import Direct

HEAD = '<ir_version: 10, opset_import: ["" : 20]>'
TWO = f"""
{HEAD}
two (float[2] x) => (float[2] y)
<float[2] a = {{1, 2}}, float[2] b = {{1, 2}}> {{
    c = Add(x, a)
    y = Mul(c, b)
}}
"""
ONE = f"""
{HEAD}
one (float[2] x) => (float[2] y)
<float[2] a = {{1, 2}}> {{
    y = Add(x, a)
}}
"""

PASSES: dict[str, Direct] = {
    "AddDefaultAttributesPass": Direct(
        f"""
{HEAD}
soft (float[2, 3] x) => (float[2, 3] y) {{
    y = Softmax(x)
}}
""",
        "AddDefaultAttributesPass()",
    ),
    "AddInitializersToInputsPass": Direct(ONE, "AddInitializersToInputsPass()"),
    "RemoveInitializersFromInputsPass": Direct(
        ONE,
        "RemoveInitializersFromInputsPass()",
        'model.graph.inputs.append(model.graph.initializers["a"])',
    ),
    "DeduplicateHashedInitializersPass": Direct(TWO, "DeduplicateHashedInitializersPass()"),
    "IdentityEliminationPass": Direct(
        f"""
{HEAD}
same (float[2] x) => (float[2] y) {{
    a = Identity(x)
    y = Relu(a)
}}
""",
        "IdentityEliminationPass()",
    ),
    "RemoveUnusedFunctionsPass": Direct(
        """
<ir_version: 10, opset_import: ["" : 20, "own" : 1]>
main (float[2] x) => (float[2] y) {
    y = Relu(x)
}
<domain: "own", opset_import: ["" : 20]>
Twice (x) => (y) {
    y = Add(x, x)
}
""",
        "RemoveUnusedFunctionsPass()",
    ),
    "ShapeInferencePass": Direct(
        f"""
{HEAD}
shapes (float[2, 3] x) => (y) {{
    a = Transpose(x)
    y = MatMul(a, x)
}}
""",
        "ShapeInferencePass()",
    ),
    "TopologicalSortPass": Direct(
        f"""
{HEAD}
order (float[2] x) => (float[2] y) {{
    a = Relu(x)
    y = Neg(a)
}}
""",
        "TopologicalSortPass()",
        "model.graph.insert_before(model.graph[0], model.graph[1])",
    ),
}
"""By the name of the pass."""
