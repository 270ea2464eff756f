"""A step that fails keeps the graph that it was given."""

import io
import warnings

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.cli import main


class Unknown(nn.Module):
    def forward(self, x):
        return torch.linalg.eigvals(x).real


class Hidden(nn.Module):
    """A batch norm in training mode that nobody sees: the decomposition refuses its counter."""

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "norm", nn.BatchNorm1d(2).train())

    def forward(self, x):
        return self.norm(x)


@pytest.mark.parametrize(
    ("model", "x", "options", "name", "said"),
    [
        (Unknown(), torch.ones(3, 3), torch_facts.TORCHSCRIPT, "_jit_pass_onnx", "aten::linalg_eigvals"),
        pytest.param(
            Hidden(), torch.ones(3, 2), {"dynamo": True, "verbose": False},
            "_decompose_exported_program", "batch_norm",
            marks=[
                torch_facts.needs_dynamo,
                pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED),
            ],
        ),
    ],
    ids=["torchscript", "dynamo"],
)  # fmt: skip
def test_the_graph_before_is_kept_and_shown(tmp_path, model, x, options, name, said):
    """Its text is in the folder, `show --diff` prints it, and once though the stages failed too."""
    file = tmp_path / "t.jsonl"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = onnxspan.trace(snapshots="changed")
        with trace, pytest.raises(Exception):  # noqa: B017  # each exporter has its own
            torch.onnx.export(model, (x,), io.BytesIO(), **options)
    assert trace.errors == []
    trace.save(file)
    failed = next(span for span in trace.spans if span.name == name)
    assert failed.get(c.SNAPSHOT_BEFORE)
    assert not failed.get(c.SNAPSHOT_AFTER)
    shown = CliRunner().invoke(main, ["show", str(file), "--diff", "--pass", name])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith(f"the graph before {name}, which failed:")
    assert said in shown.output
