"""For stages and passes of TorchScript, the smallest model that we know to make them act.

To add one: write a module or function, put it into `MODELS` under the name of the pass, run
`python docs/tools/atlas/build.py`, and look at the page. The build fails when a model here does
not make its pass act.
"""

from __future__ import annotations

import torch
from torch import nn

from onnxspan.learn.small.minimal import Minimal


class Relu(nn.Module):
    def forward(self, x):
        return x.relu()


class Twice(nn.Module):
    def forward(self, x):
        return x.relu() + x.relu()


class PlusOnes(nn.Module):
    def forward(self, x):
        return x + torch.ones(2, 3)


class TimesTwo(nn.Module):
    def forward(self, x):
        return x * 2


class Pair(nn.Module):
    def forward(self, x):
        return x, x.relu()


class ByIndex(nn.Module):
    def forward(self, x):
        return x[torch.tensor([0, 1]), torch.tensor([1, 2])]


class Chunk(nn.Module):
    def forward(self, x):
        a, b = x.chunk(2, 0)
        return a + b


class Split(nn.Module):
    def forward(self, x):
        a, b = x.split([1, 2], 1)
        return a + b


class TwoTransposes(nn.Module):
    def forward(self, x):
        return x.t().t().relu()


class TwoPermutes(nn.Module):
    def forward(self, x):
        return x.permute(1, 0).permute(1, 0).relu()


class MmAdd(nn.Module):
    def forward(self, x, w, b):
        return x.mm(w) + b


class InPlace(nn.Module):
    def forward(self, x):
        y = x + 1
        y.add_(1)
        return y.relu()


class UnusedInput(nn.Module):
    def forward(self, x, y):
        return x.relu()


class Reshape(nn.Module):
    def forward(self, x):
        return x.reshape(3, 2)


class CatZeros(nn.Module):
    def forward(self, x):
        return torch.cat([x, x.new_zeros(x.size(0), 1)], 1).view(x.size(0), -1)


class SharedValues(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.ones(3))
        self.b = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.a + self.b


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2


class CustomFunction(nn.Module):
    def forward(self, x):
        return Double.apply(x)


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Relu()

    def forward(self, x):
        return self.inner(x)


def with_print(x):
    print("the input", x)
    return x.relu()


def with_none(x):
    y = None
    return x.relu(), y


def forked(x):
    return torch.jit.wait(torch.jit.fork(torch.relu, x))


def ratio(x):
    return x * (x.size(0) / x.size(1))


def conv_and_norm():
    return nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))


def linear():
    return nn.Linear(3, 4)


def scripted_none():
    return torch.jit.script(with_none)


def scripted_outer():
    return torch.jit.script(Outer())


def scripted_print():
    return torch.jit.script(with_print)


def scripted_fork():
    return torch.jit.script(forked)


def scripted_ratio():
    return torch.jit.script(ratio)


def quantized_linear():
    from torch.ao import quantization

    model = quantization.QuantWrapper(nn.Linear(3, 2)).eval()
    model.qconfig = quantization.default_qconfig
    quantization.prepare(model, inplace=True)
    model(torch.ones(2, 3))
    return quantization.convert(model, inplace=True)


MODELS: dict[str, Minimal] = {
    "_jit_pass_inline": Minimal(quantized_linear),
    "_jit_pass_onnx_function_substitution": Minimal(scripted_outer, parts=(Relu, Outer)),
    "_jit_pass_inline_fork_wait": Minimal(scripted_fork, parts=(forked,)),
    "_jit_pass_onnx_autograd_function_process": Minimal(CustomFunction, parts=(Double,)),
    "_jit_pass_lower_all_tuples": Minimal(Pair),
    "_jit_pass_constant_propagation": Minimal(PlusOnes),
    "_split_tensor_list_constants": Minimal(ByIndex),
    "_jit_pass_dce": Minimal(ByIndex),
    "_jit_pass_cse": Minimal(Twice),
    "_jit_pass_canonicalize_graph_fuser_ops": Minimal(Chunk),
    "_jit_pass_peephole": Minimal(TwoTransposes),
    "_jit_pass_fuse_addmm": Minimal(MmAdd, "(x, x.t(), torch.ones(2))"),
    "_jit_pass_onnx_remove_inplace_ops_for_onnx": Minimal(InPlace),
    "_jit_pass_onnx_preprocess": Minimal(Split),
    "_jit_pass_prepare_division_for_onnx": Minimal(scripted_ratio, parts=(ratio,)),
    "_jit_pass_onnx_remove_print": Minimal(scripted_print, parts=(with_print,)),
    "_jit_pass_onnx_preprocess_caffe2": Minimal(Split),
    "_jit_pass_onnx_unpack_quantized_weights": Minimal(quantized_linear),
    "_jit_pass_erase_number_types": Minimal(TimesTwo),
    "_jit_pass_onnx_set_dynamic_input_shape": Minimal(
        Relu, options='input_names=["x"], dynamic_axes={"x": {0: "batch"}}'
    ),
    "_jit_pass_onnx": Minimal(Relu),
    "_jit_pass_onnx_scalar_type_analysis": Minimal(TimesTwo),
    "_jit_pass_onnx_peephole": Minimal(TwoPermutes),
    "_jit_pass_dce_allow_deleting_nodes_with_side_effects": Minimal(
        scripted_none, parts=(with_none,)
    ),
    "_jit_pass_canonicalize": Minimal(Twice),
    "_jit_pass_onnx_graph_shape_type_inference": Minimal(CatZeros),
    "_jit_pass_onnx_assign_output_shape": Minimal(scripted_none, parts=(with_none,)),
    "_jit_pass_onnx_eval_peephole": Minimal(conv_and_norm, "(torch.ones(1, 1, 2, 2),)"),
    "_jit_pass_onnx_constant_fold": Minimal(linear, "(torch.ones(1, 2, 3),)"),
    "_jit_pass_onnx_eliminate_unused_items": Minimal(
        UnusedInput, "(x, x)", options="do_constant_folding=False"
    ),
    "_jit_pass_onnx_cast_all_constant_to_floating": Minimal(Reshape, options="opset_version=8"),
    "_jit_pass_onnx_function_extraction": Minimal(
        Outer, parts=(Relu,), options="export_modules_as_functions={Relu}, opset_version=15"
    ),
    "_jit_pass_onnx_deduplicate_initializers": Minimal(SharedValues),
    "_jit_pass_onnx_assign_scoped_names_for_node_and_value": Minimal(TimesTwo),
    "_optimize_graph": Minimal(Twice),
    **dict.fromkeys(
        ("_create_jit_graph", "_trace_and_get_graph_from_model", "_model_to_graph"), Minimal(Twice)
    ),
}
"""By the name of the pass. A pass that is not here has no such model that we know."""
