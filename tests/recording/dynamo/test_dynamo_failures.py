"""Failures: where, in what, and whether the export survived."""

import traceback

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from dynamo_models import DataDependent, StrictOnly, by_name, export
from onnxspan import conventions as c
from onnxspan.recording.trampoline import NAME


@torch.library.custom_op("onnxspan_tests::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    """An operator that no exporter knows."""
    return x * 2


@twice.register_fake
def _(x):
    return torch.empty_like(x)


class Inner(nn.Module):
    def forward(self, x):
        return torch.ops.onnxspan_tests.twice(x)


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()

    def forward(self, x):
        return self.inner(x) + 1


@pytest.mark.parametrize("level", ["stages", "nodes"])
def test_operator_without_a_function(example, level):
    """An untranslatable operator fails its span with target, module path, line and reason."""
    with onnxspan.trace(level) as trace, pytest.raises(torch.onnx.OnnxExporterError):
        export(Custom(), example)
    assert trace.result.roots[0].error
    described = [span for span in trace.spans if span.get(c.NODE_OPERATOR)]
    span = described[-1]
    assert span.error
    assert span.get(c.NODE_OPERATOR) == "onnxspan_tests.twice.default"
    assert span.get(c.NODE_SCOPE) == "inner"
    assert span.get(c.FILE) == __file__
    assert span.get(c.LINE) == Inner.forward.__code__.co_firstlineno + 1
    if level == "nodes":
        assert "No ONNX function" in span.get(c.NODE_DISPATCH)


def test_a_failure_reads_as_without_tracing(example):
    """No frame of ours is left in the chain but the outermost; no span's status has colours."""
    with onnxspan.trace("nodes") as trace, pytest.raises(torch.onnx.OnnxExporterError) as caught:
        export(Custom(), example)
    links, error = [], caught.value
    while error is not None:
        links.append([frame.name for frame in traceback.extract_tb(error.__traceback__)])
        error = error.__cause__
    assert len(links) > 1
    assert sum(names.count(NAME) for names in links) == 1
    assert "\x1b[" in str(caught.value).splitlines()[0]
    assert not any("\x1b" in span.description for span in trace.spans)


@pytest.fixture(scope="module")
def data_dependent(example):
    """An export that fails in both captures."""
    strategies = torch_facts.capture_strategies()
    if len(strategies) != 2:
        pytest.skip(f"torch {torch_facts.VERSION} captures in other ways too: {strategies}")
    with onnxspan.trace() as trace, pytest.raises(torch.onnx.OnnxExporterError):
        export(DataDependent(), example)
    return trace


def test_each_strategy_says_why_it_failed(data_dependent):
    """When all strategies fail, the root lists each one's reason in a line."""
    [root] = data_dependent.result.roots
    first, second = root.get(c.CAPTURE_FAILURES)
    assert first.startswith("TorchExportNonStrictStrategy: GuardOnDataDependentSymNode: Could")
    assert second.startswith("TorchExportStrictStrategy: Unsupported: ")
    assert all("\n" not in line and len(line) < 300 for line in (first, second))
    for name in ("TorchExportNonStrictStrategy", "TorchExportStrictStrategy"):
        assert by_name(data_dependent, name)[0].error
    assert root.error


@pytest.mark.skipif(torch_facts.NUMBERS < (2, 11), reason=torch_facts.SHOWS_PINNED)
def test_data_dependent_shape_is_placed(data_dependent):
    """Both captures point at the user's line and module."""
    for name in ("_MakefxTracer.trace", "fullgraph_capture"):
        [span] = by_name(data_dependent, name)
        assert span.error
        assert span.get(c.FILE).endswith("dynamo_models.py")
        assert span.get(c.NODE_SCOPE) == "branch"
    assert by_name(data_dependent, "_MakefxTracer.trace")[0].get(c.NODE_OPERATOR)


@pytest.mark.skipif(torch_facts.NUMBERS < (2, 6), reason=torch_facts.IS_EARLY)
def test_second_strategy_saves_the_export(example, tmp_path):
    """The failed strategy is red with its reason, the second and the root are not."""
    with onnxspan.trace() as trace:
        export(StrictOnly(), example, tmp_path / "m.onnx")
    [failed] = by_name(trace, "TorchExportNonStrictStrategy")
    second = torch_facts.capture_strategies()[1]  # torch 2.6 calls it otherwise
    [taken] = by_name(trace, second)
    assert failed.error
    assert "only strict capture passes here" in failed.description
    assert not taken.error
    [root] = trace.result.roots
    assert not root.error
    assert not root.children[-1].error
    assert root.get(c.CAPTURE_STRATEGY) == second
    assert len(root.get(c.CAPTURE_FAILURES)) == 1


def test_swallowed_failure_shows_no_wrapper(data_dependent):
    """The stack that torch prints of a swallowed failure is the one without tracing."""
    [span] = by_name(data_dependent, "_core.export")
    [event] = span.events
    before_core = event.attributes[c.EXCEPTION_STACKTRACE].split("The above exception")[0]
    assert "torch/export/_trace.py" in before_core
    assert "<onnxspan" not in before_core


def test_failed_verification_leaves_the_root_green(small, example, monkeypatch):
    """What verification raises is swallowed: it stays on its own span."""
    from torch.onnx._internal.exporter import _onnx_program

    def broken(*args):
        raise OSError("no runtime today")

    monkeypatch.setattr(_onnx_program.ONNXProgram, "initialize_inference_session", broken)
    with onnxspan.trace() as trace:
        export(small, example, verify=True)
    [span] = by_name(trace, "verify_onnx_program")
    assert span.error
    assert "no runtime today" in span.description
    assert not trace.result.roots[0].error


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
@pytest.mark.parametrize("level", ["stages", "passes", "nodes"])
def test_a_translation_that_raises(example, level):
    """A ConversionError is placed at every level: target, module path, and the model's line."""

    def broken(x):
        raise ValueError("no such shape")

    with onnxspan.trace(level) as trace, pytest.raises(torch.onnx.OnnxExporterError):
        export(
            Custom(),
            example,
            custom_translation_table={torch.ops.onnxspan_tests.twice.default: broken},
        )
    span = [span for span in trace.spans if span.get(c.NODE_OPERATOR)][-1]
    assert span.error
    assert span.get(c.NODE_OPERATOR) == "onnxspan_tests.twice.default"
    assert span.get(c.NODE_FUNCTION).endswith("broken")
    assert (span.get(c.NODE_SCOPE), span.get(c.FILE)) == ("inner", __file__)
    assert span.get(c.LINE) == Inner.forward.__code__.co_firstlineno + 1
    assert "no such shape" in trace.result.failure.screen()


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_a_reason_is_not_cut_before_it_says_what(example):
    """Where torch's first line only announces, the next comes with it, and no colour does."""
    shapes = {"x": {0: "rows"}}

    class Fixes(nn.Module):
        def forward(self, x):
            return x + torch.ones(2, 4)

    with onnxspan.trace("stages") as trace, pytest.raises(torch.onnx.OnnxExporterError):
        export(Fixes(), example, dynamic_shapes=shapes)
    [root] = trace.result.roots
    assert all("static shape of 2" in reason for reason in root.get(c.CAPTURE_FAILURES))
    assert "\x1b" not in root.description
    assert "static shape of 2" in trace.result.failure.message


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_a_failed_pass_says_what_it_met(example):
    """The error of a pass is the one inside it, not that a pass failed."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        program = torch.export.export(nn.Linear(4, 4), (torch.zeros(2, 4),))
    with onnxspan.trace() as trace, pytest.raises(Exception, match="PassManager"):
        export(program, ())
    failure = trace.result.failure
    assert failure.error_type == "RuntimeError"
    assert failure.span.name == "FoldConstantsPass"
    assert trace.errors == []
