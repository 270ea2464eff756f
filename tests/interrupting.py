"""Interrupts exports at random moments by a signal, traced and untraced in turn.

    python tests/interrupting.py 1000      # so many exports of each kind; `make interrupts`

Every second signal raises what Ctrl-C raises, every other one what a time limit raises. What
reaches the caller is counted: torch, and Python in a callback, lose some of both by themselves,
so the traced number is compared with the untraced one.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import io
import logging
import random
import signal
import statistics
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: tuple[type[BaseException], ...] = (KeyboardInterrupt, TimeoutError)


@dataclasses.dataclass
class Counts:
    """What became of the signals of one kind.

    Attributes:
        fired: signals that came inside an export.
        reached: those whose exception the caller got.
        dropped: those that Python dropped in a callback or `__del__`.
        other: those that became another exception.
        errors: what the recordings say went wrong in onnxspan itself.
    """

    fired: int = 0
    reached: int = 0
    dropped: int = 0
    other: int = 0
    errors: list[str] = dataclasses.field(default_factory=list)

    @property
    def swallowed(self) -> int:
        """Signals after which the export went on as if nothing had come."""
        return self.fired - self.reached - self.dropped - self.other


class _Signal:
    """Raises one exception in the handler of an alarm, and sees where it ends."""

    def __init__(self, kind: type[BaseException]) -> None:
        self.raised: BaseException | None = None
        self.was_dropped = False
        self._kind = kind

    def __call__(self, _number: int, _frame: Any) -> None:
        self.raised = self._kind("by the signal")
        raise self.raised

    def unraisable(self, given: Any) -> None:
        self.was_dropped |= given.exc_value is self.raised


def attempt(
    export: Callable[[], object], kind: type[BaseException], delay: float, counts: Counts
) -> None:
    """Export once, with a signal after so many seconds; count what became of it."""
    sent = _Signal(kind)
    signal.signal(signal.SIGALRM, sent)
    sys.unraisablehook = sent.unraisable
    caught: BaseException | None = None
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            export()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException as error:  # whatever the export ends with
        caught = error
    finally:
        sys.unraisablehook = sys.__unraisablehook__
    if sent.raised is None:
        return
    counts.fired += 1
    if caught is sent.raised:
        counts.reached += 1
    elif sent.was_dropped:
        counts.dropped += 1
    elif caught is not None:
        counts.other += 1


def run(
    count: int, *, dynamo: bool, seed: int, level: str = "passes"
) -> dict[tuple[str, bool], Counts]:
    """So many exports untraced and so many traced, in turn; the counts by kind and tracing."""
    import torch

    import onnxspan

    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.GELU()).eval()

    def untraced() -> None:
        options: dict[str, Any] = {"verbose": False} if dynamo else {}
        torch.onnx.export(model, (torch.zeros(1, 3),), io.BytesIO(), dynamo=dynamo, **options)

    def traced() -> None:
        with onnxspan.trace(level) as trace:
            kept.append(trace)
            untraced()

    kept: list[Any] = []
    found: dict[tuple[str, bool], Counts] = collections.defaultdict(Counts)
    works = {False: untraced, True: traced}
    seconds = {with_trace: _usual(work) for with_trace, work in works.items()}
    chance = random.Random(seed)  # noqa: S311  # chosen for tests
    before = signal.getsignal(signal.SIGALRM)
    try:
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            moment = chance.random()
            for with_trace, work in works.items():
                counts = found[kind.__name__, with_trace]
                kept.clear()
                attempt(work, kind, max(1e-4, moment * seconds[with_trace]), counts)
                counts.errors += [error for trace in kept for error in trace.errors]
    finally:
        signal.signal(signal.SIGALRM, before)
    return dict(found)


def _usual(work: Callable[[], None]) -> float:
    """The median duration of an export, in seconds, once what is made once is there."""
    work()
    durations = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)


def main(count: int, exporters: list[str]) -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    print(
        "exporter     exception          traced  came  reached  other  dropped  swallowed  errors of ours"
    )
    for exporter in exporters:
        with contextlib.redirect_stdout(io.StringIO()):
            found = run(count, dynamo=exporter == "dynamo", seed=count)
        for (kind, with_trace), counts in sorted(found.items()):
            print(
                f"{exporter:12} {kind:18} {'yes' if with_trace else 'no':6} {counts.fired:5} "
                f"{counts.reached:8} {counts.other:6} {counts.dropped:8} {counts.swallowed:10} "
                f"{len(counts.errors):15} {counts.errors[:2] or ''}",
                flush=True,
            )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2:] or ["torchscript", "dynamo"]
    )
