"""What can begin an export is wrapped as long as a trace is open, and imported by nobody for it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import torch_facts


def _python(source):
    """What a fresh interpreter prints for this."""
    done = subprocess.run(  # our own
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(source)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_opening_imports_no_exporter():
    """Opening a trace imports nothing of onnxscript, nor of the dynamo exporter."""
    said = _python("""
        import sys, torch.onnx, onnxspan
        before = set(sys.modules)
        with onnxspan.trace():
            new = set(sys.modules) - before
        print(sorted(n for n in new if n.startswith(("onnxscript", "torch.onnx._internal.exp"))))
    """)
    assert said == "[]"


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_what_an_export_imports_is_wrapped_then():
    """What follows the first dynamo export of a process opens its own trace, and is put back."""
    said = _python("""
        import io, logging, torch, onnxspan
        logging.disable(logging.CRITICAL)
        with onnxspan.trace("stages") as outer, onnxspan.trace("stages") as trace:
            program = torch.onnx.export(torch.nn.ReLU(), (torch.zeros(2),), dynamo=True)
            program.save(io.BytesIO())
        kind = type(program)
        print([root.name for root in trace.result.roots][1:], kind.save.__code__.co_name)
    """)
    assert said == "['ONNXProgram.save'] save"
