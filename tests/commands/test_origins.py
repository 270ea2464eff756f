"""`onnxspan origins`: what a person types, sees and gets as exit code."""

import io
import json
import shutil
import warnings

import pytest
import torch
from click.testing import CliRunner
from faulty import deep

import onnxspan
import torch_facts
from onnxspan.cli import main


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A trace with snapshots of a model with a batch norm, saved."""
    path = tmp_path_factory.mktemp("origins") / "t.jsonl"
    model, args = deep()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace(snapshots="changed") as trace:
            torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)
    trace.save(path)
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["origins", *map(str, arguments)])


def test_by_module(file):
    """Without an option there is a line for each module, and how many nodes are known."""
    result = run(file)
    assert result.exit_code == 0
    assert any(line.startswith("layers.0.act (GELU)") for line in result.output.splitlines())
    assert "13 of 13 nodes have an origin" in result.output


def test_one_node(file):
    """A fused node names both of its modules, the line, and the pass that fused it."""
    text = run(file, "--node", "/conv/Conv").output
    assert "aten::batch_norm in norm (torch.nn.modules.batchnorm.BatchNorm2d)" in text
    assert "aten::_convolution in conv (torch.nn.modules.conv.Conv2d)" in text
    assert "faulty.py:" in text
    assert "fused   _jit_pass_onnx_eval_peephole" in text


def test_one_module_and_one_line(file):
    """A module has all that is inside it; a line all that it became."""
    nodes = [
        node["node"]
        for node in json.loads(run(file, "--module", "layers.1", "--json").output)["nodes"]
    ]
    assert nodes == [
        "/layers/layers.1/up/Gemm",
        "/layers/layers.1/act/Gelu",
        "/layers/layers.1/Add",
    ]
    line = json.loads(run(file, "--json").output)["nodes"][-1]["origins"][0]["line"]
    assert "/out/Gemm" in run(file, "--line", f"faulty.py:{line}").output


def test_largest(file):
    """The largest constants come first, with what they were computed from."""
    lines = run(file, "--largest", "2").output.splitlines()
    assert "432 B" in lines[0]
    assert "conv.weight" in lines[1]
    assert "folded in _jit_pass_onnx_eval_peephole" in lines[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--node", "no\x1b[31m"), "has no node"),
        (("--module", "nowhere"), "nothing in the exported file stems from the module nowhere"),
        (("--line", "m.py:1"), "stems from the line m.py:1"),
        (("--export", "5"), "there is no number 5"),
    ],
)
def test_nothing_fits(file, arguments, said):
    """What is not there is said, with the next step; exit code 2, no escape of the input's."""
    result = run(file, *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "\x1b" not in result.output


def test_without_snapshots(tmp_path):
    """A trace without graphs says how to record some."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with onnxspan.trace() as trace:
            torch.onnx.export(
                torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT
            )
    trace.save(tmp_path / "t.jsonl")
    result = run(tmp_path / "t.jsonl")
    assert result.exit_code == 2
    assert "onnxspan run --snapshots changed" in result.output


def copied(file, folder):
    shutil.copy(file, folder / "t.jsonl")
    shutil.copytree(file.with_suffix(".snapshots"), folder / "t.snapshots")
    return folder / "t.jsonl", sorted((folder / "t.snapshots").glob("*.json"))


def test_a_missing_folder(file, tmp_path):
    """Without its folder a trace says which file is missing and where it belongs."""
    shutil.copy(file, tmp_path / "t.jsonl")
    result = run(tmp_path / "t.jsonl")
    assert result.exit_code == 2
    assert "is not there. Keep the folder" in result.output


def test_a_damaged_record(file, tmp_path):
    """A record that is not what was recorded is left out and named; the rest is shown."""
    trace, records = copied(file, tmp_path)
    named = json.loads(trace.read_text().splitlines()[0])
    attributes = {
        one["key"]: one["value"].get("stringValue")
        for scope in named["resourceSpans"][0]["scopeSpans"]
        for span in scope["spans"]
        for one in span["attributes"]
    }
    kept = attributes["torch.onnx.snapshot.file.graph.name"]
    for record in records:
        if record.name != kept:
            record.write_text('{"format": "cake"}')
            break
    result = run(trace)
    assert result.exit_code == 0
    assert "is not what was recorded" in result.output


def test_a_path_outside_is_not_followed(file, tmp_path):
    """A name that leads out of the folder is not read."""
    trace, _ = copied(file, tmp_path)
    (tmp_path / "secret.json").write_text("{}")
    text = trace.read_text()
    name = "torch.onnx.snapshot.file.graph.name"
    start = text.index('"stringValue"', text.index(name)) + len('"stringValue":"')
    end = text.index('"', start)
    trace.write_text(text[:start] + "../secret.json" + text[end:])
    result = run(trace)
    assert result.exit_code == 2
    assert "../secret.json of" in result.output
    assert "is not there" in result.output
