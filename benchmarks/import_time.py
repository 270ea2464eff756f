"""What `import onnxspan` adds to a process that has imported torch, in fresh processes.

    python benchmarks/import_time.py [--runs 7]

Prints the median and the slowest of the runs in milliseconds, and whether the import brought
`torch.onnx` with it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

_CODE = """
import json, sys, time
import torch
before = "torch.onnx" in sys.modules
began = time.perf_counter()
import onnxspan
seconds = time.perf_counter() - began
print(json.dumps([seconds, "torch.onnx" in sys.modules and not before]))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    answers = [
        json.loads(subprocess.check_output([sys.executable, "-c", _CODE], text=True))  # noqa: S603  # our own code
        for _ in range(options.runs + 1)
    ][1:]  # the first run fills the file cache
    milliseconds = [1e3 * seconds for seconds, _ in answers]
    print(
        f"import onnxspan after torch: median {statistics.median(milliseconds):.0f} ms, "
        f"slowest {max(milliseconds):.0f} ms of {options.runs}; "
        f"torch.onnx imported by it: {any(brought for _, brought in answers)}"
    )


if __name__ == "__main__":
    main()
