"""Records of TorchScript graphs: a node has a number of its own, wherever it stands."""

import io
import json
import warnings
from collections import Counter

import torch
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.graph_record import load


class Raises(nn.Module):
    """Two branches that each hold a node without an output, at the same place of their blocks."""

    def forward(self, x, y: int):
        if y > 3:
            raise RuntimeError("too large")  # TorchScript takes no more
        if y < 0:
            raise RuntimeError("too small")  # as above
        return x + 1


def test_nodes_without_outputs_in_two_blocks(tmp_path):
    """Two nodes that raise, each the first of a block, are two nodes of the record."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(Raises())
        with onnxspan.trace(snapshots="all") as trace:
            try:
                torch.onnx.export(
                    model, (torch.zeros(2), 1), io.BytesIO(), **torch_facts.TORCHSCRIPT
                )
            except Exception as error:  # whether it exports is torch's affair
                assert error is not None
    trace.save(tmp_path / "t.jsonl")
    raising = 0
    for span in trace.spans:
        name = span.get(c.SNAPSHOT_GRAPH_BEFORE)
        if name is None:
            continue
        text = (tmp_path / "t.snapshots" / name).read_text(encoding="utf-8")
        assert json.loads(text)["kind"] == "torchscript"
        nodes = load(text).walk()
        raising = max(raising, sum(node.op == "prim::RaiseException" for node in nodes))
        assert max(Counter(node.id for node in nodes).values(), default=1) == 1, span.name
    assert raising == 2
