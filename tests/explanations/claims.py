"""Hold a sentence of an explanation beside the run that proves the sentence."""

from __future__ import annotations

import io
import warnings

import onnx
import torch

import onnxspan
import torch_facts

CLAIMS: dict[tuple[str, str], str] = {}
"""By the name of an explanation and a sentence of it, the test that proves the sentence."""


def says(name, *sentences):
    """Note that the decorated test proves these whole sentences of the explanation of `name`."""

    def noted(test):
        for sentence in sentences:
            CLAIMS[name, sentence] = test.__name__
        return test

    return noted


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


def graphs(name, model, args, **options):
    """The text of the graph that each call of a pass was given, before and after the call."""
    before, after = [], []

    def watch(trace):
        trace.on_enter(name)(lambda moment: before.append(str(moment.args[0])))
        trace.on_leave(name)(lambda moment: after.append(str(moment.args[0])))

    export(model, args, watch=watch, **options)
    return list(zip(before, after, strict=True))
