"""onnxruntime's own profile as spans: the nodes that a session ran, below the run that ran them.

Only where the user's script asks for a profile (`SessionOptions.enable_profiling`): onnxruntime then
writes a file as `end_profiling` is called, which is read here and left as it is.
"""

from __future__ import annotations

import ast
import json
import os
import time
import weakref
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as otel

from onnxspan import conventions as c
from onnxspan.recording.light_span import encodable
from onnxspan.recording.probes.dynamo.nodes import users_line
from onnxspan.recording.probes.packs import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxspan.recording.call import Call

MAX_NODES = 5_000
"""Spans of nodes that one profile gets."""
MAX_BYTES = 256 * 2**20
"""The largest profile that is read."""
_SLACK = 1_000_000
"""Nanoseconds by which onnxruntime's clock and ours may differ."""
_DAY = 86_400 * 10**9
_KERNEL = "_kernel_time"
_METADATA = "pkg.torch.onnx."

_runs: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
"""By session with a profile, the spans of its runs."""


def after_run(call: Call, result: Any) -> None:
    """Measure as for any step, and remember the span of a run that is profiled."""
    measure.after(call, result)
    session = call.args[0] if call.args else None
    options = getattr(session, "get_session_options", None)
    if callable(options) and getattr(options(), "enable_profiling", False):
        _runs.setdefault(session, []).append(call.span)


def before_end(call: Call) -> None:
    """Note when the profile began, in Unix nanoseconds: `end_profiling` forgets it."""
    started = int(call.args[0].get_profiling_start_time_ns())
    now = time.time_ns()
    if abs(now - started) > _DAY:  # some builds count from the machine's start
        started += now - time.monotonic_ns()
    call.scratch = started


def after_end(call: Call, result: Any) -> None:
    """Make a span of each node that was run, below the span of its run."""
    session, path = call.args[0], str(result)
    runs = _runs.pop(session, [])
    if not runs or os.path.getsize(path) > MAX_BYTES:
        return
    with open(path, encoding="utf-8") as file:
        events = [event for event in json.load(file) if isinstance(event, dict)]
    places = _places(str(getattr(session, "_model_path", None) or ""))
    made = 0
    for run, nodes in _by_run(events):
        began = call.scratch + int(run["ts"]) * 1000
        holding = [one for one in runs if _holds(one, began)]
        around = min(holding, key=lambda one: abs(one.start_time - began), default=None)
        if around is None:
            continue
        for event in nodes:
            if made == MAX_NODES:
                call.attributes[c.TRACING_OMITTED] = [f"nodes of the profile after {MAX_NODES}"]
                return
            _make(call, around, event, places)
            made += 1


def _by_run(events: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each run of the model with the nodes that were run in it."""
    kernels = [event for event in events if str(event.get("name", "")).endswith(_KERNEL)]
    for run in events:
        if run.get("name") == "model_run":
            end = run["ts"] + run["dur"]
            yield run, [one for one in kernels if run["ts"] <= one["ts"] <= end]


def _holds(span: Any, at: int) -> bool:
    end = span.end_time
    return end is not None and span.start_time - _SLACK <= at <= end + _SLACK


def _make(
    call: Call, around: Any, event: dict[str, Any], places: dict[str, dict[str, Any]]
) -> None:
    told = event.get("args", {})
    name = str(event["name"]).removesuffix(_KERNEL)
    began = call.scratch + int(event["ts"]) * 1000
    began = max(began, around.start_time)
    context = otel.set_span_in_context(around)
    span = call.export.tracer.start_span(name, context, start_time=began)
    attributes = {
        c.LEVEL: c.Level.NODES.name.lower(),
        c.NODE_OPERATOR: f"onnx::{told.get('op_name', '?')}",
        c.PACK_PROVIDERS: [str(told.get("provider", "?"))],
        **_place(name, places),
    }
    span.set_attributes(encodable(attributes))
    span.end(end_time=began + int(event["dur"]) * 1000)
    for receiver in call.export.receivers:
        receiver.collect(span)


def _place(name: str, places: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Where a node is from; onnxruntime adds to the names of nodes that it has changed."""
    name = name.removeprefix("fused ")
    while name not in places and "_" in name:
        name = name.rpartition("_")[0]
    return places.get(name, {})


def _places(path: str) -> dict[str, dict[str, Any]]:
    """By node and by value, the module and line that the dynamo exporter wrote into the file."""
    model = measure.read(path)
    if model is None:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for node in model.graph.node:
        told = {one.key: one.value for one in getattr(node, "metadata_props", ())}
        place = _place_of(told)
        if place:
            found.update(dict.fromkeys([node.name, *node.output], place))
    return found


def _place_of(told: dict[str, str]) -> dict[str, Any]:
    place: dict[str, Any] = {}
    try:
        scopes = ast.literal_eval(told.get(f"{_METADATA}name_scopes", "[]"))
        modules = [str(scope) for scope in scopes[:-1] if scope]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        modules = []
    if modules:
        place[c.NODE_SCOPE] = modules[-1]
    line = users_line(told.get(f"{_METADATA}stack_trace", ""))
    if line is not None:
        place[c.FILE], place[c.LINE] = line
    return place
