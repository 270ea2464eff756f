"""What `import onnxspan` gives: names, light imports, and one-line representations."""

import io
import subprocess
import sys
import warnings

import pytest
import torch

import onnxspan
import torch_facts


def test_every_name_is_there():
    """Each name of `__all__` can be had, and no other is offered by `dir`."""
    for name in onnxspan.__all__:
        assert getattr(onnxspan, name) is not None
    assert set(onnxspan.__all__) <= set(dir(onnxspan))
    with pytest.raises(AttributeError, match="has no attribute 'Spam'"):
        onnxspan.Spam  # noqa: B018  # the access is what is tested


def test_import_stays_light():
    """Importing onnxspan imports neither torch nor OpenTelemetry's SDK nor rich."""
    code = (
        "import sys, onnxspan; print([name for name in ('torch', 'opentelemetry.sdk', 'rich', "
        "'onnx', 'onnxspan.reading.report') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Failing(torch.nn.Module):
    def forward(self, x):
        return torch.linalg.eigvals(x)


def test_representations_are_one_short_line():
    """`repr` of a trace, a span, a failure, a moment and a recording is one line to read."""
    moments = []
    trace = onnxspan.trace()
    trace.on_leave("_jit_pass_onnx")(moments.append)
    assert repr(trace) == "<Tracing at level passes: not entered>"
    with (
        trace,
        warnings.catch_warnings(),
        pytest.raises(torch.onnx.errors.UnsupportedOperatorError),
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(Failing(), (torch.eye(3),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
    seen = [repr(one) for one in (trace, trace.result, trace.spans[0], trace.failure, *moments)]
    for text in seen:
        assert "\n" not in text
        assert len(text) < 200, text
    assert "spans" in seen[0]
    assert "1 export, " in seen[1]
    assert seen[2].startswith("<Span torch.onnx.export: failed")
    assert "aten::linalg_eigvals" in seen[3]
    assert "raised" in seen[4]
