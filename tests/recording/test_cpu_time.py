"""Processor time and the garbage collector's part of it, on the spans of real exports."""

from __future__ import annotations

import ctypes
import gc
import io
import threading
import time
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from models import transformer
from onnxspan import conventions as c
from onnxspan.recording import cpu_time


def export():
    """One export of a small model."""
    model, args = transformer(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, io.BytesIO(), **torch_facts.TORCHSCRIPT)


def planted(monkeypatch, work):
    """The span of a pass that does this work, in a traced export."""
    real = torch._C._jit_pass_fuse_addmm

    def pass_(graph):
        work()
        return real(graph)

    monkeypatch.setattr(torch._C, "_jit_pass_fuse_addmm", pass_)
    with onnxspan.trace() as trace:
        export()
    return next(span for span in trace.spans if span.name == "_jit_pass_fuse_addmm")


def test_every_stage_and_pass_says_its_processor_time():
    """No more than the time on the wall, but for what reading the clocks takes."""
    with onnxspan.trace() as trace:
        export()
    assert trace.spans
    for span in trace.spans:
        assert 0 <= span.get(c.CPU) <= span.duration + 0.001, span.name


def test_waiting_is_not_processor_time(monkeypatch):
    """A pass that sleeps takes long and computes little."""
    span = planted(monkeypatch, lambda: time.sleep(0.2))
    assert span.duration > 0.2
    assert span.get(c.CPU) < 0.1


def test_a_collection_is_said_where_it_falls(monkeypatch):
    """The collector's time is a part of the pass's processor time, on its span and those around."""
    span = planted(monkeypatch, gc.collect)
    assert 0 < span.get(c.GC_TIME) <= span.get(c.CPU)
    assert span.parent.get(c.GC_TIME) >= span.get(c.GC_TIME)


def test_nothing_is_left_with_the_collector():
    """Callbacks of the collector are there while an export runs, and gone after it or its failure."""
    before = list(gc.callbacks)
    with onnxspan.trace():
        export()
        assert gc.callbacks == before
        try:
            torch.onnx.export(
                torch.nn.Linear(2, 2), ("no tensor",), io.BytesIO(), **torch_facts.TORCHSCRIPT
            )
        except Exception:
            assert gc.callbacks == before
        else:
            raise AssertionError("the export was to fail")


def test_another_threads_collection_is_not_the_exports_own(monkeypatch):
    """What a thread that exports nothing collects meanwhile is on no span."""

    def work():
        gc.disable()  # the span's own thread must not collect by chance
        other = threading.Thread(target=gc.collect)
        other.start()
        other.join()
        gc.enable()

    assert c.GC_TIME not in planted(monkeypatch, work).attributes


# What the collector calls here is C, and so cannot take the signal itself.
interrupt = ctypes.PYFUNCTYPE(None, ctypes.py_object, ctypes.py_object)(
    ("PyErr_SetInterrupt", ctypes.pythonapi)
)


def test_ctrl_c_while_the_collector_works_is_not_lost(monkeypatch):
    """The interpreter drops what Python code raises that the collector calls: there is none."""

    def collect():
        held = list(gc.callbacks)
        assert cpu_time._note in held
        gc.collect()  # what dies may have a weak reference's callback, Python code too
        gc.callbacks[:] = [interrupt, cpu_time._note]  # hypothesis's is Python code
        try:
            gc.collect()
        finally:
            gc.callbacks[:] = held

    before = list(gc.callbacks)
    with pytest.raises(KeyboardInterrupt):
        planted(monkeypatch, collect)
    assert gc.callbacks == before
