"""Verifies the steps of packs: the model that a step makes against the one that it is given.

Both are run by onnxruntime, its own optimisation off, on the inputs of the export where their names
and types fit, else on drawn ones. A session makes no model and is not verified.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from onnxspan import conventions as c
from onnxspan.recording.call import current, is_busy
from onnxspan.recording.faults import goes_on
from onnxspan.recording.listeners.base import Listener
from onnxspan.recording.probes.packs import measure
from onnxspan.recording.probes.packs.table import LOSSY, OTHER_MODEL
from onnxspan.recording.verify import inputs, onnx_runs
from onnxspan.recording.verify.compare import noise_between
from onnxspan.recording.verify.inputs import InputSet
from onnxspan.recording.verify.results import (
    Found,
    Step,
    short,
    step_attributes,
    worst_of_sets,
)

if TYPE_CHECKING:
    from onnxspan.recording.call import Call, Export
    from onnxspan.recording.verify.compare import Difference, Tolerance

MAX_SECONDS = 120.0
"""Seconds of verification in one recording after which steps are no longer run."""
MAX_BYTES = 2**30
"""Bytes of a model, without external data, above which it is not run."""
MAX_EXAMPLES = 8
"""Exports whose inputs are remembered, the latest."""
MAX_NAMES = 4
"""Names of inputs or outputs that a reason lists."""
SYMBOLIC = 2
"""What a dynamic dimension of a drawn input is."""


_Example = tuple[str, dict[str, torch.Tensor]]
"""The kind of a set of inputs, and the tensors by the names that the file has for them."""


class NotRunError(Exception):
    """A model that is not run; the message says why."""


@dataclasses.dataclass(frozen=True)
class _Model:
    """A model as it was at one moment.

    Attributes:
        data: the serialised `onnx.ModelProto`.
        external: size and time of each file of external data, by path.
        path: the file that it was read from; None for a model in memory.
    """

    data: bytes
    external: tuple[tuple[str, int, int], ...] = ()
    path: str | None = None

    @property
    def digest(self) -> str:
        """Equal for two models that answer the same."""
        places = repr([(os.path.basename(path), *stamp) for path, *stamp in self.external])
        return hashlib.sha256(self.data + places.encode()).hexdigest()

    def session(self, *, optimised: bool) -> Any:
        """A session of the model as it was.

        Raises:
            NotRunError: when the data outside the file is not what it was, or not known.
            Exception: what onnxruntime raises.
        """
        if not self.external:
            return onnx_runs.session(self.data, optimised=optimised)
        if self.path is None or _read(self.path) != self:
            raise NotRunError("its external data is elsewhere, or was written over")
        return onnx_runs.session(self.path, optimised=optimised)


class StepVerification(Listener):
    """Compares what a step of a pack makes with what it is given, the outermost one that has both.

    Args:
        tolerance: what may differ.
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._examples: collections.deque[list[_Example]] = collections.deque(maxlen=MAX_EXAMPLES)
        # The call whose model was read, and that model, by tree: other threads have trees too.
        self._under_way: dict[Export, tuple[Call, _Model | None]] = {}
        self._last: Step | None = None
        self._spent = 0.0

    def remember(self, names: list[str], sets: list[InputSet]) -> None:
        """Take the inputs of an export, under the names that the file has for them."""
        self._examples.append(
            [
                (one.kind, dict(zip(names, one.leaves, strict=False)))
                for one in sets
                if len(one.leaves) >= len(names)
            ]
        )

    def entering(self, call: Call) -> None:
        """Keep the model that a step is given: the step may change it."""
        is_step = call.probe.pack and call.probe.before is measure.before
        if not is_step or call.export in self._under_way or not onnx_runs.is_there():
            return
        models = measure.given(call)
        if not models or call.name.startswith("onnxruntime.InferenceSession"):
            return
        if call.name in OTHER_MODEL:  # the steps inside it are verified
            call.attributes[c.VERIFY_SKIPPED] = "the step makes another model on purpose"
            return
        self._under_way[call.export] = call, None
        began = time.monotonic()
        try:
            self._under_way[call.export] = call, _model(models)
        except NotRunError as error:
            call.attributes[c.VERIFY_SKIPPED] = str(error)
        finally:
            self._spent += time.monotonic() - began

    def left(self, call: Call, error: BaseException | None) -> None:
        """Run both models when the step has made another one."""
        within, given = self._under_way.get(call.export, (None, None))
        if within is not call:
            return
        del self._under_way[call.export]
        if error is not None or given is None:
            return
        began = time.monotonic()
        # What the runs do with onnxruntime is no step of the script.
        token, busy = current.set(None), is_busy.set(True)
        try:
            made = _model(measure.made(call, call.result))
            if made is not None and made.digest != given.digest:
                if self._spent > MAX_SECONDS:
                    raise NotRunError(f"after {MAX_SECONDS:.0f} s of verification")
                self._compare(call, given, made)
        except NotRunError as reason:
            call.attributes[c.VERIFY_SKIPPED] = str(reason)
        except Exception as own:
            if goes_on(own):
                raise
            call.attributes[c.VERIFY_SKIPPED] = short(own)
        finally:
            current.reset(token)
            is_busy.reset(busy)
            self._spent += time.monotonic() - began

    def finished(self, export: Export) -> None:
        """A tree has ended, it may be by Ctrl-C in a step."""
        self._under_way.pop(export, None)

    def _compare(self, call: Call, given: _Model, made: _Model) -> None:
        session = given.session(optimised=False)
        outputs = [one.name for one in session.get_outputs()]
        sets = self._sets(session)
        names = [one.name for one in session.get_inputs()]
        largest = 0.0
        for one in sets:
            one.expected = _run(session, names, one)
            wide = [value.double() for value in one.expected]  # torch has no abs of a bool
            finite = [value[torch.isfinite(value)] for value in wide]
            sizes = [float(value.abs().max()) for value in finite if value.numel()]
            largest = max(largest, *sizes, 0.0)
            one.noise = [0.0] * len(one.expected)
        if not self._tolerance.is_given:
            other = given.session(optimised=True)
            for one in sets:
                pairs = zip(one.expected, _run(other, names, one), strict=True)
                one.noise = [noise_between(*pair) for pair in pairs]
            del other
        del session
        new = made.session(optimised=False)
        _check_same(names, outputs, new)
        is_lossy = call.name in LOSSY

        def run(one: InputSet) -> list[torch.Tensor]:
            outputs = _run(new, names, one)
            if not is_lossy:
                return outputs
            pairs = zip(outputs, one.expected, strict=False)
            return [value.to(expected.dtype) for value, expected in pairs]

        difference, one = worst_of_sets(sets, run, self._tolerance)
        call.attributes.update(step_attributes(difference, one))
        call.attributes[c.VERIFY_LARGEST] = largest
        call.attributes[c.VERIFY_LOSSY] = is_lossy
        self._judge(call, difference, one, is_lossy=is_lossy)

    def _judge(self, call: Call, difference: Difference, one: InputSet, *, is_lossy: bool) -> None:
        step = Step(call.name, call.name, difference.max_abs)
        is_rounding = is_lossy and not difference.what and difference.max_abs < float("inf")
        if difference.agrees or is_rounding:
            self._last = step
        else:
            Found(step, self._last, one, difference).write(call.attributes)

    def _sets(self, session: Any) -> list[InputSet]:
        """The inputs of the latest export that fit a model, or drawn ones."""
        wanted = session.get_inputs()
        for sets in reversed(list(self._examples)):  # another thread may add one
            fitting = [
                InputSet(kind, [values[told.name] for told in wanted])
                for kind, values in sets
                if _fits(values, wanted)
            ]
            if fitting:
                return fitting
        return [InputSet(inputs.DRAWN, _drawn(wanted))]


def _fits(example: dict[str, torch.Tensor], wanted: list[Any]) -> bool:
    if example.keys() != {one.name for one in wanted}:
        return False
    for one in wanted:
        tensor = example[one.name]
        sizes = [size if isinstance(size, int) else None for size in one.shape]
        if tensor.dtype is not onnx_runs.TYPES_OF.get(one.type) or tensor.dim() != len(sizes):
            return False
        if any(size not in (None, own) for size, own in zip(sizes, tensor.shape, strict=True)):
            return False
    return True


def _drawn(wanted: list[Any]) -> list[torch.Tensor]:
    """Values for a model's inputs; seeded.

    Numbers are between 0 and 1, whole numbers 0 or 1, dynamic dimensions of one name equal.

    Raises:
        NotRunError: for an input that is no tensor of numbers.
    """
    generator = torch.Generator().manual_seed(inputs.SEED)
    found = []
    for one in wanted:
        dtype = onnx_runs.TYPES_OF.get(one.type)
        if dtype is None:
            raise NotRunError(f"the input {one.name} is of the type {one.type}")
        shape = [size if isinstance(size, int) else SYMBOLIC for size in one.shape]
        if dtype.is_floating_point:
            found.append(torch.rand(shape, generator=generator).to(dtype))
        else:
            found.append(torch.randint(0, 2, shape, generator=generator).to(dtype))
    return found


def _check_same(names: list[str], outputs: list[str], made: Any) -> None:
    """Check that a session of the model that a step made computes what the given model computes.

    A step may drop an input that nothing reads.

    Raises:
        NotRunError: when it has other outputs, or inputs that the given model has not.
    """
    found = [one.name for one in made.get_outputs()]
    if found != outputs:
        raise NotRunError(f"its outputs are {_named(found)} instead of {_named(outputs)}")
    added = [one.name for one in made.get_inputs() if one.name not in names]
    if added:
        raise NotRunError(f"the model that was given has no inputs {_named(added)}")


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES])
    return f"{shown}, ..." if len(names) > MAX_NAMES else shown


def _run(session: Any, names: list[str], one: InputSet) -> list[torch.Tensor]:
    """What a session answers to inputs whose names in the given model are these.

    A step may drop an input, or lower an input's precision.
    """
    values = dict(zip(names, one.leaves, strict=True))
    feed = {}
    for told in session.get_inputs():
        value = values[told.name]
        feed[told.name] = value.to(onnx_runs.TYPES_OF.get(told.type, value.dtype))
    return onnx_runs.run(onnx_runs.OnnxModel(), feed, session=session)


def _model(models: list[Any]) -> _Model | None:
    """The first of some models and paths of models that is there; None when none is.

    Raises:
        NotRunError: for one that is too large, or cannot be written as ONNX.
    """
    for one in models:
        if not measure.is_path(one):
            return _in_memory(one)
        if os.path.isfile(one):
            return _read(os.fspath(one))
    return None


def _read(path: str) -> _Model | None:
    if os.path.getsize(path) > MAX_BYTES:
        raise NotRunError(f"its file has more than {MAX_BYTES >> 20} MiB")
    model = measure.read(path)
    if model is None:
        return None
    folder = Path(path).parent
    places = sorted({str(folder / name) for name in _external(model)})
    return _Model(_bytes(model), tuple(_stamp(place) for place in places), path)


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        told = os.stat(path)
    except OSError:
        return path, -1, -1
    return path, told.st_size, told.st_mtime_ns


def _in_memory(model: Any) -> _Model:
    if not measure.is_proto(model):
        model = sys.modules["onnx_ir"].serde.serialize_model(model)
    if model.ByteSize() > MAX_BYTES:
        raise NotRunError(f"it has more than {MAX_BYTES >> 20} MiB")
    external = tuple((name, -1, -1) for name in sorted(set(_external(model))))
    return _Model(_bytes(model), external)


def _bytes(model: Any) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def _external(model: Any) -> list[str]:
    tensors = model.graph.initializer
    entries = (entry for tensor in tensors for entry in tensor.external_data)
    return [entry.value for entry in entries if entry.key == "location"]
