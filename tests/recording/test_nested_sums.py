"""The time of nested control flow is summed once."""

import io
import runpy
import warnings

import pytest
import torch

import onnxspan
import torch_facts

DEPTH = 8
BRANCHES = "\n".join(
    f"{'    ' * level}if bool(x.sum() > {level}):" for level in range(2, DEPTH + 2)
)
SOURCE = f"""
import torch

class Nested(torch.nn.Module):
    def forward(self, x):
{BRANCHES}
{"    " * (DEPTH + 2)}x = x + 1
        return x
"""


@pytest.mark.parametrize("level", ["passes", "nodes"])
def test_nested_branches(level, tmp_path):
    """Branches inside each other take together no longer than the pass that converts them."""
    file = tmp_path / "nested.py"
    file.write_text(SOURCE, encoding="utf-8")
    found = runpy.run_path(str(file))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(found["Nested"]().eval())
        with onnxspan.trace(level) as trace:
            torch.onnx.export(model, (torch.ones(2),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
    assert trace.errors == []
    conversion = next(span for span in trace.spans if span.name == "_jit_pass_onnx")
    groups = ("symbolic", "control_flow")
    durations = [conversion.get(f"torch.onnx.{group}.durations", []) for group in groups]
    operators = conversion.get("torch.onnx.symbolic.operators")
    calls = dict(zip(operators, conversion.get("torch.onnx.symbolic.calls"), strict=True))
    assert calls["prim::If"] == DEPTH
    assert 0 < sum(map(sum, durations)) <= conversion.duration
