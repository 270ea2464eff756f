"""The terminal tree of traces that were damaged or made to harm."""

import io

import pytest

from handmade import STAGE, Builder, root
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.tree import tree


def test_a_name_of_a_megabyte_widens_no_other_row():
    """In a pipe names are whole up to a bound: one huge name is not paid for by each row."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 900, None, root())
    builder.add("x" * 1_000_000, 1, 2, top, STAGE)
    for number in range(50):
        builder.add(f"y{number}", 10 * number + 3, 10 * number + 9, top, STAGE)
    shown = io.StringIO()
    tree.show(Trace.from_spans(builder.spans), unfold=True, file=shown)
    assert len(shown.getvalue()) < 2_000_000


@pytest.mark.parametrize("width", [0, 1, 5])
def test_no_width_to_speak_of(width):
    """A terminal that says it has no columns gets a narrow tree, and no error."""
    builder = Builder()
    builder.add("torch.onnx.export", 0, 900, None, root())
    shown = io.StringIO()
    tree.show(Trace.from_spans(builder.spans), file=shown, width=width)
    assert "torch.onnx" in shown.getvalue()


@pytest.mark.parametrize("process", [{"a": 1}, [{"a": 1}], [[1]]])
def test_a_process_number_of_any_type(process):
    """A resource attribute may be a map or a list of maps in OTLP."""
    builder = Builder()
    builder.add("torch.onnx.export", 0, 900, None, root())
    trace = Trace.from_spans(builder.spans)
    trace.roots[0].resource = {"process.pid": process}
    shown = io.StringIO()
    tree.show(trace, file=shown)
    assert "torch.onnx.export" in shown.getvalue()
