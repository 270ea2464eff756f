"""Runs ONNX models in onnxruntime, weights shared and not copied."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERRORS_ONLY = 3
"""onnxruntime's log level: its warnings would appear in the user's output."""

_TYPES = {
    torch.float32: 1, torch.uint8: 2, torch.int8: 3, torch.int16: 5, torch.int32: 6,
    torch.int64: 7, torch.bool: 9, torch.float16: 10, torch.float64: 11, torch.complex64: 14,
    torch.complex128: 15, torch.bfloat16: 16,
}  # fmt: skip
"""The number in onnx.TensorProto.DataType of each of torch's types."""
TYPES_OF = {
    "tensor(float)": torch.float32, "tensor(double)": torch.float64, "tensor(bool)": torch.bool,
    "tensor(float16)": torch.float16, "tensor(bfloat16)": torch.bfloat16,
    "tensor(uint8)": torch.uint8, "tensor(int8)": torch.int8, "tensor(int16)": torch.int16,
    "tensor(int32)": torch.int32, "tensor(int64)": torch.int64,
}  # fmt: skip
"""torch's type of each of onnxruntime's, as a session names those of its inputs."""


@dataclasses.dataclass
class OnnxModel:
    """A model that can be run.

    Attributes:
        proto: an `onnx.ModelProto`, or None when only the file is there.
        path: the file, with its external data beside it; None for a model in memory.
        weights: tensors by the name of a graph input: they are handed over at each run.
    """

    proto: Any = None
    path: str | None = None
    weights: dict[str, torch.Tensor] = dataclasses.field(default_factory=dict)

    def inputs(self) -> list[str]:
        """The names of the graph's inputs that no weight or initializer fills, in order."""
        if self.proto is None:
            return [one.name for one in self.session(optimised=False).get_inputs()]
        filled = {one.name for one in self.proto.graph.initializer} | set(self.weights)
        return [one.name for one in self.proto.graph.input if one.name not in filled]

    def session(self, *, optimised: bool) -> Any:
        """An onnxruntime session on the CPU.

        Args:
            optimised: let onnxruntime optimise the graph as it does by default.

        Raises:
            Exception: what onnxruntime raises: an operator that it lacks, an invalid model.
        """
        source = self.path if self.path is not None else self.proto.SerializeToString()
        return session(source, optimised=optimised)


def session(source: str | bytes, *, optimised: bool) -> Any:
    """A session on the CPU of a file or a serialised model, as `OnnxModel.session` makes it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Prepacking copies each weight.
        options.add_session_config_entry("session.disable_prepacking", "1")
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(
    model: OnnxModel,
    leaves: Sequence[torch.Tensor] | Mapping[str, torch.Tensor],
    *,
    optimised: bool = False,
    session: Any = None,
) -> list[torch.Tensor]:
    """The outputs of a model.

    Args:
        model: what to run.
        leaves: the inputs in the order of the graph's, or by name.
        optimised: as `OnnxModel.session` takes it.
        session: one that was made before.

    Raises:
        Exception: what onnxruntime raises.
        ValueError: when the model has another number of inputs than there are tensors.
    """
    session = session or model.session(optimised=optimised)
    wanted = [one.name for one in session.get_inputs()]
    if isinstance(leaves, dict):
        given = {name: value for name, value in leaves.items() if name in wanted}
    else:
        names = [name for name in wanted if name not in model.weights]
        if len(names) > len(leaves):
            raise ValueError(f"the model has {len(names)} inputs, the example {len(leaves)}")
        given = dict(zip(names, leaves, strict=False))
    given.update({name: one for name, one in model.weights.items() if name in wanted})
    binding = session.io_binding()
    held = []  # onnxruntime reads the memory of these while it runs
    for name, tensor in given.items():
        value = tensor.detach().cpu().contiguous()
        if value.dim() <= 1 or name not in model.weights:
            # onnxruntime writes the running statistics of BatchNormalization in training mode
            # into its inputs. They have one dimension; larger weights stay shared.
            value = value.clone()
        held.append(value)
        _bind(binding, name, value, held)
    for output in session.get_outputs():
        binding.bind_output(output.name, "cpu")
    session.run_with_iobinding(binding)
    return [_tensor(value) for value in binding.get_outputs()]


def _bind(binding: Any, name: str, value: torch.Tensor, held: list[Any]) -> None:
    import onnxruntime

    if value.numel():
        # An element type of onnx.TensorProto, not of NumPy, which has no bfloat16.
        binding.bind_input(
            name, "cpu", 0, _TYPES[value.dtype], list(value.shape), value.data_ptr()
        )
        return
    empty = onnxruntime.OrtValue.ortvalue_from_numpy(value.numpy())
    held.append(empty)
    binding.bind_ortvalue_input(name, empty)


def _tensor(value: Any) -> torch.Tensor:
    """An output as a tensor of its own.

    Raises:
        TypeError: for a sequence or a map.
    """
    if not value.is_tensor():
        raise TypeError("an output is a sequence or a map, which is not compared")
    if value.element_type() == _TYPES[torch.bfloat16]:
        from torch.utils.dlpack import from_dlpack

        return from_dlpack(value._ortvalue.to_dlpack()).view(torch.bfloat16).clone()
    return torch.from_numpy(value.numpy().copy())


def is_there() -> bool:
    """Whether onnxruntime can be imported."""
    try:
        import onnxruntime  # noqa: F401  # asked for, not used
    except ImportError:
        return False
    return True
