"""A process that ends badly inside a pass: `python killed.py HOW FOLDER [PASS]`."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import warnings

import torch

import onnxspan
import torch_facts


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) + 1


def die(how):
    """What a native pass would do, done on entering it."""
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit":
        os._exit(3)
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
        held = ctypes.CDLL(None).malloc
        held.restype, held.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        while True:  # as C++ does that does not look at what it got
            ctypes.memset(held(2**28), 1, 2**28)
    elif how == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))


how, folder, *inside = sys.argv[1:]
warnings.simplefilter("ignore")
tracing = onnxspan.trace("nodes" if how == "node" else "passes", flight=f"{folder}/export")
where = "_decide_input_format" if how == "full" else "_jit_pass_onnx_peephole"
where = inside[0] if inside else where
tracing.on_enter(where)(lambda _moment: die(how))
if how == "node":  # on entering one: its memory is on record before

    def converted(g, x):
        die("kill")

    torch.onnx.register_custom_op_symbolic("aten::relu", converted, 17)
with tracing:
    import io

    buffer = io.BytesIO()
    exporter = {"dynamo": True} if inside else torch_facts.TORCHSCRIPT
    torch.onnx.export(Model(), (torch.zeros(2, 3),), buffer, **exporter, verbose=False)
    if how == "full":
        print(len(buffer.getvalue()), os.path.getsize(f"{folder}/export.flight"))
print("|".join(tracing.errors))
print(len(tracing.spans), os.path.exists(f"{folder}/export.flight"))
