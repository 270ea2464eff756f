"""`growth()`: export at several sizes, and fit what grows how fast. It needs both halves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxspan.tracing import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxspan.conventions import Level
    from onnxspan.reading.compare.growth import Growth


def growth(
    make_export: Callable[[Any], Callable[[], Any]],
    sizes: Sequence[Any],
    *,
    repeats: int = 2,
    level: str | Level = "passes",
) -> Growth:
    """Export at several sizes and fit each step's time against the model's nodes.

    One export of the first size runs before, untraced: a process's first export imports
    modules and fills caches. The repetitions go round all sizes, so that a machine that
    becomes slower does so for all of them.

    Args:
        make_export: takes a size and returns a function without arguments that exports; what
            it does before returning (building the model) is not measured.
        sizes: what `make_export` takes, at least three; layers, for example.
        repeats: exports of each size; the fastest counts, and their scatter is the noise.
        level: as for `onnxspan.trace`.

    Returns:
        The fits; `print(result)` shows them, `result.superlinear` are the steps that grow
        faster than the model.

    Raises:
        OnnxspanError: for fewer than three sizes of exported models, or without numpy.
        ValueError: for fewer than one repeat, or an unknown level.
        TypeError: when `make_export` does not return a function.
    """
    from onnxspan.reading.compare.fit import numpy  # only who fits needs numpy
    from onnxspan.reading.compare.growth import measure
    from onnxspan.reading.compare.samples import samples_of

    numpy()  # better now than after minutes of exports
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}: every size must be exported once at least")
    if sizes:
        _made(make_export, sizes[0])()
    samples = []
    for _ in range(repeats):
        for size in sizes:
            export = _made(make_export, size)
            with trace(level) as recording:
                export()
            samples += samples_of(recording.result)
    return measure(samples)


def _made(make_export: Callable[[Any], Callable[[], Any]], size: Any) -> Callable[[], Any]:
    export = make_export(size)
    if not callable(export):
        raise TypeError(
            f"make_export({size!r}) returned {type(export).__name__}, not a function. Return one "
            "without arguments: `return lambda: torch.onnx.export(model, args, file)`"
        )
    return export
