"""The failure screen, on real failing models of both exporters.

`UPDATE_SCREENS=1 pytest tests/reading/test_failure.py` writes the expected screens anew.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from pathlib import Path

import pytest
import torch
import torch._dynamo  # it replaces functions of torch when it is first imported

import onnxspan
from failing_models import FAILING
from onnxspan.reading.trace import Trace

SCREENS = Path(__file__).with_name("failure_screens.txt")


def _masked(screen):
    screen = re.sub(r"/\S*/([\w.]+\.py):\d+", r"…/\1:N", screen)
    return re.sub(r"/\S*/(site-packages|python3\.\d+)/", "…/", screen)


def _expected():
    sections = re.split(r"^== (.+)\n", SCREENS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        name: text.strip("\n") for name, text in zip(sections[::2], sections[1::2], strict=True)
    }


@pytest.fixture(scope="module")
def failed():
    """Each failing export, once."""
    kept = {}

    def fail(case):
        if case not in kept:
            model, args, keywords = FAILING[case]()
            with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
                warnings.simplefilter("ignore")
                with pytest.raises(Exception) as raised:  # the cases differ
                    torch.onnx.export(model.eval(), args, io.BytesIO(), verbose=False, **keywords)
            kept[case] = trace, raised.value
        return kept[case]

    yield fail
    if os.environ.get("UPDATE_SCREENS"):
        text = "\n\n".join(
            f"== {case}\n{_masked(trace.failure.screen(chain=False))}"
            for case, (trace, _) in kept.items()
        )
        SCREENS.write_text(text + "\n", encoding="utf-8")


@pytest.mark.parametrize("case", FAILING)
def test_screen(failed, case):
    """Each real failure shows the one screen that was read and found right."""
    trace, _ = failed(case)
    assert trace.errors == []
    if not os.environ.get("UPDATE_SCREENS"):
        assert _masked(trace.failure.screen()) == _expected()[case]


def test_chain_on_request(failed):
    """The chain lists the exception and its causes, and stands only where it is asked for."""
    trace, error = failed("wrong shape in the model, dynamo")
    failure = trace.failure
    assert failure.chain[-1] == "RuntimeError: shape '[7, 7]' is invalid for input of size 8"
    assert type(error).__name__ in failure.chain[0]
    assert "chain" in failure.screen(chain=True)
    assert "chain" not in failure.screen()


def test_survives_the_file(failed, tmp_path):
    """A saved trace shows the same screen as the one in memory."""
    trace, _ = failed("unsupported operator, torchscript")
    trace.save(tmp_path / "failed.jsonl")
    assert Trace.read(tmp_path / "failed.jsonl").failure.screen() == trace.failure.screen()


def test_tree_begins_with_the_failure(failed):
    """The answer stands above the tree."""
    trace, _ = failed("unsupported operator, torchscript")
    printed = io.StringIO()
    trace.show(file=printed)
    assert printed.getvalue().startswith("The export failed in _jit_pass_onnx\n  error ")


def test_success_has_no_failure():
    """An export that succeeds has no failure, handled or not."""
    with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
    assert trace.failure is None
    assert trace.result.failures == []


def test_handled_failure(monkeypatch):
    """What torch swallows is a failed span, said to be handled, under a root without error."""
    original = torch._C._jit_pass_onnx_graph_shape_type_inference

    def failing(*args):
        original(*args)
        raise RuntimeError("inference gave up")

    monkeypatch.setattr(torch._C, "_jit_pass_onnx_graph_shape_type_inference", failing)
    with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), dynamo=False)
    assert trace.failure is None
    assert not trace.result.roots[0].error
    handled = trace.result.failures
    assert handled
    assert all(failure.handled for failure in handled)
    assert "was handled" in handled[0].screen()
