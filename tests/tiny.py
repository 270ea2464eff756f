"""A tiny model, its export by TorchScript, and every place that it meets."""

from __future__ import annotations

import io

import torch
from torch import nn

import torch_facts
from conftest import quiet
from onnxspan import conventions as c
from onnxspan.recording import entry_points, recorder
from onnxspan.recording.probes import TABLES

MODEL = nn.Sequential(nn.Linear(2, 2), nn.ReLU()).eval()
ARGS = (torch.zeros(1, 2),)


class Broken(Exception):
    """The injected fault."""


def broken(*args, **kwargs):
    raise Broken("injected")


def export(model=MODEL, args=ARGS, **options):
    file = io.BytesIO()
    with quiet():
        torch.onnx.export(model, args, file, **torch_facts.TORCHSCRIPT, **options)
    return file.getvalue()


def targets():
    """Every wrapped place that an export meets, found by recording one."""
    export()  # imports what an export imports
    found = list(entry_points.targets())
    for exporter, table in TABLES.items():
        if table:
            found += recorder.targets_of(exporter, c.Level.NODES)
    return found
