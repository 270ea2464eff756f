"""Write the traces that docs/how-to/diff.md and growth.md show: the toy transformer, repeated.

    python benchmarks/repeated_exports.py traces/ --layers 12 24 48 --repeats 3
    onnxspan growth traces/*.jsonl

Every export runs in a fresh process, so that all of them begin alike. The repetitions go
round the sizes: a machine that becomes slower does so for all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Parse the arguments; start a process for each export, or be one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, nargs="+", default=[12, 24, 48])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dynamo", action="store_true")
    parser.add_argument("--opset", type=int)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        export(arguments.folder, arguments.layers[0], arguments.opset, dynamo=arguments.dynamo)
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    kind = "dynamo" if arguments.dynamo else "torchscript"
    for repeat in range(1, arguments.repeats + 1):
        for layers in arguments.layers:
            file = arguments.folder / f"{kind}-{layers}-{repeat}.jsonl"
            command = [sys.executable, __file__, str(file), "--one", "--layers", str(layers)]
            command += ["--dynamo"] if arguments.dynamo else []
            command += ["--opset", str(arguments.opset)] if arguments.opset else []
            subprocess.run(command, check=True)  # noqa: S603  # this very file


def export(file: Path, layers: int, opset: int | None, *, dynamo: bool) -> None:
    """Export once and save the trace."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    import torch

    import onnxspan
    from models import transformer

    model, args = transformer(layers)
    with tempfile.TemporaryDirectory() as folder, onnxspan.trace(save=file):
        torch.onnx.export(
            model, args, f"{folder}/model.onnx", dynamo=dynamo, opset_version=opset, verbose=False
        )


if __name__ == "__main__":
    main()
