"""What part of an export's processor time some stages and passes take, at growing sizes.

python benchmarks/shares.py                    both exporters, 4, 24 and 96 layers
python benchmarks/shares.py --layers 4 24

The explanations name these parts. The second export of each size counts: the first pays for imports.
"""

from __future__ import annotations

import argparse
import io
import logging
import warnings

import torch
from torch import nn

import onnxspan
from onnxspan import conventions as c

SHARES = {
    False: (
        ("_jit_pass_lint", "torch.onnx.export"),
        ("_trace_and_get_graph_from_model", "torch.onnx.export"),
        ("_jit_pass_onnx_graph_shape_type_inference", "torch.onnx.export"),
    ),
    True: (
        ("ONNXRegistry.from_torchlib", "torch.onnx.export"),
        ("_non_strict_export", "torch.export.export"),
        ("decompose_with_registry", "torch.export.export"),
        ("_prepare_exported_program_for_export", "torch.export.export"),
        ("RewriteRuleSet.apply_to_model", "torch.onnx.export"),
    ),
}
"""By exporter: a span, and the span of which it is a part."""


def exported(layers: int, *, dynamo: bool) -> onnxspan.Trace:
    """The trace of the second export of a toy transformer."""
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    model = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).eval()
    for _ in range(2):
        with onnxspan.trace() as trace:
            torch.onnx.export(
                model, (torch.randn(2, 8, 32),), io.BytesIO(), dynamo=dynamo, verbose=False
            )
    return trace.result


def seconds(trace: onnxspan.Trace, name: str) -> float:
    """Processor seconds of all spans of a name."""
    return sum(float(span.get(c.CPU) or 0) for span in trace.spans if span.name == name)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", type=int, nargs="+", default=[4, 24, 96])
    layers = parser.parse_args().layers
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    print(f"| span | part of | {' | '.join(f'{one} layers' for one in layers)} |")
    print(f"|---|---|{'---:|' * len(layers)}")
    for dynamo, rows in SHARES.items():
        traces = [exported(one, dynamo=dynamo) for one in layers]
        for name, whole in rows:
            parts = [100 * seconds(trace, name) / seconds(trace, whole) for trace in traces]
            print(f"| `{name}` | `{whole}` | {' | '.join(f'{part:.0f} %' for part in parts)} |")


if __name__ == "__main__":
    main()
