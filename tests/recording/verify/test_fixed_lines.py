"""The line at which tracing fixed a value is found, whatever Python has shown of torch's warnings."""

import io
import warnings

import pytest
import torch
from faulty import TORCHSCRIPT, verified

import onnxspan

pytest.importorskip("onnxruntime")


class Branching(torch.nn.Module):
    def forward(self, x):
        if float(x.sum()) > 0:  # tracing takes one branch
            return x * 2
        return x - 5


class TwoFixed(torch.nn.Module):
    """Tracing warns at two lines; the first fixes a size, which other values do not change."""

    def forward(self, x):
        rows = int(x.shape[0])  # tracing fixes a size
        y = x.reshape(rows, -1)
        scale = float(x.max())  # tracing fixes a value
        return y * scale


def line_here(text):
    with open(__file__, encoding="utf-8") as source:
        return next(n for n, line in enumerate(source, 1) if text in line)


def test_the_line_where_the_users_filters_hide_warnings():
    """The line is found in each of two exports though Python shows no warning; nothing is warned."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("ignore")
        for _ in range(2):
            trace = onnxspan.trace(verify=True, verify_inputs=[(-torch.ones(3, 2),)])
            with trace:
                torch.onnx.export(Branching(), (torch.ones(3, 2),), io.BytesIO(), **TORCHSCRIPT)
            found = trace.mismatch
            assert (found.file, found.line) == (__file__, line_here("tracing takes one branch"))
        filters = list(warnings.filters)
    assert shown == []
    assert not any(one[2] is torch.jit.TracerWarning and one[0] == "always" for one in filters)


def test_of_two_lines_the_one_that_matters():
    """Where tracing fixed two values, the line is that of the value that the other inputs change."""
    found = verified(TwoFixed(), (torch.rand(3, 2),), **TORCHSCRIPT).mismatch
    assert found.inputs == "other values"
    assert (found.file, found.line) == (__file__, line_here("tracing fixes a value"))
