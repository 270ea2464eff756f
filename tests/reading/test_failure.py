"""The failure screen, on real failing models of both exporters.

`UPDATE_SCREENS=1 pytest tests/reading/test_failure.py` writes the expected screens anew.
"""

from __future__ import annotations

import copy
import io
import os
import re
import warnings
from pathlib import Path

import pytest
import torch
import torch._dynamo  # it replaces functions of torch when it is first imported

import onnxspan
import torch_facts
from dynamo_models import StrictOnly
from failing_models import FAILING
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.walk.steps import steps

SCREENS = Path(__file__).with_name("failure_screens.txt")


def _skip_unless_exportable(case, keywords):
    if "dynamo" in keywords and not torch_facts.DYNAMO:
        pytest.skip(torch_facts.NO_DYNAMO)
    if case.startswith("own operator") and not torch_facts.CUSTOM_OP:
        pytest.skip(torch_facts.NO_CUSTOM_OP)


WORDED_ANEW = {
    "operator of a later opset, torchscript": torch_facts.PINNED,
    "opset too new, torchscript": torch_facts.PINNED,
    "own operator, torchscript": (2, 11),
    "failure that torch goes on after, torchscript": torch_facts.PINNED,
}
"""The same failures as before in other words, and the torch that first said it so."""


def _masked(screen):
    screen = re.sub(
        rf"(\bopset +|opset version |function, ){torch_facts.OPSET}\b", r"\1DEFAULT", screen
    )
    screen = re.sub(r"/\S*/([\w.]+\.py):\d+", r"…/\1:N", screen)
    screen = re.sub(r"\. Did you mean\s+'\w+'\?", "", screen)  # added by Python 3.13
    screen = re.sub(r"(\.data\.)\w+", r"\1N", screen)  # a temporary file's name
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
            _skip_unless_exportable(case, keywords)
            raised = None
            with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
                warnings.simplefilter("ignore")
                try:
                    if isinstance(model, torch.nn.Module):
                        model.eval()
                    file = None if keywords.get("dynamo") else io.BytesIO()
                    torch.onnx.export(model, args, **{"f": file, "verbose": False, **keywords})
                except Exception as error:  # the cases differ
                    raised = error
            kept[case] = trace, raised
        trace, raised = kept[case]
        if raised is None and torch_facts.OLDER:
            assert trace.errors == []
            pytest.skip(f"torch {torch_facts.VERSION} exports this")
        assert raised is not None
        return trace, raised

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
    since = torch_facts.PINNED if case.endswith("dynamo") else WORDED_ANEW.get(case, (2, 1))
    if torch_facts.NUMBERS < since:
        pytest.skip(torch_facts.SHOWS_PINNED)
    if not os.environ.get("UPDATE_SCREENS"):
        assert _masked(trace.failure.screen()) == _expected().get(case)


def test_what_the_exporter_handled_before(failed):
    """The screen of a failure that follows from a handled one names that, with module and line."""
    trace, _ = failed("failure that torch goes on after, torchscript")
    handled = [one for one in trace.result.failures if one.handled]
    assert handled
    assert all(one.earlier == [] for one in handled)
    (text,) = trace.failure.earlier
    assert handled[0].message in text
    assert f"{handled[0].file}:{handled[0].line}" in text


def test_a_step_after_the_export():
    """Of a step that is no export the screen does not say that the export failed."""
    import onnx

    broken = onnx.helper.make_model(onnx.helper.make_graph([], "", [], []))
    with (
        onnxspan.trace(packs=["onnx"]) as trace,
        pytest.raises(onnx.checker.ValidationError),
    ):
        onnx.checker.check_model(broken)
    assert trace.failure.headline == "onnx.checker.check_model failed"


def test_which_of_several_exports_failed():
    """With two exports in a trace the headline says which of them failed."""
    model = torch.nn.ReLU()

    class Missing(torch.nn.Module):
        def forward(self, x):
            return torch.linalg.eigvals(x)

    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.ones(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
        with pytest.raises(Exception, match="eigvals"):
            torch.onnx.export(
                Missing(), (torch.ones(2, 2),), io.BytesIO(), **torch_facts.TORCHSCRIPT
            )
    assert trace.failure.headline == "Export 2 of 2 failed in _jit_pass_onnx"
    step = next(step for step in steps(trace.result) if step.error)
    assert step.error.count("UnsupportedOperatorError") == 1


def test_chain_on_request(failed):
    """The chain lists the exception and its causes, and stands only where it is asked for."""
    trace, error = failed("wrong shape in the model, dynamo")
    failure = trace.failure
    if not torch_facts.EARLY_DYNAMO:
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


@pytest.mark.parametrize("width", [30, 40, 80])
def test_tree_has_the_whole_place(failed, width):
    """However narrow the terminal, file and line of the failure stand there to the last sign."""
    trace, _ = failed("unsupported operator, torchscript")
    shown = io.StringIO()
    trace.show(file=shown, width=width)
    screen = shown.getvalue().partition("\n\n")[0].replace("\n" + " " * 12, "")
    assert f"{trace.failure.file}:{trace.failure.line}" in screen


def test_tree_has_the_whole_module_path(failed):
    """Below the operator that failed stands the path that `get_submodule` takes, not its end."""
    trace, _ = failed("unsupported operator in a list, torchscript")
    assert "in module blocks.0.mix (Airy)" in _tree(trace)


def test_failure_below_a_span_that_went_on(failed):
    """An application's own span that did not fail does not make the failed export a handled one."""
    trace, _ = failed("unsupported operator, torchscript")
    spans = [copy.copy(span) for span in trace.result.spans]
    root = spans[0]
    around = copy.copy(root)
    around.name, around.scope, around.error, around.events = "nightly", "my.service", False, []
    around.span_id, around.attributes = "f" * 16, {}
    root.parent_id = around.span_id
    made = Trace([around, *spans])
    assert made.roots[0].name == "nightly"
    assert made.failure.screen() == trace.failure.screen()


def test_success_has_no_failure():
    """An export that succeeds has no failure, handled or not."""
    with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(
            torch.nn.ReLU(), (torch.zeros(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    assert trace.failure is None
    assert trace.result.failures == []


class BadShape(torch.autograd.Function):
    """Its symbolic function expands to a shape that does not fit, which a buffer holds."""

    @staticmethod
    def forward(ctx, x, shape):
        return x * 2

    @staticmethod
    def symbolic(g, x, shape):
        return g.op("Expand", x, shape)


class Swallowed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("shape", torch.tensor([5, 5]))

    def forward(self, x):
        return BadShape.apply(x, self.shape) + 1


@pytest.mark.skipif(torch_facts.NUMBERS == (2, 5), reason="torch 2.5 does not swallow it")
def test_swallowed_shape_inference():
    """Shape inference that torch lets fail is said to be handled, under a root without error."""
    with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Swallowed(), (torch.zeros(2, 4),), io.BytesIO(), **torch_facts.TORCHSCRIPT
        )
    assert trace.failure is None
    assert not trace.result.roots[0].error
    first, *_ = handled = trace.result.failures
    assert {failure.span.name for failure in handled} == {
        "_jit_pass_onnx_graph_shape_type_inference"
    }
    assert all(failure.handled for failure in handled)
    assert "was handled" in first.screen()
    assert "✗ _jit_pass_onnx_graph_shape_type_inference" in _tree(trace)
    assert "handled: RuntimeError: input_shape_value" in _tree(trace)


def _tree(trace):
    printed = io.StringIO()
    trace.show(file=printed, width=110)
    return printed.getvalue()


@torch_facts.needs_dynamo
def test_strategies_that_failed(failed):
    """Where every capture strategy fails, the screen has the short reason of each."""
    if len(torch_facts.capture_strategies()) != 2:
        pytest.skip(f"torch {torch_facts.VERSION} captures in other ways too")
    trace, _ = failed("data-dependent control flow, dynamo")
    first, second = trace.failure.tried
    assert first.startswith("TorchExportNonStrictStrategy: GuardOnDataDependentSymNode: Could")
    assert second.startswith("TorchExportStrictStrategy: Unsupported: ")
    screen = trace.failure.screen()
    assert "  tried     TorchExportStrictStrategy: Unsupported: " in screen
    assert "TorchExportNonStrictStrategy" not in screen  # its reason is the error that is shown
    assert "handled" not in _tree(trace)


@pytest.mark.skipif(torch_facts.NUMBERS < (2, 6), reason=torch_facts.IS_EARLY)
def test_strategy_that_was_made_up_for():
    """Where a later strategy succeeds there is no failure, and the earlier one's is handled."""
    with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(StrictOnly(), (torch.zeros(2, 4),), None, dynamo=True, verbose=False)
    assert trace.failure is None
    [handled] = trace.result.failures
    assert handled.handled
    assert handled.module == "the model itself (StrictOnly)"
    tree = _tree(trace)
    assert "failed" not in tree.split("\n\n")[0]
    assert "handled: ValueError: only strict capture passes here" in tree


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_broken_dynamic_shape_names_the_constraint():
    """A constraint that does not hold is named, once, though torch wraps it in a second error."""
    model, rows = FAILING["wrong shape in the model, dynamo"]()[:2]
    model.encoder[1] = torch.nn.Unflatten(0, (2, 1))
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings(), onnxspan.trace(flight=False) as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, rows, None, dynamo=True, verbose=False, dynamic_shapes={"x": {0: batch}}
        )
    [handled] = trace.result.failures
    assert handled.span.name == "produce_guards_and_solve_constraints"
    assert handled.message.startswith("Constraints violated (batch)! - ")
    if torch_facts.NUMBERS >= (2, 9):
        assert "Suggested fixes: batch = 2" in handled.message
    if torch_facts.NUMBERS >= (2, 11):
        assert "Not all values of batch" in handled.message
