"""The inputs that a model is verified with: the example, and others made from it."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEED = 20_240_101
"""Seeds the values that are drawn, so that each export of a model draws the same."""
FEW = 2
"""A tensor of at most so many different values may be a mask: its own values are drawn again."""

_TYPE_OF = {bool: torch.bool, int: torch.int64, float: torch.float64}
"""As which tensor the TorchScript exporter takes a number (torch/csrc/jit/python/pybind_utils.h)."""

EXAMPLE, VALUES, SIZES, GIVEN = "example", "other values", "other sizes", "given"
DRAWN = "drawn"


@dataclasses.dataclass
class InputSet:
    """One set of inputs and what the eager model answers.

    Attributes:
        kind: `example`, `other values`, `other sizes` or `given`; `drawn` where no export is known.
        leaves: the tensors of the arguments, in the order in which they are flattened.
        expected: the tensors that the eager model returns, flattened.
        noise: for each output, how far the eager model differs from itself with other kernels.
    """

    kind: str
    leaves: list[Any]
    expected: list[torch.Tensor] = dataclasses.field(default_factory=list)
    noise: list[float] = dataclasses.field(default_factory=list)


class Arguments:
    """The example's arguments as leaves, and the way back.

    Args:
        args: positional arguments.
        kwargs: keyword arguments.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        values, self._spec = pytree.tree_flatten((args, kwargs))
        self._values = values
        # Copies: a model may write into its inputs, and then the exporter's run changes them.
        self.leaves = [
            value.detach().clone() for value in values if isinstance(value, torch.Tensor)
        ]

    def filled(self, leaves: Sequence[torch.Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Copies of the arguments with these tensors in the places of the example's."""
        tensors = iter(leaves)
        values = [
            next(tensors).detach().clone() if isinstance(value, torch.Tensor) else value
            for value in self._values
        ]
        args, kwargs = pytree.tree_unflatten(values, self._spec)
        return args, kwargs

    def with_numbers(self, leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """These tensors and, in their places among the arguments, the example's numbers as tensors."""
        tensors = iter(leaves)
        found = []
        for value in self._values:
            if isinstance(value, torch.Tensor):
                found.append(next(tensors))
            elif type(value) in _TYPE_OF:
                found.append(torch.tensor(value, dtype=_TYPE_OF[type(value)]))
        return found

    def leaves_of(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], model: Any
    ) -> list[torch.Tensor]:
        """The tensors of other arguments; named ones are put where `forward` has them.

        Raises:
            TypeError: when `forward` does not take the arguments.
            ValueError: when another number of tensors is given than the example has.
        """
        forward = getattr(model, "forward", model)
        if kwargs and not args:
            example_args, example_kwargs = pytree.tree_unflatten(self._values, self._spec)
            try:
                bound = inspect.signature(forward).bind_partial(*example_args, **example_kwargs)
            except ValueError:  # a function of C++ has no signature
                bound = None
            if bound is not None:
                missing = [name for name in kwargs if name not in bound.arguments]
                if missing:
                    raise TypeError(f"the example has no input named {missing[0]}")
                kwargs = {name: kwargs.get(name, value) for name, value in bound.arguments.items()}
        leaves = [
            value if isinstance(value, torch.Tensor) else torch.as_tensor(value)
            for value in pytree.tree_leaves((args, kwargs))
            if isinstance(value, torch.Tensor) or hasattr(value, "__array__")
        ]
        if len(leaves) != len(self.leaves):
            raise ValueError(
                f"{len(leaves)} tensors were given, the example has {len(self.leaves)}"
            )
        return leaves


def tensors_of(outputs: Any) -> list[torch.Tensor]:
    """The tensors of what a model returned, flattened; None is left out, numbers are tensors."""
    found = []
    for value in pytree.tree_leaves(outputs):
        if isinstance(value, torch.Tensor):
            found.append(value.detach().clone())
        elif isinstance(value, bool | int | float):
            found.append(torch.as_tensor(value))
    return found


def drawn(  # noqa: PLR0911  # one case after the other
    example: torch.Tensor, shape: Sequence[int], generator: torch.Generator
) -> torch.Tensor:
    """Other values for a tensor, in its type and range.

    Whole numbers stay between the example's smallest and largest, so ids stay ids. Of a tensor
    with at most two different values (a mask) the same values are drawn again.
    """
    shape = tuple(shape)
    if not example.numel() or example.is_complex() or example.is_quantized:
        return (
            example.detach().clone() if tuple(example.shape) == shape else example.new_zeros(shape)
        )
    if example.dtype is torch.bool:
        if bool(example.all()) or not bool(example.any()):
            return example.new_full(shape, bool(example.reshape(-1)[0]))
        return torch.randint(0, 2, shape, generator=generator).bool()
    distinct = torch.unique(example.detach().cpu().double())
    if _is_placeholder(example):
        return torch.rand(shape, generator=generator, dtype=torch.float64).to(example.dtype)
    if len(distinct) <= FEW and example.numel() > FEW:
        chosen = torch.randint(0, len(distinct), shape, generator=generator)
        return distinct[chosen].to(example.dtype)
    low, high = float(distinct[0]), float(distinct[-1])
    if not example.is_floating_point():
        return torch.randint(int(low), int(high) + 1, shape, generator=generator).to(example.dtype)
    finite = distinct[torch.isfinite(distinct)]
    if not len(finite):
        return example.detach().clone()
    low, high = float(finite[0]), float(finite[-1])
    if low == high:
        low, high = low - 1.0, high + 1.0
    uniform = torch.rand(shape, generator=generator, dtype=torch.float64)
    return (low + (high - low) * uniform).to(example.dtype)


def _is_placeholder(example: torch.Tensor) -> bool:
    """Zeros or ones are what people write for an input whose values do not matter."""
    if not example.numel() or not example.is_floating_point():
        return False
    first = example.reshape(-1)[0]
    return float(first) in (0.0, 1.0) and bool((example == first).all())


def negative_values(leaves: Sequence[torch.Tensor]) -> list[torch.Tensor] | None:
    """Negative values for each tensor that is a placeholder; None when none is one.

    The other values for a placeholder are not negative, and a branch may depend on the sign.
    """
    if not any(map(_is_placeholder, leaves)):
        return None
    return [
        -value if _is_placeholder(leaf) else value
        for leaf, value in zip(leaves, other_values(leaves), strict=True)
    ]


def other_values(leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Other values for each tensor, of the same shapes; seeded."""
    generator = torch.Generator().manual_seed(SEED)
    return [drawn(leaf, leaf.shape, generator).to(leaf.device) for leaf in leaves]


def other_sizes(
    leaves: Sequence[torch.Tensor], shapes: Sequence[Sequence[int]]
) -> list[torch.Tensor]:
    """Values for other shapes; seeded. A tensor whose shape stays keeps its values."""
    generator = torch.Generator().manual_seed(SEED + 1)
    return [
        leaf.detach().clone()
        if tuple(leaf.shape) == tuple(shape)
        else drawn(leaf, shape, generator).to(leaf.device)
        for leaf, shape in zip(leaves, shapes, strict=True)
    ]


def shapes_by_axes(
    leaves: Sequence[torch.Tensor],
    names: Sequence[str],
    axes: dict[str, Any] | None,
    change: Callable[[int], int],
) -> list[tuple[int, ...]] | None:
    """The shapes with each axis of `dynamic_axes` changed; None when no input has such an axis.

    Axes of one name get one size, as the caller of the file would give them.
    """
    if not axes:
        return None
    sizes: dict[str, int] = {}
    shapes: list[tuple[int, ...]] = []
    for leaf, name in zip(leaves, names, strict=False):
        shape = list(leaf.shape)
        declared = axes.get(name) or {}
        named = declared if isinstance(declared, dict) else dict.fromkeys(declared, "")
        for axis, label in named.items():
            if -len(shape) <= axis < len(shape):
                size = change(shape[axis])
                shape[axis] = sizes.setdefault(label, size) if label else size
        shapes.append(tuple(shape))
    shapes += [tuple(leaf.shape) for leaf in leaves[len(shapes) :]]
    changed = any(tuple(leaf.shape) != shape for leaf, shape in zip(leaves, shapes, strict=True))
    return shapes if changed else None
