"""For stages and passes of the dynamo exporter, the smallest model that makes them act.

To add one: write a module, put it into `MODELS` under the name of the stage or pass, run
`python docs/tools/atlas/build.py`, and look at the page. The build fails when a model here does
not make its pass act. Passes that no small export makes act are in
`docs/tools/atlas/minimal_onnx.py`.
"""

from __future__ import annotations

import functools

import torch
from torch import nn

from onnxspan.learn.small.minimal import Minimal

EXPORT = functools.partial(Minimal, dynamo=True)


class Relu(nn.Module):
    def forward(self, x):
        return x.relu()


class Twice(nn.Module):
    def forward(self, x):
        return x.relu() + x.relu()


class SameTwice(nn.Module):
    def forward(self, x):
        return x, x


class Mish(nn.Module):
    def forward(self, x):
        return nn.functional.mish(x)


class Deviation(nn.Module):
    def forward(self, x):
        return x.std()


class PlusDouble(nn.Module):
    def forward(self, x):
        return x + torch.ones(3, dtype=torch.float64)


class Flatten(nn.Module):
    def forward(self, x):
        return x.reshape(x.shape[0], -1)


class TwoTransposes(nn.Module):
    def forward(self, x):
        return x.t().t()


class MmTransposed(nn.Module):
    def forward(self, x, y):
        return x.mm(y).t().t()


class AsManyAs(nn.Module):
    def forward(self, n):
        size = n.item()
        torch._check(size < 9)
        return torch.zeros(size)


class Branches(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + torch.ones(3), lambda x: x - 1, (x,))


class SharedValues(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.ones(3))
        self.b = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.a + self.b


class MeanSquare(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        mean = x.pow(2).mean(-1, keepdim=True)
        return x * torch.rsqrt(mean + 1e-5) * self.weight


class OnlyStrict(nn.Module):
    def forward(self, x):
        if not torch.compiler.is_dynamo_compiling():
            raise ValueError("so that the first strategy fails")
        return x.relu()


def conv_and_norm():
    return nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).eval()


IMAGE = "(torch.ones(1, 1, 2, 2),)"
BATCH = 'dynamic_shapes=({0: "batch"},)'

MODELS: dict[str, Minimal] = {
    # The capture.
    **dict.fromkeys(
        (
            "TorchExportNonStrictStrategy",
            "torch.export.export",
            "torch.export._trace._export",
            "_export_for_training",
            "_non_strict_export",
            "_export_to_aten_ir_make_fx",
            "_MakefxTracer.trace",
            "_produce_aten_artifact",
            "placeholder_naming_pass",
        ),
        EXPORT(Relu),
    ),
    **dict.fromkeys(
        (
            "TorchExportStrictStrategy",
            "_strict_export",
            "_export_to_torch_ir",
            "fullgraph_capture",
        ),
        EXPORT(OnlyStrict),
    ),
    "apply_runtime_assertion_pass": EXPORT(AsManyAs, "(torch.tensor(4),)"),
    # The decomposition.
    **dict.fromkeys(
        (
            "_prepare_exported_program_for_export",
            "decompose_with_registry",
            "run_decompositions",
            "_decompose_exported_program",
            "_export_to_aten_ir",
            "_aot_export_joint_with_descriptors",
        ),
        EXPORT(Deviation),
    ),
    "insert_type_promotion_nodes": EXPORT(PlusDouble),
    "remove_assertion_nodes": EXPORT(AsManyAs, "(torch.tensor(4),)"),
    # The translation.
    **dict.fromkeys(
        (
            "_core.export",
            "export_compat",
            "_exported_program_to_onnx_program",
            "_translate_fx_graph",
            "add_opset_imports",
        ),
        EXPORT(Relu),
    ),
    # The conversion to another opset.
    **dict.fromkeys(
        ("convert_version", "ConvertVersionPass"),
        EXPORT(Mish),
    ),
    "_ConvertVersionPassRequiresInline": EXPORT(Relu, options="opset_version=21"),
    "InlinePass": EXPORT(Mish),
    "RemoveUnusedOpsetsPass": EXPORT(Mish),
    # The optimization.
    **dict.fromkeys(
        ("ONNXProgram.optimize", "optimize_ir", "Sequential", "PassManager"),
        EXPORT(Flatten, options=BATCH),
    ),
    "FoldConstantsPass": EXPORT(PlusDouble),
    "RemoveUnusedNodesPass": EXPORT(PlusDouble),
    "RewritePass": EXPORT(conv_and_norm, IMAGE),
    "RewriteRuleSet.apply_to_model": EXPORT(TwoTransposes),
    "LiftConstantsToInitializersPass": EXPORT(Flatten, options=BATCH),
    "LiftSubgraphInitializersToMainGraphPass": EXPORT(Branches),
    "DeduplicateInitializersPass": EXPORT(SharedValues),
    "CommonSubexpressionEliminationPass": EXPORT(Twice),
    "OutputFixPass": EXPORT(SameTwice),
    "NameFixPass": EXPORT(MmTransposed, "(x, x.t())"),
    "fuse": EXPORT(MeanSquare, options="opset_version=23"),
    # What is asked for by name.
    "rename_inputs": EXPORT(Relu, options='input_names=["image"]'),
    "rename_outputs": EXPORT(Relu, options='output_names=["result"]'),
    "_rename_dynamic_axes": EXPORT(Relu, options=BATCH),
}
"""By the name of the stage or pass. What is not here has no such model that we know."""
