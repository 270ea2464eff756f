"""`onnxspan run --verify`: what a person types, sees and gets as exit code."""

import json

import numpy as np
import pytest
from test_run import ended, start, write

import torch_facts
from onnxspan.reading.source.trace import Trace

pytest.importorskip("onnxruntime")

RIGHT = f"""
import torch
model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.GELU()).eval()
torch.onnx.export(model, (torch.ones(1, 2),), "model.onnx", input_names=["x"],
                  opset_version=17, **{torch_facts.TORCHSCRIPT!r})
"""
WRONG = RIGHT.replace(
    "import torch\n",
    """import torch
def wrong(g, x, approximate="none"):
    return g.op("Mul", x, g.op("Sigmoid", x))
torch.onnx.register_custom_op_symbolic("aten::gelu", wrong, 17)
""",
)
BRANCH = f"""
import torch
class Branch(torch.nn.Module):
    def forward(self, x):
        if float(x.sum()) > 0:
            return x * 2
        return x - 5
torch.onnx.export(Branch(), (torch.ones(1, 2),), "model.onnx", input_names=["x"],
                  **{torch_facts.TORCHSCRIPT!r})
"""
OTHERS = """
import torch
def inputs():
    return [(-torch.ones(1, 2),)]
"""


def run(folder, *arguments):
    return ended(start(folder, "-m", "onnxspan", "run", *arguments))


def test_a_right_export(tmp_path):
    """A right export says that it was verified, and exits with the script's code."""
    code, _, err = run(tmp_path, "--verify", "--fail-on-mismatch", write(tmp_path, RIGHT))
    assert code == 0
    assert "verified: the graph was run" in err
    assert "begin to differ" not in err


def test_a_wrong_export(tmp_path):
    """A wrong one begins with where the numbers begin to differ; the script's code stays."""
    script = write(tmp_path, WRONG)
    code, _, err = run(tmp_path, "--verify", "-o", "t.jsonl", script)
    assert code == 0
    lines = err.splitlines()
    assert "The numbers begin to differ in _jit_pass_onnx" in lines
    assert any(
        line.startswith("operator   aten::gelu → onnx::Sigmoid, onnx::Mul") for line in lines
    )
    assert any(
        line.startswith("module     1 (torch.nn.modules.activation.GELU)") for line in lines
    )
    assert Trace.read(tmp_path / "t.jsonl").mismatch.pass_name == "_jit_pass_onnx"


def test_fail_on_mismatch(tmp_path):
    """With `--fail-on-mismatch` the exit code is 1; the script's own code goes before."""
    assert run(tmp_path, "--verify=passes", "--fail-on-mismatch", write(tmp_path, WRONG))[0] == 1
    failing = write(tmp_path, WRONG + "\nimport sys; sys.exit(7)\n")
    assert run(tmp_path, "--verify", "--fail-on-mismatch", failing)[0] == 7


def test_json_has_the_same_fields(tmp_path):
    """`show --json` has the mismatch under its export, and null where all agree."""
    for name, source in (("wrong", WRONG), ("right", RIGHT)):
        run(tmp_path, "--verify=stages", "-o", f"{name}.jsonl", write(tmp_path, source))
    found = {}
    for name in ("wrong", "right"):
        code, out, _ = ended(start(tmp_path, "-m", "onnxspan", "show", f"{name}.jsonl", "--json"))
        assert code == 0
        found[name] = json.loads(out)["roots"][0]["mismatch"]
    assert found["right"] is None
    assert set(found["wrong"]) >= {
        "stage", "pass_name", "operator", "module", "file", "line", "output", "max_abs_diff",
        "max_rel_diff", "mismatched", "elements", "rtol", "atol", "inputs", "nondeterministic",
    }  # fmt: skip
    assert found["wrong"]["inputs"] == "example"


@pytest.mark.parametrize("source", ["given.npz", "others:inputs"])
def test_inputs_of_the_users_own(tmp_path, source):
    """Inputs from a file or a function are tried too: they show what tracing fixed."""
    np.savez(tmp_path / "given.npz", x=-np.ones((1, 2), dtype=np.float32))
    write(tmp_path, OTHERS, "others.py")
    script = write(tmp_path, BRANCH)
    _, _, err = run(tmp_path, "--verify", "--verify-inputs", source, script)
    assert "The numbers begin to differ in _create_jit_graph" in err
    assert f"source     {script}:5" in err or "script.py:5" in err
    assert "the inputs that were given" in err


def test_the_scripts_own_option(tmp_path):
    """A `--verify` after the script's name is the script's."""
    script = write(tmp_path, "import sys; print(sys.argv[1:])")
    code, out, _ = run(tmp_path, "--quiet", script, "--verify")
    assert (code, out.strip()) == (0, "['--verify']")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--verify=often",), "'often' is not one of 'stages', 'passes'"),
        (("--rtol", "1"), "--rtol needs --verify"),
        (("--verify", "--atol", "-1"), "--atol must be 0 or more"),
        (("--verify", "--verify-inputs", "no.npz"), "no.npz: no such .npz file"),
    ],
)
def test_bad_options(tmp_path, arguments, said):
    """What cannot be is refused before the script runs, with exit code 2."""
    script = write(tmp_path, "print('ran')")
    code, out, err = run(tmp_path, *arguments, script)
    assert code == 2
    assert out == ""
    assert said in " ".join(err.split())


def test_threshold_for_ci(tmp_path):
    """`diff --fail-if 'max_abs_diff>1e-4'` fails for a wrong export, and not for a right one."""
    for name, source in (("right", RIGHT), ("wrong", WRONG)):
        run(tmp_path, "--verify", "-o", f"{name}.jsonl", write(tmp_path, source))
    compare = ("-m", "onnxspan", "diff", "right.jsonl")
    limit = ("--fail-if", "max_abs_diff>1e-4")
    assert ended(start(tmp_path, *compare, "wrong.jsonl", *limit))[0] == 1
    assert ended(start(tmp_path, *compare, "right.jsonl", *limit))[0] == 0
