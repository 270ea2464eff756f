"""Whatever a recording inside asks for, the recording around it gets what it asked for."""

import io
import itertools
import logging
import os
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from onnxspan import conventions as c
from tiny import export


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def spans(trace, key):
    return [span for span in trace.spans if span.get(key) is not None]


class Asked:
    """One thing that a recording can ask for, and the proof that the recording got it."""

    def __init__(self, name, tmp_path):
        self.name = name
        self.seen = []
        self.logger = logging.getLogger(f"nested.{id(self)}")
        self.logger.setLevel(logging.DEBUG)
        self.logger.propagate = False
        self.records = Records()
        self.logger.addHandler(self.records)
        self.flight = tmp_path / "around.jsonl"
        self.trace = onnxspan.trace(
            **{
                "nothing": {"flight": False},
                "snapshots": {"snapshots": "changed"},
                "hooks": {},
                "logs": {"log": self.logger},
                "native log": {"native_log": True},
                "level": {"level": "nodes"},
                "flight log": {"flight": self.flight},
            }[name]
        )
        if name == "hooks":
            self.trace.on_leave("_jit_pass_onnx")(self.seen.append)

    def look(self):
        """Called inside the block, after the export."""
        if self.name == "flight log":
            self.seen = (self.flight.parent / "around.jsonl.flight").read_text().splitlines()

    def proof(self):
        return {
            "nothing": lambda: self.trace.spans,
            "snapshots": lambda: [
                self.trace.result.snapshot(span.get(c.SNAPSHOT_AFTER))
                for span in spans(self.trace, c.SNAPSHOT_AFTER)
            ],
            "hooks": lambda: self.seen,
            "logs": lambda: [line for line in self.records.lines if "left" in line],
            "native log": lambda: [
                event
                for span in self.trace.spans
                for event in span.events
                if event.name == c.NATIVE_LOG_EVENT
            ],
            "level": lambda: [span for span in self.trace.spans if span.get(c.LEVEL) == "nodes"],
            "flight log": lambda: self.seen,
        }[self.name]()


NAMES = ["nothing", "snapshots", "hooks", "logs", "native log", "level", "flight log"]


class Folding(torch.nn.Module):
    def forward(self, x):
        return x.reshape(x.size(0), 2 * 1) + 1


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(NAMES, NAMES)))
def test_each_gets_what_it_asked_for(outer, inner, tmp_path, capfd):
    """For every pair of wishes, both recordings have theirs, and nothing is left behind."""
    (tmp_path / "in").mkdir()
    around, inside = Asked(outer, tmp_path), Asked(inner, tmp_path / "in")
    option = torch._C._jit_get_logging_option()
    with around.trace, inside.trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            torch.jit.script(Folding()),
            (torch.ones(3, 2),),
            io.BytesIO(),
            **torch_facts.TORCHSCRIPT,
        )
        around.look()
        inside.look()
    assert around.proof()
    assert inside.proof()
    assert (around.trace.errors, inside.trace.errors) == ([], [])
    assert torch._C._jit_get_logging_option() == option
    os.write(2, b"after\n")
    assert capfd.readouterr().err.endswith("after\n")


def test_a_line_of_a_pass_is_kept_once(capfd):
    """Two recordings that both ask for the passes' log put each line on its span once."""
    with onnxspan.trace(native_log=True) as alone:
        export()
    with onnxspan.trace(native_log=True) as outer, onnxspan.trace(native_log=True) as inner:
        export()

    def lines(trace):
        return sum(
            event.name == c.NATIVE_LOG_EVENT for span in trace.spans for event in span.events
        )

    assert lines(alone) == lines(outer) == lines(inner)
