"""The weights that torch's quantized modules pack: they are no parameters of the module.

`torch.ao.nn.quantized.Linear`, a dynamic LSTM and the like keep weight and bias in an object of C++,
so that `model.parameters()` has none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("_packed_params", "_packed_weight", "_packed_weight_ih", "_packed_weight_hh", "param")
"""Where torch.ao's modules keep the objects."""
_PACKAGES = ("torch.ao.", "torch.nn.quantized.", "torch.jit.")


def packed(model: Any) -> list[Any]:
    """The packed weights and biases of a model's modules, as tensors.

    Raises:
        Exception: what torch raises when it cannot unpack them.
    """
    import torch

    if not isinstance(model, torch.nn.Module):
        return []
    objects = [
        getattr(module, name, None)
        for module in model.modules()
        if type(module).__module__.startswith(_PACKAGES)
        for name in _NAMES
    ]
    return [
        tensor
        for one in objects
        if isinstance(one, torch.ScriptObject)
        for tensor in _tensors(one)
    ]


def _tensors(value: Any) -> Iterator[Any]:
    import torch
    from torch.utils import _pytree as pytree

    # Packed weights of a convolution are saved with its strides: `unpack` gives the weights alone.
    told = value.unpack() if hasattr(value, "unpack") else value.__getstate__()
    leaves = pytree.tree_leaves(told)
    inner = [leaf for leaf in leaves if isinstance(leaf, torch.ScriptObject)]
    for (
        one
    ) in inner:  # the cell of an LSTM holds its biases beside the objects that have them, too
        yield from _tensors(one)
    if not inner:
        yield from (leaf for leaf in leaves if isinstance(leaf, torch.Tensor))
