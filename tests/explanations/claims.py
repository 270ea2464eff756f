"""Hold a sentence of an explanation beside the run that proves the sentence."""

from __future__ import annotations

import io
import warnings

import onnx
import torch

import onnxspan
import torch_facts
from onnxspan import explanations


def says(name: str, sentence: str) -> None:
    """Fail when the explanation of `name` no longer has `sentence`: the proof below is about it."""
    found = explanations.get(name)
    assert found is not None, f"no explanation is named {name}"
    text = " ".join(found.markdown().split())
    assert " ".join(sentence.split()) in text, f"{name} no longer says: {sentence}"


def export(model, args, *, level="passes", watch=None, **options):
    """Export with the TorchScript exporter unless told otherwise; the trace and the ONNX model.

    `watch` is a function that takes the trace before the export, to add hooks.
    """
    file = io.BytesIO()
    trace = onnxspan.trace(level=level)
    if watch is not None:
        watch(trace)
    with trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, file, **{**torch_facts.TORCHSCRIPT, **options})
    return trace, onnx.load_from_string(file.getvalue())


def names(trace):
    """The names of the spans of a trace."""
    return [span.name for span in trace.spans]


def operators(model):
    """The operators of the file's nodes, in order."""
    return [node.op_type for node in model.graph.node]
