"""What an onnxruntime session makes of its model: the nodes after onnxruntime's own optimisation.

onnxruntime tells nobody how its optimised graph looks; it only writes that graph into a file, when
`SessionOptions.optimized_model_filepath` says so. The user's session stays as the user made it.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from onnxspan import conventions as c
from onnxspan.conventions import Level
from onnxspan.recording.call import is_busy
from onnxspan.recording.faults import goes_on
from onnxspan.recording.probes.packs import measure

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

WRITTEN = "optimized_model_filepath"
SECOND = "second session"
NOT_ASKED = "unknown: record at level nodes, or set SessionOptions.optimized_model_filepath"
_SILENT = 4  # onnxruntime's highest severity: the user has seen what the first session said


class Optimized(NamedTuple):
    """What `after` leaves in `Call.scratch`: the optimised model; None where it is unknown."""

    model: Any


def after(call: Call, result: Any) -> None:
    """Measure the model of a session, as it was given or as onnxruntime optimised it."""
    session = call.args[0] if call.args else None
    if session is None or not hasattr(session, "get_providers"):
        measure.after(call, result)
        return
    call.attributes[c.PACK_PROVIDERS] = list(map(str, session.get_providers()))
    try:
        model, told = _optimized(call, session)
    except Exception as error:  # a session that cannot be made twice is no fault of the script
        if goes_on(error):
            raise
        model, told = None, f"unknown: {type(error).__name__} in a second session"
    measure.note(call, [*([] if model is None else [model]), *measure.made(call, result)])
    call.attributes[c.PACK_OPTIMIZED] = told
    call.scratch = Optimized(model)


def _optimized(call: Call, session: Any) -> tuple[Any, str]:
    """The optimised model, None where it is unknown; and where it is from."""
    path = str(session.get_session_options().optimized_model_filepath or "")
    if path:
        model = measure.read(path)
        return model, WRITTEN if model is not None else f"unknown: {WRITTEN} was not read"
    if call.export.level < Level.NODES:
        return None, NOT_ASKED
    # A copy that onnxruntime makes: it has what Python cannot read, as the overrides of dimensions.
    options = session._sess.session_options  # noqa: SLF001  # the public one is not a copy
    if options is session.get_session_options():
        return None, "unknown: this onnxruntime does not copy the options of a session"
    with tempfile.TemporaryDirectory(prefix="onnxspan-") as folder:
        path = os.path.join(folder, "optimized.onnx")
        options.optimized_model_filepath = path
        options.enable_profiling = False
        options.log_severity_level = _SILENT
        token = is_busy.set(True)
        try:
            type(session)(
                call.argument("path_or_bytes"),
                options,
                providers=session.get_providers(),
                provider_options=list(session.get_provider_options().values()),
                **_disabled(call),
            )
        finally:
            is_busy.reset(token)
        model = measure.read(path)
    return model, SECOND if model is not None else "unknown: the second session wrote no graph"


def _disabled(call: Call) -> dict[str, Any]:
    told = call.kwargs.get("disabled_optimizers")
    return {} if told is None else {"disabled_optimizers": told}
