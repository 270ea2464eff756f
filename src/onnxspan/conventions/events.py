"""Snapshots, events, failures, warnings and logs."""

from __future__ import annotations

from onnxspan.conventions.registry import attribute

# --- snapshots: the graph's text, in files beside the trace ---------------------
SNAPSHOT_FOLDER = ".snapshots"
"""The suffix of the folder beside a trace, in place of the trace's own."""
_WITH_SNAPSHOTS = "spans of passes and of packs' steps, with `snapshots`"
SNAPSHOT_CHANGED = attribute(
    "torch.onnx.snapshot.changed",
    "boolean",
    _WITH_SNAPSHOTS,
    "Whether the graph's text after the pass differs from the text before.",
)
SNAPSHOT_BEFORE = attribute(
    "torch.onnx.snapshot.before.file.name",
    "string",
    _WITH_SNAPSHOTS,
    "The file with the graph's text before the pass, in the folder `NAME.snapshots` beside "
    "the trace `NAME.jsonl`.",
)
SNAPSHOT_BEFORE_HASH = attribute(
    "torch.onnx.snapshot.before.sha256",
    "string",
    _WITH_SNAPSHOTS,
    "SHA-256, in hexadecimal, of the graph's text before the pass.",
)
SNAPSHOT_AFTER = attribute(
    "torch.onnx.snapshot.after.file.name",
    "string",
    _WITH_SNAPSHOTS,
    "The file with the graph's text after the pass, in the folder `NAME.snapshots` beside the trace `NAME.jsonl`; absent when the pass failed.",
)
SNAPSHOT_AFTER_HASH = attribute(
    "torch.onnx.snapshot.after.sha256",
    "string",
    _WITH_SNAPSHOTS,
    "SHA-256, in hexadecimal, of the graph's text after the pass.",
)
SNAPSHOT_GRAPH_BEFORE = attribute(
    "torch.onnx.snapshot.before.graph.name",
    "string",
    _WITH_SNAPSHOTS,
    "The file with the graph before the pass as data (JSON), in the folder `NAME.snapshots`. The file's name begins with the SHA-256 of the content.",
)
SNAPSHOT_GRAPH_AFTER = attribute(
    "torch.onnx.snapshot.after.graph.name",
    "string",
    _WITH_SNAPSHOTS,
    "The file with the graph after the pass as data (JSON), in the folder `NAME.snapshots`.",
)
SNAPSHOT_GRAPH_FILE = attribute(
    "torch.onnx.snapshot.file.graph.name",
    "string",
    "spans of exports, with `snapshots`",
    "The file with the nodes and initializers of the exported model as data (JSON), in the folder "
    "`NAME.snapshots`.",
)
SNAPSHOT_SOURCE = attribute(
    "torch.onnx.snapshot.source.name",
    "string",
    "spans of exports, with `snapshots`",
    "The file with the lines of the model's source that the graphs' nodes come from, and three "
    "lines before and after each (JSON), in the folder `NAME.snapshots`.",
)
SNAPSHOT_OMISSION = attribute(
    "torch.onnx.snapshot.omission.reason",
    "string",
    _WITH_SNAPSHOTS,
    "Why the graph's text before or after the pass was not kept: the limit that it would have exceeded.",
)
SNAPSHOT_OMISSIONS = attribute(
    "torch.onnx.snapshot.omission.count",
    "int",
    "root, only when not zero",
    "Passes whose graph texts were not kept because of a limit.",
)

# --- events -------------------------------------------------------------------
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"

# --- failures: further attributes of the exception event ------------------------
EXCEPTION_CHAIN = "torch.onnx.exception.chain"
"""`Type: message` of the exception, then of its causes, each in short."""
SOURCE_FILE = "torch.onnx.exception.source.file"
"""The innermost frame that is neither torch's nor an installed package's: file, line, text."""
SOURCE_LINE = "torch.onnx.exception.source.line"
SOURCE_TEXT = "torch.onnx.exception.source.text"
EXPORT_FILE = "torch.onnx.exception.export.file"
"""Where the user's code called the export: file, line, text."""
EXPORT_LINE = "torch.onnx.exception.export.line"
EXPORT_TEXT = "torch.onnx.exception.export.text"
MODULE_PATH = "torch.onnx.exception.module.path"
"""The path of the innermost module whose `forward` was running, and its class."""
MODULE_CLASS_RUNNING = "torch.onnx.exception.module.class"

# --- warnings, log records and the C++ passes' own log --------------------------
WARNING_EVENT = "torch.onnx.warning"
LOG_EVENT = "torch.onnx.log"
NATIVE_LOG_EVENT = "torch.onnx.native_log"
LOG_LEVEL = "torch.onnx.log.level"
"""`WARNING` and the like; of a native log line `UPDATE`, `DEBUG` or `DUMP`."""
LOG_MESSAGE = "torch.onnx.log.message"
LOG_LOGGER = "torch.onnx.log.logger"
WARNING_CATEGORY = "torch.onnx.warning.category"

EVENTS_DROPPED = attribute(
    "torch.onnx.event.dropped.count",
    "int, {event}",
    "stages, passes, only when not zero",
    "Warnings, log records and native log lines that were dropped because one span keeps only so many.",
)
NATIVE_LINES = attribute(
    "torch.onnx.native_log.line.count",
    "int, {line}",
    "passes, with the native log on",
    "Lines that the C++ pass wrote to its own log, dropped lines included.",
)

FLIGHT_FORMAT = "onnxspan.flight"
"""First key of the first line of a flight log."""
