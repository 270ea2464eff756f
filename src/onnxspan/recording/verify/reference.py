"""What the eager model answers: the truth that each step of an export is compared with."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch

from onnxspan.recording.faults import goes_on
from onnxspan.recording.verify import inputs
from onnxspan.recording.verify.compare import Tolerance, compare, noise_between
from onnxspan.recording.verify.fixed_lines import Place, fixed_line
from onnxspan.recording.verify.inputs import Arguments, InputSet, tensors_of
from onnxspan.recording.verify.untouched import untouched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnxspan.recording.verify.compare import Difference

SIZES = (lambda size: size + 2, lambda size: size * 2, lambda size: size + 1, lambda _size: 1)
"""How a dynamic size is changed; the first that the model itself accepts is taken."""


def tensors_of_model(model: Any) -> list[torch.Tensor]:
    """The parameters and buffers of a module that are there; none of anything else."""
    if not isinstance(model, torch.nn.Module):
        return []
    return [
        one for one in (*model.parameters(), *model.buffers()) if not hasattr(one, "materialize")
    ]


class Reference:
    """The eager model's answers on the example inputs and on others.

    Args:
        model: as the exporter runs it, in the mode that it has now.
        args: the positional arguments of the run; `kwargs` those by name.

    Attributes:
        sets: the inputs with the answers; the example first.
        unstable: how two runs on the example differ; None when they agree.
        notes: what was not done, and why.
        state: the buffers and attributes that the run on the example has changed.
    """

    def __init__(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._model = model
        self.arguments = Arguments(args, kwargs)
        self.sets: list[InputSet] = []
        self.unstable: Difference | None = None
        self.notes: list[str] = []
        self.state: list[str] = []

    def run_example(self, tolerance: Tolerance) -> None:
        """Run the model on the example, twice, and once more with other kernels.

        Raises:
            Exception: what the model raises.
        """
        example = InputSet(inputs.EXAMPLE, self.arguments.leaves)
        example.expected = self._run(example.leaves)
        again = self._run(example.leaves, keep_random=True)
        pairs = list(zip(example.expected, again, strict=False))
        for number, (first, second) in enumerate(pairs):
            difference = compare(f"output {number}", first, second, tolerance)
            if not difference.agrees:
                self.unstable = difference
                break
        self._measure_noise(example, tolerance)
        self.sets.append(example)

    def run_other_values(self, tolerance: Tolerance) -> None:
        """Run the model on other values of the example's shapes."""
        self.add(InputSet(inputs.VALUES, inputs.other_values(self.arguments.leaves)), tolerance)

    def run_negative_values(self, tolerance: Tolerance) -> None:
        """Run the model on negative values where the example is a placeholder."""
        negative = inputs.negative_values(self.arguments.leaves)
        if negative is not None:
            self.add(InputSet(inputs.VALUES, negative), tolerance, say=False)

    def run_other_sizes(
        self, shapes: Sequence[Sequence[Sequence[int]]], tolerance: Tolerance
    ) -> None:
        """Run the model on the first of several lists of shapes that the model accepts."""
        for number, wanted in enumerate(shapes):
            leaves = inputs.other_sizes(self.arguments.leaves, wanted)
            is_last = number == len(shapes) - 1
            if self.add(InputSet(inputs.SIZES, leaves), tolerance, say=is_last):
                return

    def add(self, candidate: InputSet, tolerance: Tolerance, *, say: bool = True) -> bool:
        """Add a set, unless the model itself fails on it; whether the set was added."""
        if len(candidate.leaves) != len(self.arguments.leaves):
            self.notes.append(
                f"{candidate.kind}: {len(candidate.leaves)} tensors were given, the example has "
                f"{len(self.arguments.leaves)}"
            )
            return False
        try:
            candidate.expected = self._run(candidate.leaves)
        except Exception as error:
            if goes_on(error):
                raise
            if say:
                self.notes.append(
                    f"{candidate.kind}: the model itself fails on them "
                    f"({type(error).__name__}: {str(error).splitlines()[:1] or ''})"
                )
            return False
        self._measure_noise(candidate, tolerance)
        self.sets.append(candidate)
        return True

    def add_numbers(self, count: int) -> None:
        """Give the numbers among the arguments too, when a graph has `count` inputs: one for each."""
        for one in self.sets:
            leaves = self.arguments.with_numbers(one.leaves)
            if len(leaves) == count:
                one.leaves = leaves

    def leaves_given(self, one: Any) -> list[torch.Tensor]:
        """The tensors of inputs that a user gives, in the example's order.

        Raises:
            TypeError, ValueError: when the inputs do not have the example's structure.
        """
        args, kwargs = ((), one) if isinstance(one, dict) else (one, {})
        args = args if isinstance(args, tuple) else (args,)
        return self.arguments.leaves_of(args, kwargs, self._model)

    def fixed_line(self, other: InputSet, warned: list[Place]) -> Place | None:
        """The line of the model at which tracing fixed a value that other inputs do not have."""
        (args, kwargs), (other_args, _) = map(
            self.arguments.filled, (self.sets[0].leaves, other.leaves)
        )
        if kwargs or not isinstance(self._model, torch.nn.Module):
            return warned[0] if len(set(warned)) == 1 else None
        return fixed_line(self._model, tuple(args), tuple(other_args), warned)

    def _measure_noise(self, one: InputSet, tolerance: Tolerance) -> None:
        one.noise = [0.0] * len(one.expected)
        if tolerance.is_given or not any(value.is_floating_point() for value in one.expected):
            return
        try:
            with _other_kernels():
                other = self._run(one.leaves)
        except Exception as error:  # then nothing is known of the noise
            if goes_on(error):
                raise
            return
        if len(other) == len(one.expected):
            one.noise = [
                NOISE_FACTOR * noise_between(*pair)
                for pair in zip(one.expected, other, strict=True)
            ]

    def _run(
        self, leaves: Sequence[torch.Tensor], *, keep_random: bool = False
    ) -> list[torch.Tensor]:
        args, kwargs = self.arguments.filled(leaves)
        with untouched(self._model) as changed:
            if keep_random:  # another state than that of the first run: a second answer
                torch.rand(1)
            outputs = tensors_of(self._model(*args, **kwargs))
        self.state += [name for name in changed if name not in self.state]
        return outputs


NOISE_FACTOR = 10.0
"""By how much the rounding of another runtime may be larger than that of torch's own kernels."""


@contextlib.contextmanager
def _other_kernels() -> Iterator[None]:
    """Other kernels of torch for the same mathematics: without oneDNN, on one thread."""
    threads, enabled = torch.get_num_threads(), torch._C._get_mkldnn_enabled()
    torch.set_num_threads(1)
    # The public `torch.backends.mkldnn.flags` raises a warning, which the user would see.
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(enabled)
        torch.set_num_threads(threads)
