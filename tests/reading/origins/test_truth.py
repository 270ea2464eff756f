"""The map back is true: each module multiplies by a number of its own, which names it in the file."""

import io
import json
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

import onnxspan
import torch_facts

pinned = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
BOTH = pytest.mark.parametrize(
    "options",
    [
        pytest.param(torch_facts.TORCHSCRIPT, id="torchscript"),
        pytest.param(
            {"dynamo": True, "verbose": False},
            id="dynamo",
            marks=[torch_facts.needs_dynamo, pinned],
        ),
    ],
)


class Times(nn.Module):
    """Multiplies by its own number, which is found again in the file."""

    def __init__(self, number):
        super().__init__()
        self.number = float(number)

    def forward(self, x):
        return x * self.number


class Held(nn.Module):
    """The same with the number in a parameter, so that folding has something to compute."""

    def __init__(self, number, size=4):
        super().__init__()
        self.weight = nn.Parameter(torch.full((size,), float(number)))

    def forward(self, x):
        return x * self.weight


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Times(3)
        self.inner = nn.Sequential(Times(5), nn.ReLU(), nn.Sequential(Times(7), Held(11)))
        self.last = Times(13)

    def forward(self, x):
        return self.last(self.inner(torch.relu(self.first(x))))


class Equal(nn.Module):
    """Two equal layers on equal inputs, which common subexpression elimination makes one."""

    def __init__(self):
        super().__init__()
        self.one = Times(3)
        self.two = Times(3)
        self.other = Times(5)

    def forward(self, x):
        return self.one(x) + self.two(x) + self.other(x)


class Shared(nn.Module):
    """One layer called twice, and a loop over one layer."""

    def __init__(self):
        super().__init__()
        self.shared = Times(3)
        self.looped = Times(5)
        self.end = Times(7)

    def forward(self, x):
        x = self.shared(torch.relu(self.shared(x)))
        for _ in range(3):
            x = torch.tanh(self.looped(x))
        return self.end(x)


class Folding(nn.Module):
    """A weight that is transposed by the conversion and folded, between two marked layers."""

    def __init__(self):
        super().__init__()
        self.before = Times(3)
        self.weight = nn.Parameter(torch.rand(4, 4))
        self.after = Times(5)

    def forward(self, x):
        return self.after(self.before(x) @ self.weight.t())


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.before = Times(3)
        self.after = Times(7)

    def forward(self, x):
        x = self.before(x)
        x = torch.cond(x.sum() > 0, lambda y: y * 5.0, lambda y: y * 11.0, (x,))
        return self.after(x)


def exported(model, args, options):
    file = io.BytesIO()
    trace = onnxspan.trace(snapshots="changed")
    with trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), args, file, **options)
    assert trace.errors == []
    return trace.origins, onnx.load_from_string(file.getvalue())


def constants(model):
    """Each constant of one value, by name."""
    found = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return {
        name: float(value.reshape(-1)[0])
        for name, value in found.items()
        if value.size and value.dtype.kind == "f" and np.all(value == value.reshape(-1)[0])
    }


def marked(model):
    """Each multiplication by a known number: the node's name and the number."""
    known = constants(model)
    for node in model.graph.node:
        if node.op_type == "Mul":
            numbers = [known[name] for name in node.input if name in known]
            if numbers:
                yield node.name, numbers[0]


def modules_by_number(model):
    numbers = {}
    for name, module in model.named_modules():
        if isinstance(module, Times):
            numbers.setdefault(module.number, set()).add(name)
        elif isinstance(module, Held):
            numbers.setdefault(float(module.weight[0]), set()).add(name)
    return numbers


@BOTH
@pytest.mark.parametrize(
    "model", [Chain(), Equal(), Shared(), Folding()], ids=lambda m: type(m).__name__
)
def test_each_marked_node_is_of_its_module(model, options):
    """Whatever the passes did, a node that multiplies by a module's number is that module's."""
    origins, file = exported(model, (torch.rand(2, 4),), options)
    expected = modules_by_number(model)
    by_name = {one.node: one for one in origins.nodes}
    assert list(by_name) == [node.name for node in file.graph.node]
    found = list(marked(file))
    assert {number for _, number in found} == set(expected)
    for name, number in found:
        stems = {origin.module for origin in by_name[name].origins}
        assert stems <= expected[number], (name, number, stems)
        assert stems
    for one in origins.nodes:
        assert one.origins or one.added_by, one


@BOTH
def test_equal_layers_that_became_one(options):
    """Of two equal layers, the one that is left is known; the other is removed or the same."""
    origins, file = exported(Equal(), (torch.rand(2, 4),), options)
    three = [name for name, number in marked(file) if number == 3.0]
    by_name = {one.node: one for one in origins.nodes}
    stems = {origin.module for name in three for origin in by_name[name].origins}
    removed = {one.origin.module for one in origins.removed}
    assert stems | removed >= {"one", "two"}
    assert stems <= {"one", "two"}


class Normal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.out = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.conv(x))))


@BOTH
def test_fusion_has_several_origins(options):
    """A convolution that a batch norm was merged into stems from both; the other from itself."""
    model = Normal()
    model(torch.rand(4, 3, 8, 8))
    origins, _ = exported(model, (torch.rand(1, 3, 8, 8),), options)
    convolutions = [one for one in origins.nodes if one.op_type == "Conv"]
    assert [{origin.module for origin in one.origins} for one in convolutions] == [
        {"conv", "norm"},
        {"out"},
    ]
    assert any(did == "fused" for _, did in convolutions[0].passes)
    assert convolutions[0].origins[0].line > 0


@BOTH
def test_folded_constant(options):
    """A constant that a pass computed says from which parameter, and by which pass."""
    origins, _ = exported(Folding(), (torch.rand(2, 4),), options)
    (one,) = (one for one in origins.initializers if one.bytes == 64)
    assert "weight" in one.parameter
    assert any(did == "folded" for _, did in one.passes)


@torch_facts.needs_dynamo
@pinned
def test_without_a_decomposition():
    """A program that needs no decomposition has the model's operators as origins all the same."""
    model = nn.Sequential(nn.ReLU(), nn.Tanh())
    origins, _ = exported(model, (torch.rand(2, 4),), {"dynamo": True, "verbose": False})
    assert [
        [(origin.operator, origin.module) for origin in one.origins] for one in origins.nodes
    ] == [[("aten.relu.default", "0")], [("aten.tanh.default", "1")]]
    assert all(one.passes[0] == ("_translate_fx_graph", "made") for one in origins.nodes)


@torch_facts.needs_dynamo
@pinned
def test_control_flow_by_dynamo():
    """Nodes before and after torch.cond are of their modules, and If has its line."""
    origins, file = exported(Branching(), (torch.rand(2, 4),), {"dynamo": True, "verbose": False})
    by_name = {one.node: one for one in origins.nodes}
    for name, number in marked(file):
        assert {origin.module for origin in by_name[name].origins} == {
            {3.0: "before", 7.0: "after"}[number]
        }
    (branch,) = (one for one in origins.nodes if one.op_type == "If")
    assert branch.origins


def test_scripted_loop():
    """A node inside the body of an ONNX Loop stems from the scripted line."""

    class Looping(nn.Module):
        def forward(self, x):
            for _ in range(int(x.shape[0])):
                x = torch.tanh(x)
            return x

    origins, _ = exported(
        torch.jit.script(Looping()), (torch.rand(2, 4),), torch_facts.TORCHSCRIPT
    )
    (inner,) = (one for one in origins.nodes if one.op_type == "Tanh")
    assert [origin.operator for origin in inner.origins] == ["aten::tanh"]


@BOTH
def test_json_has_the_promised_keys(options):
    """The JSON has nodes, initializers and removed operators with the documented keys."""
    origins, _ = exported(Normal(), (torch.rand(1, 3, 8, 8),), options)
    data = json.loads(json.dumps(origins.as_json()))
    node = data["nodes"][0]
    assert set(node) >= {"node", "op_type", "origins", "passes"}
    assert set(node["origins"][0]) == {"module", "module_class", "file", "line", "operator"}
    assert set(node["passes"][0]) == {"name", "did"}
    assert set(data["initializers"][0]) >= {"name", "bytes", "parameter", "origins", "passes"}
