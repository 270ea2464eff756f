"""`python -m onnxspan` is the `onnxspan` command."""

from __future__ import annotations

from onnxspan.cli import main

if __name__ == "__main__":
    main(prog_name="onnxspan")
