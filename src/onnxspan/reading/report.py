"""One HTML file that shows a trace: self-contained, without network, from any disk.

Everything that a trace says stands in one block of JSON, and the page's script makes text
nodes of it; nothing from a trace is ever written as HTML.
"""

from __future__ import annotations

import dataclasses
import json
import math
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan import explanations
from onnxspan.files import write_text
from onnxspan.reading import core, mismatch, pages
from onnxspan.reading.failure import fatal_failure, is_handled, module_of
from onnxspan.reading.graph_steps import graph_steps
from onnxspan.reading.notes import findings, notes
from onnxspan.reading.packing import packed
from onnxspan.reading.source import snapshots
from onnxspan.reading.source.gc_time import without_gc
from onnxspan.reading.tree import folding, modules
from onnxspan.reading.walk import steps
from onnxspan.version import __version__

if TYPE_CHECKING:
    import os

    from onnxspan.reading.failure import Failure
    from onnxspan.reading.source.trace import Span, Trace

SCRIPTS = (
    "dom.js", "data.js", "folds.js", "address.js", "flame.js", "waterfall.js",
    "divider.js", "charts.js", "details.js", "dagre.js", "graph_data.js", "graph_drawing.js",
    "graph.js", "modules.js", "tables.js", "main.js",
)  # fmt: skip
"""The page's script, in the order in which its parts need each other."""
MAX_STEPS = 1_000
"""Steps of the walk in a report; `onnxspan walk` shows the rest."""

MAX_PACKED_DIFFS = 700_000
"""Characters of all packed diffs in a report, so that it stays below 2 MB."""
MAX_ONE_DIFF = 400_000
"""Characters of one diff, so that a browser shows it at once."""

_KEYS = {
    "level": c.LEVEL,
    "exporter": c.EXPORTER,
    "function": c.FUNCTION,
    "file": c.FILE,
    "line": c.LINE,
    "operator": c.NODE_OPERATOR,
    "scope": c.NODE_SCOPE,
    "modelClass": c.MODEL_CLASS,
    "modelParameters": c.MODEL_PARAMETERS,
    "modelBytes": c.MODEL_BYTES,
    "nodes": c.NODES,
    "change": c.NODES_CHANGE,
    "parameterBytes": c.PARAMETER_BYTES,
    "constantBytes": c.CONSTANT_BYTES,
    "rss": c.MEMORY_RSS,
    "growth": c.MEMORY_GROWTH,
    "peak": c.MEMORY_PEAK,
    "resultFile": c.RESULT_FILE,
    "resultNodes": c.RESULT_NODES,
    "resultBytes": c.RESULT_BYTES,
    "externalBytes": c.RESULT_EXTERNAL_BYTES,
    "opset": c.OPSET,
    "torch": c.VERSION_TORCH,
    "tracing": c.TRACING_DURATION,
}
_PLACE_KEYS = (c.FUNCTION, c.FILE, c.LINE, c.LEVEL)
"""What every span of one probe has in common, and the report therefore says once."""

_SUM_SUFFIXES = ("operators", "calls", "durations", "longest")


def save(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write the report, whole or not at all.

    Raises:
        OSError: when the file cannot be written; nothing is then left of it.
        ValueError: when the trace holds no span.
    """
    write_text(path, render(trace))


def render(trace: Trace) -> str:
    """The report as one HTML document, ASCII only where the trace speaks.

    Raises:
        ValueError: when the trace holds no span.
    """
    if not trace.roots:
        raise ValueError(
            "there is nothing to report: no export was recorded. "
            "Call torch.onnx.export inside the `with onnxspan.trace()` block."
        )
    with without_gc():
        embedded = _embedded(data(trace))
    body = string.Template(pages.asset("report.html")).substitute(
        data=embedded, core=core.render(trace)
    )
    return pages.page(_title(trace), body, styles=("report.css", "graph.css"), scripts=SCRIPTS)


def data(trace: Trace) -> dict[str, Any]:
    """What the report's JSON block says; spans stand in the order of the calls.

    Times are nanoseconds after the root's beginning; `began` has the root's own, in Unix
    nanoseconds, as text because JavaScript's numbers are too short for it.
    """
    spans = trace.spans
    index = {id(span): number for number, span in enumerate(spans)}
    places: dict[tuple[Any, ...], int] = {}
    last = _last_moment(spans)
    rows = [
        _row(span, index, places, root.start, last) for root in trace.roots for span in root.walk()
    ]
    diffs, notices = _diffs(trace, spans)
    shown, shortened = _packed_diffs(diffs)
    graphs, unread = graph_steps(trace, index)
    steps, cut = _steps(trace, {span.span_id: index[id(span)] for span in spans}, diffs)
    return {
        "format": "onnxspan.report",
        "version": 1,
        "onnxspan": __version__,
        "source": Path(trace.source).name,
        "keys": {**_KEYS, "sums": _sums(spans)},
        "meanings": {attribute.key: attribute.meaning for attribute in c.ATTRIBUTES},
        "roots": [index[id(root)] for root in trace.roots],
        "began": {index[id(root)]: str(root.start) for root in trace.roots},
        "places": [
            {
                key: value
                for key, value in zip(_PLACE_KEYS, place, strict=True)
                if value is not None
            }
            for place in places
        ],
        "spans": rows,
        "folds": [
            [index[id(span)], *line.words, [index[id(one)] for one in line.spans]]
            for root in trace.roots
            for span, line in folding.shared(root)
        ],
        "explanations": _explanations(spans),
        "failures": {
            index[id(root)]: _failure(failure, index)
            for root in trace.roots
            if (failure := fatal_failure([root])) is not None
        },
        "modules": {
            index[id(root)]: [
                dataclasses.asdict(one) for export in exports for one in modules.modules(export)
            ]
            for root in trace.roots
            if (exports := trace.exports_below(root))
        },
        "markdown": {index[id(root)]: core.markdown(root) for root in trace.roots},
        "steps": steps,
        "diffs": {index[key]: text for key, text in shown.items()},
        "graphs": graphs,
        "notices": unread
        + _differing(trace)
        + _missing(trace)
        + _omitted(trace)
        + notices
        + shortened
        + cut,
    }


def _last_moment(spans: list[Span]) -> int:
    """The latest time that any span says, in Unix nanoseconds."""
    return max(max(span.start, span.end) for span in spans)


def _row(
    span: Span,
    index: dict[int, int],
    places: dict[tuple[Any, ...], int],
    began: int,
    last: int,
) -> dict[str, Any]:
    place = tuple(_hashable(span.get(key)) for key in _PLACE_KEYS)
    row: dict[str, Any] = {
        "id": span.span_id,
        "name": span.name,
        "parent": index[id(span.parent)] if span.parent is not None else -1,
        "start": span.start - began,
        # A span that never ended is drawn to the last moment that is known.
        "duration": max((span.end or last) - span.start, 0),
        "ended": bool(span.end),
        "place": places.setdefault(place, len(places)),
        "attributes": {
            key: value for key, value in span.attributes.items() if key not in _PLACE_KEYS
        },
        "events": [
            {"name": event.name, "at": event.time - began, "attributes": event.attributes}
            for event in span.events
        ],
    }
    if span.error:
        row["error"] = span.description or str(span.get(c.ERROR_TYPE) or "failed")
        row["handled"] = is_handled(span)
        row["module"] = module_of(span)
    said = [*notes(span), *findings(span)] if span.end else []
    if said:
        row["notes"] = said
    return row


def _failure(failure: Failure, index: dict[int, int]) -> dict[str, Any]:
    """The screen of a failure: what `onnxspan show` has above the tree."""
    return {
        "span": index[id(failure.span)],
        "headline": failure.headline,
        "rows": failure.rows(),
        "chain": failure.chain,
    }


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _sums(spans: list[Span]) -> dict[str, list[str]]:
    """The groups of per-operator work in the trace, by the keys of their four arrays."""
    first = "." + _SUM_SUFFIXES[0]
    prefixes = {
        key.removesuffix(first): None
        for span in spans
        for key in span.attributes
        if key.endswith(first) and key != c.RESULT_OPERATORS
    }
    return {
        prefix.rpartition(".")[2].replace("_", " "): [f"{prefix}.{end}" for end in _SUM_SUFFIXES]
        for prefix in prefixes
    }


def _explanations(spans: list[Span]) -> dict[str, Any]:
    """The texts by a span's name; by its function's full place where that has a text of its own."""
    found: dict[str, Any] = {}
    for name, function in dict.fromkeys((one.name, str(one.get(c.FUNCTION, ""))) for one in spans):
        text = explanations.for_span(name, function)
        if text is not None:
            found[text.name if text.name == function else name] = {
                "one_line": text.one_line,
                "source": text.source,
                "sections": text.sections,
            }
        elif explanations.one_line(name):
            found[name] = {"one_line": explanations.one_line(name), "source": "", "sections": {}}
    return found


_STEP_FIELDS = (
    "depth", "name", "one_line", "duration", "place", "went_in", "came_out", "log", "error",
    "model", "unchanged",
)  # fmt: skip


def _diffs(trace: Trace, spans: list[Span]) -> tuple[dict[int, str], list[str]]:
    """The diff of each pass by the span's id in memory; and notices of what cannot be read."""
    found: dict[int, str] = {}
    problems: list[str] = []
    for span in filter(snapshots.has_snapshot, spans):
        try:
            text = snapshots.diff(trace, span)
        except snapshots.SnapshotError as error:
            problems.append(str(error))
            continue
        if text:
            found[id(span)] = text
    if len(problems) > 1:
        problems[1:] = [f"And {len(problems) - 1} more snapshots cannot be read."]
    return found, problems


def _packed_diffs(diffs: dict[int, str]) -> tuple[dict[int, str], list[str]]:
    """The diffs as the page holds them: each cut to a length, all of them to a sum, said aloud."""
    found: dict[int, str] = {}
    left, cut = MAX_PACKED_DIFFS, 0
    for key, text in diffs.items():
        is_long = len(text) > MAX_ONE_DIFF
        one = packed(text[:MAX_ONE_DIFF].rpartition("\n")[0] + _CUT if is_long else text)
        cut += is_long or len(one) > left
        if len(one) <= left:
            left -= len(one)
            found[key] = one
    said = "diff is" if cut == 1 else "diffs are"
    return found, [
        f"{cut} {said} cut short or left out: `onnxspan show --pass NAME --diff` has them whole."
    ] * bool(cut)


_CUT = "\n@@ cut here: `onnxspan show FILE --pass NAME --diff` shows the rest @@"


def _omitted(trace: Trace) -> list[str]:
    counts = [root.get(c.SNAPSHOT_OMISSIONS) for root in trace.exports]
    omitted = sum(count for count in counts if isinstance(count, int))
    said = "Snapshots of {} passes were not kept, because of a limit: their attributes say which."
    return [said.format(omitted)] if omitted else []


def _steps(
    trace: Trace, index: dict[str, int], diffs: dict[int, str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """The walk's steps; their explanations stand elsewhere in the report already."""
    found = steps.steps(trace, lambda span: diffs.get(id(span), ""))
    notices = []
    if len(found) > MAX_STEPS:
        notices.append(
            f"The walk shows the first {MAX_STEPS:,} of {len(found):,} steps; "
            "`onnxspan walk` shows them all."
        )
    return [
        {"span": index[step.span_id], **{key: getattr(step, key) for key in _STEP_FIELDS}}
        for step in found[:MAX_STEPS]
    ], notices


def _differing(trace: Trace) -> list[str]:
    """Of each verified export or step whose numbers differ: where they begin to."""
    return [". ".join(one.screen(10_000).split("\n")) for one in mismatch.of_trace(trace)]


def _missing(trace: Trace) -> list[str]:
    """Say when a root counted more spans than the file holds."""
    notices = []
    for root in trace.exports:
        begun = root.get(c.TRACING_SPANS)
        held = sum(1 for span in root.walk() if span.scope == c.SCOPE)
        if isinstance(begun, int) and begun > held:
            notices.append(
                f"Spans are missing: the export began {begun:,}, the trace holds {held:,}. "
                "A batch processor that was full, or a file that was cut, loses them."
            )
    return notices


def _title(trace: Trace) -> str:
    first = (trace.exports or trace.roots)[0]
    return f"{first.get(c.MODEL_CLASS) or first.name} · onnxspan"


def _embedded(value: Any) -> str:
    """JSON that no name or message can end: ASCII only, and without `<`, `>` and `&`."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:  # JSON has no NaN and no infinity, and JSON.parse insists on it
        text = json.dumps(_without_nan(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
