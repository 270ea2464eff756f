"""What a recording is asked for: the arguments of `onnxspan.trace`, checked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import TracerProvider

    from onnxspan.recording.listeners.base import Listener
    from onnxspan.recording.listeners.hooks import Hook
    from onnxspan.recording.outputs.otlp import Endpoint
    from onnxspan.recording.probe import Probe


@dataclasses.dataclass
class Options:
    """The arguments of `onnxspan.trace`, which describes them, and a few of our own.

    Attributes:
        listeners: told of every stage and pass, beside those that the options ask for.
        clock: as `Session` takes it; None for the real one.
        epoch: as `Session` takes it.
        wait_for_torch: as `Session` takes it.
        script: the name of the script that is run; None where no script is.
        deliver_later: leaving the block does not wait for the outputs; `Tracing.deliver` does.
        follow: the folder for what the processes that the script starts export; None for none.
        endpoints: the addresses of `otlp`, checked.
        rows: `probes` as rows.
        pack_rows: `packs` and `root` as rows, wrapped as their modules are imported.

    Raises:
        ValueError, TypeError, OnnxspanError: as `onnxspan.trace` raises them.
    """

    level: str | Level = Level.PASSES
    tracer_provider: TracerProvider | None = None
    show: bool = False
    save: str | os.PathLike[str] | None = None
    otlp: str | Sequence[str] | None = None
    protocol: str | None = None
    headers: Mapping[str, str] | None = None
    outputs: Sequence[SpanExporter] = ()
    meter_provider: MeterProvider | None = None
    flight: bool | str | os.PathLike[str] = True
    log: Any = False
    native_log: bool | str | Sequence[str] = False
    snapshots: str = "none"
    probes: Sequence[str | Probe] = ()
    root: str | None = None
    packs: Sequence[str] = ()
    verify: bool | str = False
    verify_inputs: Sequence[Any] | Callable[[], Sequence[Any]] = ()
    rtol: float | None = None
    atol: float | None = None
    listeners: Sequence[Listener] = ()
    clock: Callable[[], int] | None = None
    epoch: int | None = None
    wait_for_torch: bool = False
    script: str | None = None
    follow: str | os.PathLike[str] | None = None
    deliver_later: bool = False
    endpoints: list[Endpoint] = dataclasses.field(init=False)
    rows: tuple[Probe, ...] = dataclasses.field(init=False)
    pack_rows: list[Probe] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        # Checked at once, so that a typing error is met before a long export.
        self.level = Level.parse(self.level)
        self.endpoints = self._addresses()
        self.rows = ()
        self.pack_rows = []
        if self.packs:
            from onnxspan.recording.probes import packs  # only who asks needs it

            self.pack_rows = packs.rows(packs.chosen(tuple(self.packs)))
        if self.verify not in (False, True, "stages", "passes"):
            raise ValueError(
                f"verify={self.verify!r} is not known: use True, 'passes' or 'stages'"
            )
        if self.probes or self.root is not None:
            from onnxspan.recording.probes.user import root, rows  # only who has some needs it

            self.rows = rows(self.probes)
            if self.root is not None:  # its module may be the script's own, and come later
                self.pack_rows += rows([root(self.root)])

    def _addresses(self) -> list[Endpoint]:
        if self.otlp is None:
            return []
        from onnxspan.recording.outputs.otlp import endpoint  # only when it is asked for

        addresses = [self.otlp] if isinstance(self.otlp, str) else list(self.otlp)
        return [endpoint(address, self.protocol, self.headers) for address in addresses]

    def session_options(self, hooks: list[Hook]) -> dict[str, Any]:
        """What `Session` is made with, the listeners included.

        Raises:
            ValueError: for a `native_log` that cannot be.
        """
        from onnxspan.recording.listeners.chosen import (
            listeners,  # not before something is recorded
        )

        is_place = not isinstance(self.flight, bool)
        made = listeners(
            Level.parse(self.level),
            beside=self.flight if is_place else self.save,  # type: ignore[arg-type]  # a place
            flight=is_place or bool(self.flight),
            log=self.log,
            native_log=self.native_log,
            hooks=hooks,
        )
        if self.verify:
            from onnxspan.recording.verify.compare import Tolerance  # only who asks needs torch
            from onnxspan.recording.verify.listener import Verification
            from onnxspan.recording.verify.steps import StepVerification

            tolerance = Tolerance(self.rtol, self.atol)
            mode = "stages" if self.verify == "stages" else "passes"
            steps = StepVerification(tolerance) if self.pack_rows else None
            made.append(Verification(mode, tolerance, self.verify_inputs, steps))
            if steps is not None:
                made.append(steps)
        chosen: dict[str, Any] = {
            "level": self.level,
            "tracer_provider": self.tracer_provider,
            "listeners": [*made, *self.listeners],
            "epoch": self.epoch,
            "wait_for_torch": self.wait_for_torch,
            "probes": self.rows,
            "packs": self.pack_rows,
        }
        return chosen if self.clock is None else {**chosen, "clock": self.clock}
