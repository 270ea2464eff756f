"""`trace()`: the context manager and decorator that records the exports inside it."""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from onnxspan.conventions import Level
from onnxspan.files import is_report
from onnxspan.recording.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import TracerProvider

    from onnxspan.reading.failure import Failure
    from onnxspan.reading.mismatch import Mismatch
    from onnxspan.reading.origins.origins import Origins
    from onnxspan.reading.source.trace import Span, Trace
    from onnxspan.recording.listeners.hooks import Hook, Moment
    from onnxspan.recording.listeners.snapshots import Snapshots
    from onnxspan.recording.outputs.delivery import Report
    from onnxspan.recording.outputs.outputs import Outputs, Waiting
    from onnxspan.recording.probe import Probe
    from onnxspan.recording.script_span import ScriptSpan
    from onnxspan.recording.session import Session

P = ParamSpec("P")
R = TypeVar("R")


class Tracing:
    """A recording: `with onnxspan.trace() as trace:` gives one.

    Exports in the `with` block are recorded, each as a trace of its own (or inside the
    user's current span). It may be entered again after it was left: what follows is added.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._hooks: list[Hook] = []
        self._store: Snapshots | None = None
        self._outputs: Outputs | None = None
        self._session: Session | None = None
        self._script: ScriptSpan | None = None

    def __repr__(self) -> str:
        begins = f"<Tracing at level {Level.parse(self._options.level).name.lower()}: "
        if self._session is None:
            return f"{begins}not entered>"
        state = "open" if self._session.is_open else "closed"
        count = len(self._session.errors)
        errors = f", {count} errors of onnxspan" if count else ""
        return f"{begins}{state}, {self._session.span_count} spans{errors}>"

    def __enter__(self) -> Tracing:  # noqa: PYI034  # Self is not in Python 3.10
        # OpenTelemetry's SDK is imported when something is recorded, not with onnxspan.
        from onnxspan.recording.listeners.chosen import senders
        from onnxspan.recording.opening import open_session
        from onnxspan.recording.session import Session

        if self._session is None:
            chosen = self._options.session_options(self._hooks)
            if self._options.snapshots != "none":
                from onnxspan.recording.listeners.snapshots import Snapshots

                self._store = Snapshots(self._options.snapshots)
                chosen["listeners"].append(self._store)
            self._session = Session(**chosen)
            found, self._outputs = senders(
                self._session,
                self._options.meter_provider,
                self._options.endpoints,
                self._options.outputs,
            )
            self._session.listeners += found
            if self._options.follow is not None:
                from onnxspan.recording.processes.child import SaveEach  # only for a followed run

                saving = SaveEach(self._options.follow, os.getpid())
                saving.session, saving.snapshots = self._session, self._store
                self._session.listeners.append(saving)
        open_session(self._session)
        if self._options.script is not None:
            from onnxspan.recording.script_span import ScriptSpan  # only for a script

            self._script = ScriptSpan(self._session, self._options.script)
        return self

    @property
    def traceparent(self) -> str:
        """The span of the script, as W3C Trace Context names it; empty where none is open."""
        return self._script.traceparent if self._script is not None else ""

    def on_enter(
        self, pattern: str = "*", *, level: str | Level | None = None
    ) -> Callable[[Callable[[Moment], object]], Callable[[Moment], object]]:
        """Decorate a function that is called as a stage, pass or node begins.

        It gets a `Moment` with the live graph in hand. What it raises is reported once, and
        never reaches the export. Register it before the `with` block.

        Args:
            pattern: a span's name (an operator for a node), `*` and `?` allowed.
            level: `"stages"`, `"passes"` or `"nodes"` only; None for all.

        Raises:
            ValueError: for an unknown level.
        """
        return functools.partial(self._add_hook, "enter", pattern, level)

    def on_leave(
        self, pattern: str = "*", *, level: str | Level | None = None
    ) -> Callable[[Callable[[Moment], object]], Callable[[Moment], object]]:
        """As `on_enter`, for the end, successful or not; nodes end here only when they fail.

        Raises:
            ValueError: for an unknown level.
        """
        return functools.partial(self._add_hook, "leave", pattern, level)

    def _add_hook(
        self,
        when: str,
        pattern: str,
        level: str | Level | None,
        function: Callable[[Moment], object],
    ) -> Callable[[Moment], object]:
        from onnxspan.recording.listeners.hooks import Hook  # only who has hooks needs it

        if self._session is not None:
            raise RuntimeError("register hooks before the first `with` block of this trace")
        parsed = None if level is None else Level.parse(level)
        self._hooks.append(Hook(when, pattern, parsed, function))
        return function

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            from onnxspan.recording.opening import close_session  # as above

            close_session(self._session, error)
            if self._script is not None:
                self._script.end(self._options.follow)
                self._script = None
        saved: Path | None = None
        try:
            if self._options.save is not None:
                self.save(self._options.save)
                # A report in HTML is no file that `onnxspan send` could read.
                saved = None if is_report(self._options.save) else Path(self._options.save)
            if self._options.show:
                self.show()
        except Exception as own:
            if error is None:
                raise
            # The user's exception is on its way out: ours must not take its place.
            warnings.warn(f"onnxspan: {own}", RuntimeWarning, stacklevel=2)
        finally:
            if not self._options.deliver_later:
                self.deliver(saved)

    def deliver(self, saved: Path | None = None, waiting: Waiting | None = None) -> None:
        """Wait for the outputs, as leaving the block does; arguments as `Outputs.close` has them."""
        if self._outputs is not None:
            self._outputs.close(saved, waiting)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate: every call of the function is recorded, in a trace of its own.

        The latest is `function.last_trace`. An async function is recorded until it is done.

        Raises:
            TypeError: for a generator: what its caller does between two values is not its own.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            name = getattr(function, "__qualname__", repr(function))  # a partial one has none
            raise TypeError(
                f"trace() cannot decorate the generator {name}: "
                "put `with onnxspan.trace() as trace:` around the exports inside it"
            )

        def begun() -> Tracing:
            tracing = Tracing(self._options)
            tracing._hooks = self._hooks
            traced.last_trace = tracing  # type: ignore[attr-defined]
            return tracing

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def traced(*args: P.args, **kwargs: P.kwargs) -> Any:
                with begun():
                    return await function(*args, **kwargs)

        else:

            @functools.wraps(function)
            def traced(*args: P.args, **kwargs: P.kwargs) -> R:
                with begun():
                    return function(*args, **kwargs)

        return traced  # type: ignore[return-value]  # an async one gives what it did: a coroutine

    @property
    def result(self) -> Trace:
        """The span tree so far, as every view reads it."""
        from onnxspan.reading.source.trace import Trace

        spans = self._session.spans if self._session is not None else ()
        return Trace.from_spans(spans, self._store.get if self._store is not None else None)

    @property
    def spans(self) -> list[Span]:
        """Every recorded span, in the order of the calls."""
        return self.result.spans

    @property
    def exports(self) -> list[Span]:
        """The outermost span of each export, oldest first; what it called are its `children`."""
        return self.result.exports

    @property
    def failure(self) -> Failure | None:
        """Where and why the last export that failed did so; None when all went well."""
        return self.result.failure

    @property
    def mismatch(self) -> Mismatch | None:
        """Where the numbers of the last verified export begin to differ; None when all agree."""
        return self.result.mismatch

    @property
    def origins(self) -> Origins:
        """Where each node and constant of the last exported file comes from; with `snapshots`.

        Raises:
            SnapshotError: when the export was recorded without snapshots.
            ValueError: when there is no export in the trace.
        """
        return self.result.origins

    @property
    def errors(self) -> list[str]:
        """What went wrong in onnxspan itself and was kept away from the export; mostly empty."""
        return list(self._session.errors) if self._session is not None else []

    @property
    def deliveries(self) -> list[Report]:
        """What became of the spans for each output, once the block was left."""
        return list(self._outputs.reports) if self._outputs is not None else []

    def show(self, **options: Any) -> None:
        """Print the tree; options as `onnxspan.reading.tree.tree.show` takes them."""
        from onnxspan.reading.tree import tree

        tree.show(self.result, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the spans, whole or not at all: as OTLP JSON lines, or `.html` as a report.

        Snapshots go into a folder beside the lines: `NAME.snapshots` for `NAME.jsonl`.

        Raises:
            OSError: when the file cannot be written; nothing is then left of it.
            ValueError: when nothing was recorded.
        """
        if is_report(path):
            from onnxspan.reading import report  # only for a report

            report.save(self.result, path)
            return
        from onnxspan.recording.outputs.outputs import write_file

        if self._store is not None and self._session is not None and self._session.spans:
            self._store.save(path)
        write_file(path, self._session.spans if self._session is not None else [])

    def _repr_html_(self) -> str:
        """The trace in a notebook."""
        return self.result._repr_html_()  # the notebook's protocol


def trace(
    level: str | Level = "passes",
    *,
    tracer_provider: TracerProvider | None = None,
    show: bool = False,
    save: str | os.PathLike[str] | None = None,
    otlp: str | Sequence[str] | None = None,
    protocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    outputs: Sequence[SpanExporter] = (),
    meter_provider: MeterProvider | None = None,
    flight: bool | str | os.PathLike[str] = True,
    log: Any = False,
    native_log: bool | str | Sequence[str] = False,
    snapshots: str = "none",
    probes: Sequence[str | Probe] = (),
    root: str | None = None,
    packs: Sequence[str] = (),
    verify: bool | str = False,
    verify_inputs: Sequence[Any] | Callable[[], Sequence[Any]] = (),
    rtol: float | None = None,
    atol: float | None = None,
) -> Tracing:
    """Record every `torch.onnx.export` inside a `with` block, or of a decorated function.

    With no arguments it touches no global state: the spans stay in memory. A tracer provider
    that is given, or configured globally, makes them, so that they nest in the user's trace.

    Args:
        level: `"stages"` (about 15 spans), `"passes"` (and each graph pass) or `"nodes"`
            (and each converted operator).
        tracer_provider: an OpenTelemetry tracer provider; None takes the configured one.
        show: print the tree to stderr when the block is left.
        save: write the spans to this file when the block is left; `.html` makes a report.
        snapshots: keep the graph before and after passes and steps of packs: `"changed"` for those
            that change it, `"all"`, `"none"`, or a pattern of their names (`"*peephole*"`).
        otlp: send the spans to this OTLP address (or several): `"http://localhost:4318"`. The export
            never waits for it; leaving the block does, at most 30 s and one more for each 1000 spans
            (or `OTEL_BSP_EXPORT_TIMEOUT` milliseconds).
            Spans that did not arrive are written to a file, and a warning of the logger
            `onnxspan` says so, once.
        protocol: `"http/protobuf"` or `"grpc"`; None takes `OTEL_EXPORTER_OTLP_PROTOCOL`,
            or `"http/protobuf"`.
        headers: sent with each request to those addresses.
        outputs: OpenTelemetry span exporters that get the spans too, such as
            `ConsoleSpanExporter()`.
        meter_provider: an OpenTelemetry meter provider; None takes the configured one, and
            where none is configured no metrics are made.
        flight: keep a flight log, which tells where a killed process was: beside the file of
            `save`, else in a per-user temporary folder; a path puts it at that path plus
            `.flight`. It is removed when the block is left.
        log: emit an event as each stage and pass begins and ends: True takes structlog when
            the application has configured it, else the standard logger `onnxspan`; or a
            structlog or standard logger.
        native_log: keep what the C++ passes say of themselves: True, `"debug"` for more, or
            names of C++ files (without `.cpp`).
        probes: functions of your own that get a span when an export calls them, as
            `"module:function"`, or rows (`onnxspan.Probe`) that also say what to read.
        root: a function of your own that stands around exports, as `"module:function"`: each of
            its calls begins a trace, and the exports inside it are its children.
        packs: libraries whose steps get spans outside exports too, such as `["onnx",
            "onnxruntime", "onnxslim"]`, or `["all"]`. A library is wrapped as it is imported.
        verify: run the graph after each pass that changes it, and compare its outputs with the
            eager model's: True or `"passes"`; `"stages"` for fewer runs. `mismatch` has what was
            found. ONNX graphs need onnxruntime. A pack's step is compared with the model it was given.
        verify_inputs: inputs of your own to verify with, beside the example: tuples of
            positional arguments, dictionaries of named ones, or a function that returns them.
        rtol: the relative tolerance of `verify`; None takes that of
            `torch.testing.assert_close` for each type.
        atol: the absolute tolerance of `verify`, as `rtol`.

    Returns:
        The recording: a context manager and a decorator.

    Raises:
        ValueError: for an unknown level or protocol, an address that is no URL, or a probe's
            place that is not `module:function`; on entering, for a `native_log` that cannot be.
        TypeError: for a probe that is neither a place nor a `Probe`, or a function as the level.
        OnnxspanError: when the package that speaks the protocol is not installed.
        ImportError: on entering, when torch cannot be imported.
    """
    return Tracing(
        Options(
            level,
            tracer_provider,
            show=show,
            save=save,
            otlp=otlp,
            protocol=protocol,
            headers=headers,
            outputs=outputs,
            meter_provider=meter_provider,
            flight=flight,
            log=log,
            native_log=native_log,
            snapshots=snapshots,
            probes=probes,
            root=root,
            packs=packs,
            verify=verify,
            verify_inputs=verify_inputs,
            rtol=rtol,
            atol=atol,
        )
    )
