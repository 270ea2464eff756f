"""Records of fx programs: a node keeps its number through a decomposition, whatever its name."""

import pytest
import torch

from onnxspan.recording.graphs.records import Records


class Blocks(torch.nn.Module):
    """Two layers whose decomposition makes more views, so that later views get other names."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.second = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x):
        return self.second(self.first(x))


@pytest.fixture(scope="module")
def programs():
    program = torch.export.export(Blocks().eval(), (torch.randn(2, 4, 8),), strict=False)
    return program, program.run_decompositions({})


def records(programs):
    made = Records(Blocks())
    return [made.program(one) for one in programs]


def test_a_number_means_the_same_node(programs):
    """A number that both graphs have means the same operator in the same module."""
    before, after = records(programs)
    old = {node.id: node for node in before.nodes}
    kept = [(old[node.id], node) for node in after.nodes if node.id in old]
    assert len(kept) > len(after.nodes) / 2
    assert any(one.name != other.name for one, other in kept)
    for one, other in kept:
        assert (one.op, one.module, one.line) == (other.op, other.module, other.line)


def test_each_number_once(programs):
    """No two nodes of one graph have the same number, and a second reading gives the same."""
    made = Records(Blocks())
    first = [made.program(one) for one in programs]
    second = [made.program(one) for one in programs]
    assert first == second
    for graph in first:
        assert len({node.id for node in graph.nodes}) == len(graph.nodes)


def test_a_torch_that_does_not_say_it(programs):
    """Without torch's `from_node` a node is the same only under the same name, module and line."""
    told = [
        (node, node.meta.pop("from_node"))
        for one in programs
        for node in one.graph.nodes
        if "from_node" in node.meta
    ]
    try:
        before, after = records(programs)
    finally:
        for node, source in told:
            node.meta["from_node"] = source
    old = {node.id: node for node in before.nodes}
    kept = [(old[node.id], node) for node in after.nodes if node.id in old]
    assert kept
    for one, other in kept:
        assert (one.name, one.op, one.module) == (other.name, other.op, other.module)
