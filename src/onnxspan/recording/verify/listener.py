"""The listener that verifies an export: which step is run when, and what is blamed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from onnxspan import conventions as c
from onnxspan.recording.call import current, is_busy, is_export
from onnxspan.recording.faults import goes_on
from onnxspan.recording.graphs import graph_text
from onnxspan.recording.graphs.torchscript import tensors_size
from onnxspan.recording.graphs.written import written_model, written_path
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.verify import fx_programs, inputs, onnx_runs
from onnxspan.recording.verify.compare import Tolerance
from onnxspan.recording.verify.culprits import DynamoSide, ScriptSide
from onnxspan.recording.verify.onnx_runs import OnnxModel
from onnxspan.recording.verify.reference import SIZES, Reference, tensors_of_model
from onnxspan.recording.verify.results import Found, Step, short, step_attributes, worst_of_sets
from onnxspan.recording.verify.untouched import untouched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxspan.recording.call import Call, Export
    from onnxspan.recording.verify.inputs import InputSet
    from onnxspan.recording.verify.steps import StepVerification

MAX_SECONDS = 120.0
"""Seconds of verification in one export after which passes are no longer run, only stages."""
MAX_PASS_BYTES = 256 * 2**20
"""Bytes of weights above which passes are not run, only stages."""
MAX_STAGE_BYTES = 2**30
"""Bytes of weights above which, on the dynamo path, only the file is run: models are copied."""
MAX_NAMES = 16
"""Names of buffers and attributes that a mismatch lists."""


class Verification(Listener):
    """Compares the graph with the eager model after each step of an export.

    Args:
        mode: `passes` or `stages`.
        tolerance: what may differ.
        given: sets of inputs of the user's own: tuples of positional arguments, or
            dictionaries of named ones.
        steps: verifies the steps after the export, on the export's inputs.
    """

    def __init__(
        self,
        mode: str,
        tolerance: Tolerance,
        given: Sequence[Any] | Callable[[], Any] = (),
        steps: StepVerification | None = None,
    ) -> None:
        self._later = steps
        self._asked = mode
        self._tolerance = tolerance
        self._given = given
        self._clear()

    def _clear(self) -> None:
        self._mode = self._asked
        self._of: Export | None = None  # the tree that is verified; other threads have others
        self._reference: Reference | None = None
        self._script: ScriptSide | None = None
        self._dynamo: DynamoSide | None = None
        self._found: Found | None = None
        self._last: Step | None = None
        self._last_text = 0
        self._steps = 0
        self._largest = 0.0
        self._spent = 0.0
        self._notes: list[str] = []
        self._warned: list[tuple[str, int]] = []
        self._skipped: list[str] = []
        self._unrun: list[str] = []  # since the last step that agreed

    def entering(self, call: Call) -> None:
        """Run the eager model before its graph is made; keep what a pass is about to change."""
        if self._of not in (None, call.export):
            return
        name = call.probe.name
        began = time.monotonic()
        if name == c.JIT_CAPTURE and self._reference is None:
            args = call.argument("args")
            args = args if isinstance(args, tuple) else (args,)
            self._begin(call, call.argument("model"), args, {})
        elif name == c.DYNAMO_CORE and self._reference is None:
            args, kwargs = call.argument("args") or (), call.argument("kwargs") or {}
            model = call.argument("model")
            if type(model).__name__ == "ExportedProgram":
                program = model
                args, kwargs = (args, kwargs) if args or kwargs else program.example_inputs
                model = program.module()
            self._begin(call, model, tuple(args), dict(kwargs))
        elif self._script is not None and self._is_at_work():
            self._script.before(name, call)
        self._spent += time.monotonic() - began

    def converted(self, call: Call, args: tuple[Any, ...], result: Any) -> None:
        """Note what one operator became."""
        if self._script is not None and call.probe.name != c.FX_TRANSLATION:
            self._script.note(args, result)

    def on_event(self, call: Call, event: str, attributes: dict[str, Any]) -> None:  # noqa: ARG002  # a Listener's
        """Keep the lines at which tracing fixed a value."""
        if event == c.WARNING_EVENT and attributes.get(c.WARNING_CATEGORY) == "TracerWarning":
            self._warned.append((str(attributes.get(c.FILE, "")), int(attributes.get(c.LINE, 0))))

    def left(self, call: Call, error: BaseException | None) -> None:
        """Run the graph when this step has changed it."""
        if self._of not in (None, call.export):
            return
        if error is not None or self._reference is None:
            if is_export(call):
                self._write(call)
            return
        began = time.monotonic()
        try:
            # What the runs do with torch is not part of the export.
            token, busy = current.set(None), is_busy.set(True)
            try:
                self._after(call)
            finally:
                current.reset(token)
                is_busy.reset(busy)
        except Exception as own:
            if goes_on(own):
                raise
            call.attributes[c.VERIFY_SKIPPED] = short(own)
            self._skipped.append(call.name)
            self._unrun.append(call.name)
        finally:
            self._spent += time.monotonic() - began
        if self._mode == "passes" and self._spent > MAX_SECONDS:
            self._mode = "stages"
            self._note(f"after {MAX_SECONDS:.0f} s of verification only stages were run")
        if is_export(call):
            self._write(call)

    def finished(self, export: Export) -> None:
        """The next export is verified anew."""
        if self._of in (None, export):
            self._clear()

    def _begin(
        self, call: Call, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._of = call.export
        weights = tensors_size(tensors_of_model(model))[1]
        if self._mode == "passes" and weights > MAX_PASS_BYTES:
            self._mode = "stages"
            self._note(
                f"the weights are larger than {MAX_PASS_BYTES >> 20} MiB: only stages were run"
            )
        if not onnx_runs.is_there():
            self._note(
                "onnxruntime is not installed: ONNX graphs were not run (pip install onnxruntime)"
            )
        reference = Reference(model, args, kwargs)
        token, busy = current.set(None), is_busy.set(True)
        try:
            reference.run_example(self._tolerance)
            reference.run_other_values(self._tolerance)
            self._add_given(reference)
            reference.run_negative_values(self._tolerance)
            if call.probe.name == c.JIT_CAPTURE:
                self._script = ScriptSide(model, call.export.outermost)
                self._add_sizes_of_axes(call, reference)
            else:
                self._dynamo = DynamoSide(self._mode == "stages" and weights > MAX_STAGE_BYTES)
        except Exception as error:
            if goes_on(error):
                raise
            self._note(f"the eager model could not be run: {short(error)}")
            return
        finally:
            current.reset(token)
            is_busy.reset(busy)
        self._reference = reference
        self._notes += reference.notes
        if reference.unstable is not None:
            self._found = Found(Step("", ""), None, reference.sets[0], reference.unstable)

    def _add_given(self, reference: Reference) -> None:
        given = self._given() if callable(self._given) else self._given
        for one in given:
            try:
                leaves = reference.leaves_given(one)
            except (TypeError, ValueError, KeyError) as error:
                self._note(f"given inputs: {short(error)}")
                continue
            reference.add(inputs.InputSet(inputs.GIVEN, leaves), self._tolerance)

    def _add_sizes_of_axes(self, call: Call, reference: Reference) -> None:
        outermost = call.export.outermost
        names = list(outermost.argument("input_names") or ())
        axes, leaves = outermost.argument("dynamic_axes"), reference.arguments.leaves
        shapes = [inputs.shapes_by_axes(leaves, names, axes, change) for change in SIZES]
        found = [one for one in shapes if one is not None]
        if found:
            reference.run_other_sizes(found, self._tolerance)

    # --- the steps -----------------------------------------------------------------------

    def _is_at_work(self) -> bool:
        return self._found is None and self._reference is not None

    def _after(self, call: Call) -> None:
        if is_export(call):
            self._verify_file(call)
            return
        if not self._is_at_work():
            return
        if self._script is not None:
            self._after_script(call, self._script)
        elif self._dynamo is not None:
            self._after_dynamo(call, self._dynamo)

    def _after_script(self, call: Call, side: ScriptSide) -> None:
        name = call.probe.name
        graph = side.graph_after(call)
        if name == c.JIT_CAPTURE and self._reference is not None:
            self._reference.add_numbers(side.input_count(graph))
        if graph is None or (self._mode == "stages" and name not in c.GRAPH_STAGES):
            return
        if not self._has_changed(str(graph), name in c.GRAPH_STAGES):
            return
        if not side.is_converted:
            if not side.is_erased:
                self._step(call, lambda one: side.run_source(graph, one.leaves))
            return
        if not onnx_runs.is_there():
            return
        # The graph of the conversion may need what the next pass does to its types.
        is_repaired = name == c.JIT_CONVERSION and self._mode == "stages"
        model = side.model(graph, repair_types=is_repaired)
        try:
            session = model.session(optimised=False)
        except Exception as error:
            if name != c.JIT_CONVERSION or is_repaired or goes_on(error):
                raise
            model = side.model(graph, repair_types=True)
            session = model.session(optimised=False)
        if not self._step(call, lambda one: onnx_runs.run(model, one.leaves, session=session)):
            self._blame(side.culprit(name, model, self._found, self._tolerance))
        side.last_model = model

    def _after_dynamo(self, call: Call, side: DynamoSide) -> None:
        name, result = call.probe.name, call.result
        if side.only_file or (self._mode == "stages" and name not in c.GRAPH_STAGES):
            return
        if name in c.GRAPH_STAGES and type(result).__name__ == "ExportedProgram":
            self._after_program(call, side, result)
            return
        graph = graph_text.returned_graph(call) or graph_text.mutable_graph(call)
        if graph is None:
            graph = graph_text.graph_of(getattr(result, "model", None))
        if graph is None or type(graph).__name__ != "Model" or not onnx_runs.is_there():
            return
        if name not in c.GRAPH_STAGES and call.attributes.get(c.PASS_MODIFIED) is False:
            return
        model = fx_programs.ir_model(graph)
        if not self._has_changed(
            str(hash(model.proto.SerializeToString())), name in c.GRAPH_STAGES
        ):
            return
        session = model.session(optimised=False)
        if not self._step(call, lambda one: onnx_runs.run(model, one.leaves, session=session)):
            blamed = side.culprit(name, model, self._found, self._tolerance, self._reference)
            self._blame(blamed)
            if side.last_model is None and blamed and self._found is not None:
                # The first model that could be run: its operators were translated before.
                self._found.step.name = self._found.step.stage = c.FX_TRANSLATION
        side.last_model = model

    def _after_program(self, call: Call, side: DynamoSide, program: Any) -> None:
        reference = self._reference
        assert reference is not None
        if side.program is None:
            shapes = [fx_programs.other_shapes(program, change) for change in SIZES]
            found = [one for one in shapes if one is not None]
            if found:
                reference.run_other_sizes(found, self._tolerance)
                self._notes += [one for one in reference.notes if one not in self._notes]
        side.program = program

        def run(one: InputSet) -> list[torch.Tensor]:
            args, kwargs = reference.arguments.filled(one.leaves)
            with untouched(None):
                return fx_programs.leaves_of(fx_programs.run(program, args, kwargs))

        self._step(call, run)

    def _verify_file(self, call: Call) -> None:
        if not onnx_runs.is_there() or (model := _written_model(call)) is None:
            return
        if self._later is not None and self._reference is not None:
            self._later.remember(model.inputs(), self._reference.sets)
        if self._found is not None:
            return
        side = self._script or self._dynamo
        steps = ((c.WRITTEN_FILE, False), (c.OPTIMISED_FILE, True))
        for name, optimised in steps:
            session = model.session(optimised=optimised)
            agrees = self._step(
                call,
                lambda one, session=session: onnx_runs.run(model, one.leaves, session=session),  # type: ignore[misc]
                name=name,
            )
            del session
            if not agrees and side is not None and not optimised and model.proto is not None:
                self._blame(
                    side.culprit(name, model, self._found, self._tolerance, self._reference)
                )
            if not agrees:
                return

    def _has_changed(self, text: str, always: bool) -> bool:
        digest = hash(text)
        if digest == self._last_text and not always:
            return False
        self._last_text = digest
        return True

    def _step(
        self, call: Call, run: Callable[[InputSet], list[torch.Tensor]], *, name: str = ""
    ) -> bool:
        """Run one step on every set of inputs; whether all outputs agree."""
        step, reference = Step(name or call.name, _stage_of(call)), self._reference
        assert reference is not None
        difference, one = worst_of_sets(reference.sets, run, self._tolerance)
        self._steps += 1
        step.worst = difference.max_abs
        if not name or not difference.agrees or c.VERIFY_MISMATCHED not in call.attributes:
            call.attributes.update(step_attributes(difference, one))
        if difference.agrees:
            self._last = step
            self._largest = max(self._largest, step.worst)
            self._unrun = []
            return True
        self._found = Found(step, self._last, one, difference, unrun=self._unrun)
        if step.name in c.CAPTURES:
            self._blame(self._captured(reference, one))
        return False

    def _captured(self, reference: Reference, one: InputSet) -> dict[str, Any]:
        """What to blame for a capture that differs: a line that fixed a value, or the state."""
        is_traced = one.kind != inputs.EXAMPLE and self._script is not None
        if is_traced and (line := reference.fixed_line(one, self._warned)) is not None:
            return {c.MISMATCH_FILE: line[0], c.MISMATCH_LINE: line[1]}
        return {c.MISMATCH_STATE: reference.state[:MAX_NAMES]} if reference.state else {}

    # --- the result ----------------------------------------------------------------------

    def _blame(self, attributes: dict[str, Any] | None) -> None:
        if self._found is not None and attributes:
            self._found.blamed.update(attributes)

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def _write(self, call: Call) -> None:
        attributes = call.attributes
        attributes[c.VERIFY_MODE] = self._mode
        attributes[c.VERIFY_STEPS] = self._steps
        if self._skipped:
            self._note(
                f"{len(self._skipped)} steps could not be run, the first is {self._skipped[0]}; "
                f"the span of each says why ({c.VERIFY_SKIPPED})"
            )
        if self._notes:
            attributes[c.VERIFY_NOTES] = self._notes
        if self._found is not None:
            attributes.update(step_attributes(self._found.difference, self._found.one))
            self._found.write(attributes)
        elif self._steps:
            attributes[c.VERIFY_MAX_ABS] = self._largest
        self._clear()  # another export of the same pipeline is verified anew


def _stage_of(call: Call) -> str:
    around: Call | None = call
    while around is not None and around.probe.level is not c.Level.STAGES:
        around = around.parent
    return around.name if around is not None else call.name


def _written_model(call: Call) -> OnnxModel | None:
    """The model that the export has written; None when there is none to read."""
    proto = written_model(call)
    return None if proto is None else OnnxModel(proto, path=written_path(call))
