"""Names cut to a width."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from onnxspan.reading.text import shorten


@pytest.mark.parametrize("width", range(70))
@pytest.mark.parametrize("name", ["漢字" * 30, "_jit_pass_onnx_" + "x" * 60, "e\u0301" * 80])
def test_a_name_is_cut_to_its_width(name, width):
    """A name, also one of double-width or combining signs, fits any width; a cut is shown."""
    cut = shorten(name, width)
    assert cell_len(cut) <= width
    if width and cell_len(name) > width:
        assert "…" in cut
