"""The node counts that a trace reports are those of a plain recount."""

from __future__ import annotations

import contextlib
import io
import warnings

import pytest
import torch

import onnxspan
import torch_facts
import zoo
from conftest import quiet
from onnxspan import conventions as c
from onnxspan.recording.graphs import torchscript
from onnxspan.recording.opening import close_session, open_session
from onnxspan.recording.session import Session


def recount(block):
    """Every node, by asking every one of them for its blocks."""
    return sum(1 + sum(map(recount, node.blocks())) for node in block.nodes())


class Recounter:
    """Recounts the graph after each call that reported a size."""

    def __init__(self):
        self.results = {}
        self.wrong = []
        self.compared = 0
        self.acted = set()

    def entered(self, call):
        """Nothing to do."""

    def left(self, call, error):
        """Compare what the span says with the graph as it is now."""
        graph = next((arg for arg in call.args[:1] if torchscript.is_graph(arg)), None)
        # These two return another graph than the one they take.
        if graph is None or call.probe.name in {"_jit_pass_onnx", "_jit_pass_canonicalize"}:
            return
        if call.probe.name in {"_optimize_graph"} or c.NODES not in call.attributes:
            return
        self.compared += 1
        said, found = call.attributes[c.NODES], recount(graph)
        if call.attributes.get(c.NODES_CHANGE):
            self.acted.add(call.probe.name)
        if said != found:
            self.wrong.append((call.probe.name, said, found))

    def finished(self, export):
        """Nothing to do."""


@pytest.fixture(scope="module")
def recounted():
    """Gives the recounter of a case of the zoo, exported once."""
    made = {}

    def get(name):
        if name not in made:
            zoo.case(name)
            recounter = Recounter()
            session = Session(listeners=[recounter])
            open_session(session)
            try:
                with quiet():
                    zoo.export(name)
            finally:
                close_session(session)
            assert session.errors == []
            made[name] = recounter
        return made[name]

    return get


@pytest.mark.parametrize("name", zoo.NAMES)
def test_every_count_is_that_of_a_recount(name, recounted):
    """After every pass and stage the reported nodes are those that a plain walk finds."""
    recounter = recounted(name)
    assert recounter.wrong == []
    assert recounter.compared > 20


def test_the_models_make_the_passes_act(recounted):
    """The zoo holds models on which the passes that are skipped by kind do change the graph."""
    acted = set()
    for name in zoo.NAMES:
        with contextlib.suppress(pytest.skip.Exception):  # a case that this torch cannot export
            acted |= recounted(name).acted
    assert acted >= {
        "_jit_pass_inline_fork_wait",
        "_jit_pass_lower_all_tuples",
        "_jit_pass_onnx_remove_print",
        "_jit_pass_fuse_addmm",
        "_jit_pass_cse",
        "_jit_pass_peephole",
        "_jit_pass_onnx_peephole",
        "_jit_pass_onnx_constant_fold",
    }


@pytest.mark.parametrize("name", ["scripted", "folding", "scripted extras"])
def test_changes_add_up(name, traced):
    """From the first count of `_optimize_graph`'s passes on, the changes lead to the last count."""
    spans = [
        span
        for span in traced(name)[1].spans
        if span.name.startswith("_jit_pass") and span.parent.name == "_optimize_graph"
    ]
    counts = [span for span in spans if c.NODES in span.attributes]
    size = counts[0].attributes[c.NODES]
    for span in counts[1:]:
        size += span.attributes.get(c.NODES_CHANGE, 0)
        assert span.attributes[c.NODES] == size, span.name


def test_a_graph_inside_blocks_is_counted():
    """Nodes inside nested If and Loop blocks count as those outside."""
    model, args, _ = zoo.case("scripted")
    graph = model.graph.copy()
    torch._C._jit_pass_inline(graph)
    assert torchscript.graph_size(graph).nodes == recount(graph) > len(list(graph.nodes()))


def test_the_root_counts_the_file(traced):
    """The root's nodes and initializers are those of the file that was written."""
    import onnx

    data, trace = traced("convolutional")
    root = trace.result.roots[0]
    graph = onnx.load(io.BytesIO(data)).graph
    assert root.attributes[c.RESULT_NODES] == len(graph.node)
    assert root.attributes[c.RESULT_INITIALIZERS] == len(graph.initializer)
    assert isinstance(trace, onnxspan.Tracing)


def lambda_free(x):
    """A function to script: its ScriptFunction has no signature that Python can read."""
    return x + 1


class Scaled(torch.nn.Module):
    def forward(self, x):
        return x * torch.tensor(2.0) + torch.tensor(1)


class Split(torch.nn.Module):
    """A peephole acts, all is used; then ListUnpack is left without a use, and swept later."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 6)

    def forward(self, x):
        y = self.linear(x)
        y = y.expand(y.size(0), y.size(1)).to(torch.float32)
        a, b = y.split(3, 1)
        return a + b


class Warns(torch.nn.Module):
    def forward(self, x):
        warnings.warn("seen", stacklevel=2)  # what remove_print removes too
        return x * 2


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (Scaled, (torch.ones(2, 2),)),
        (Split, (torch.ones(4, 4),)),
        (lambda: torch.jit.script(Warns()), (torch.ones(1, 2),)),
        (
            lambda: torch.jit.script(torch.nn.Sequential(torch.nn.Linear(2, 2))),
            (torch.ones(1, 2),),
        ),
        (lambda: torch.jit.script(lambda_free), (torch.ones(1, 2),)),
    ],
    ids=["zero-dimensional constants", "split", "warning", "scripted module", "scripted function"],
)
def test_counts_hold_where_no_chunk_and_no_signature_is(make, arguments):
    """Passes that rewrite without a telling kind are counted, and a ScriptFunction is described."""
    recounter = Recounter()
    session = Session(listeners=[recounter])
    open_session(session)
    try:
        with quiet():
            torch.onnx.export(make(), arguments, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    finally:
        close_session(session)
    assert session.errors == []
    assert recounter.wrong == []
