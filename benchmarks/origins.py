"""How many nodes of real exported files have an origin; prints a table.

python benchmarks/origins.py [NAME ...]      only models whose name has NAME
"""

from __future__ import annotations

import io
import sys
import time
import warnings

import torch

import onnxspan
from real_models import EXPORTERS, MODELS


def main() -> None:
    """Export each model by each exporter with snapshots, and count."""
    wanted = sys.argv[1:]
    nodes = known = 0
    print("| model | exporter | nodes | with an origin | added by a pass | unknown | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, make in MODELS.items():
        if wanted and not any(one in name for one in wanted):
            continue
        for exporter, options in EXPORTERS.items():
            torch.manual_seed(0)
            model, args, kwargs = make()
            began = time.monotonic()
            trace = onnxspan.trace(snapshots="changed")
            with trace, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    torch.onnx.export(model, args, io.BytesIO(), kwargs=kwargs or None, **options)
                except Exception as error:
                    print(
                        f"| {name} | {exporter} | the export fails: {type(error).__name__} | | | | |"
                    )
                    continue
            found = trace.origins
            stems = sum(bool(one.origins) for one in found.nodes)
            nodes, known = nodes + len(found.nodes), known + found.known
            row = [name, exporter, f"{len(found.nodes):,}", f"{stems:,}", f"{found.known - stems:,}",
                   f"{len(found.nodes) - found.known:,}", f"{time.monotonic() - began:.1f}"]  # fmt: skip
            print("| " + " | ".join(row) + " |", flush=True)
            for note in (*found.notes, *trace.errors):
                print(f"    {note}", file=sys.stderr)
    print(f"\n{known:,} of {nodes:,} nodes ({known / max(nodes, 1):.2%})")


if __name__ == "__main__":
    main()
