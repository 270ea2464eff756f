"""How far two values differ, and whether that is more than rounding."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """What may differ: `|actual - expected| <= atol + rtol * |expected| + noise`.

    Attributes:
        rtol: relative; None takes that of `torch.testing.assert_close` for the type.
        atol: absolute; None as `rtol`.
    """

    rtol: float | None = None
    atol: float | None = None

    def of(self, dtype: torch.dtype) -> tuple[float, float]:
        """The relative and the absolute tolerance for a type."""
        from torch.testing._comparison import default_tolerances  # torch gives them no public name

        rtol, atol = default_tolerances(dtype)
        return (
            rtol if self.rtol is None else self.rtol,
            atol if self.atol is None else self.atol,
        )

    @property
    def is_given(self) -> bool:
        """Whether the user chose one: then rounding of the machine's kernels is no excuse."""
        return self.rtol is not None or self.atol is not None


@dataclasses.dataclass(frozen=True)
class Difference:
    """One output compared.

    Attributes:
        output: its name.
        max_abs: the largest absolute difference; infinite where one is NaN or infinite alone.
        max_rel: the largest relative difference, of elements that are not expected to be 0.
        mismatched: elements that differ by more than the tolerance.
        elements: all elements.
        index: of the largest difference, counted through the flattened value.
        rtol: the relative tolerance that was used, and `atol` the absolute one.
        what: in words, a shape or a type that differs; empty when both agree.
    """

    output: str
    max_abs: float = 0.0
    max_rel: float = 0.0
    mismatched: int = 0
    elements: int = 0
    index: int = 0
    rtol: float = 0.0
    atol: float = 0.0
    what: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the outputs are equal within the tolerance, in shape and type too."""
        return not self.mismatched and not self.what


def compare(
    output: str, expected: torch.Tensor, actual: Any, tolerance: Tolerance, noise: float = 0.0
) -> Difference:
    """Compare one output.

    Args:
        output: the output's name.
        expected: what the eager model gives.
        actual: a tensor or a NumPy array.
        tolerance: what may differ.
        noise: what the eager model itself differs by with other kernels.
    """
    expected = expected.detach().cpu()
    if expected.is_quantized:
        expected = expected.dequantize()
    if not isinstance(actual, torch.Tensor):
        actual = torch.as_tensor(actual)
    actual = actual.detach().cpu()
    rtol, atol = tolerance.of(expected.dtype)
    elements = expected.numel()
    if tuple(expected.shape) != tuple(actual.shape):
        what = f"shape {tuple(actual.shape)} instead of {tuple(expected.shape)}"
        return Difference(
            output, float("inf"), float("inf"), elements, elements, 0, rtol, atol, what
        )
    what = ""
    if expected.dtype != actual.dtype:
        what = f"type {actual.dtype} instead of {expected.dtype}"
    if not elements:
        return Difference(output, rtol=rtol, atol=atol, what=what)
    wide = torch.complex128 if expected.is_complex() else torch.float64
    left, right = expected.to(wide).reshape(-1), actual.to(wide).reshape(-1)
    same = (left == right) | (torch.isnan(left) & torch.isnan(right))
    difference = (right - left).abs()
    difference[same] = 0.0  # of two infinities the difference is NaN
    difference[torch.isnan(difference)] = float("inf")
    allowed = atol + rtol * left.abs() + noise
    allowed[~torch.isfinite(allowed)] = 0.0
    wrong = difference > allowed
    size = left.abs()
    relative = torch.where((size > 0) & torch.isfinite(size), difference / size, 0.0)
    return Difference(
        output,
        float(difference.max()),
        float(relative.max()),
        int(wrong.sum()),
        elements,
        int(difference.argmax()),
        rtol,
        atol,
        what,
    )


def noise_between(first: torch.Tensor, second: torch.Tensor) -> float:
    """The largest finite difference of two runs of the same model; 0.0 for whole numbers."""
    if first.shape != second.shape or not first.is_floating_point() or not first.numel():
        return 0.0
    difference = (first.double() - second.double()).abs()
    finite = difference[torch.isfinite(difference)]
    return float(finite.max()) if finite.numel() else 0.0
