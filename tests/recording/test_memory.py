"""Memory per stage and pass, of allocations that really happen."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.recording import memory


class Keeps(torch.nn.Module):
    """Holds a hundred megabytes from its first call on."""

    def forward(self, x):
        self.held = torch.ones(25_000_000)
        return x + 1


def _export(tracing, model):
    with warnings.catch_warnings(), tracing as trace:
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(1),), io.BytesIO(), **torch_facts.TORCHSCRIPT)
    assert trace.errors == []
    return {span.name: span for span in trace.spans}


def test_growth_stands_where_memory_was_taken():
    """What forward keeps is the growth of the tracing span and of those around it, of no other."""
    spans = _export(onnxspan.trace(flight=False), Keeps())
    grown = {name for name, span in spans.items() if span.get(c.MEMORY_GROWTH) > 90_000_000}
    assert {"_trace_and_get_graph_from_model", "_model_to_graph"} <= grown
    assert not [name for name in grown if name.startswith("_jit_pass")]
    assert all(span.get(c.MEMORY_PEAK) >= span.get(c.MEMORY_GROWTH) for span in spans.values())


def test_memory_that_is_given_back_is_said():
    """A pass that takes much and gives it back shows in its peak, and the tree says so."""
    tracing = onnxspan.trace(flight=False)
    taken = []

    @tracing.on_enter("_jit_pass_cse")
    def take(_moment):
        size = memory.peak() - memory.resident() + max(memory.peak() // 5, 2**26)
        taken.append(len(b"x" * size))

    spans = _export(tracing, torch.nn.ReLU())
    cse = spans["_jit_pass_cse"]
    assert taken
    assert cse.get(c.MEMORY_PEAK_GROWTH) > 2**25
    assert cse.get(c.MEMORY_GROWTH) < 2**24
    assert spans["_optimize_graph"].get(c.MEMORY_PEAK_GROWTH) >= cse.get(c.MEMORY_PEAK_GROWTH)
    printed = io.StringIO()
    tracing.show(file=printed, width=100)
    lines = printed.getvalue().splitlines()
    [place] = [number for number, line in enumerate(lines) if "more in between" in line]
    assert "_jit_pass_cse" in lines[place - 1]


_PEAK_OF_A_CHILD = """
from onnxspan.recording import memory
print(memory.peak())
taken = b"x" * {bytes}
print(memory.peak(), memory.peak())
del taken
print(memory.peak())
"""


_ROUNDING = 2 * 2**20  # the kernel counts by processor, and rounds


def _peaks_of_a_child(size):
    """What a child says that takes `size` bytes: before, twice with them, and after."""
    result = subprocess.run(
        [sys.executable, "-c", _PEAK_OF_A_CHILD.format(bytes=size)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(word) for word in result.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss survives exec on Linux")
@pytest.mark.parametrize("held", [0, 300_000_000], ids=["small parent", "large parent"])
def test_the_peak_is_of_the_process_itself(held):
    """A process that a larger one has started says its own peak, before it grows and after."""
    before = b"x" * held  # this process is as large when it starts the child
    first, taken, again, after = _peaks_of_a_child(100_000_000)
    assert first < 100_000_000
    assert 100_000_000 < taken < 250_000_000
    assert max(abs(again - taken), abs(after - taken)) < _ROUNDING
    assert len(before) == held


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss survives exec on Linux")
def test_the_peak_stays_true_as_a_process_outgrows_its_parent():
    """Above what the kernel kept of the larger parent, the peak is the process's own too."""
    size = memory.peak() + 200_000_000
    first, taken, again, after = _peaks_of_a_child(size)
    assert first < size < taken < size + 100_000_000
    assert max(abs(again - taken), abs(after - taken)) < _ROUNDING
