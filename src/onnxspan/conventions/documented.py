"""What the reference page lists beside the attributes of spans: events, the resource, spans by class.

The recording half writes these names; this is their documentation, which a test compares with
what real exports emit.
"""

from __future__ import annotations

import dataclasses

from onnxspan.conventions import events as e
from onnxspan.conventions import exports
from onnxspan.conventions.registry import Attribute


@dataclasses.dataclass(frozen=True)
class Event:
    """One documented event of a span: its name, when it is added, and its attributes."""

    name: str
    meaning: str
    attributes: tuple[Attribute, ...]


def _text(key: str, on: str, meaning: str) -> Attribute:
    return Attribute(key, "string", on, meaning)


def _line(key: str, on: str, meaning: str) -> Attribute:
    return Attribute(key, "int", on, meaning)


_PLACE = (
    _text(exports.FILE, "where it is known", "The source file that it comes from."),
    _line(exports.LINE, "with `code.file.path`", "The line in that file, counted from 1."),
)
_MESSAGE = _text(e.LOG_MESSAGE, "always", "What was said, cut to a limit.")
_LOG_LEVEL = _text(
    e.LOG_LEVEL,
    "always",
    "`WARNING` and the like; of a native log line `UPDATE`, `DEBUG` or `DUMP`.",
)
_OPERATOR = _text(
    exports.NODE_OPERATOR,
    "where an operator was being converted",
    "The operator, as `aten::linear`.",
)
_INNERMOST = "where a frame is neither torch's nor an installed package's"

EVENTS = (
    Event(
        e.EXCEPTION_EVENT,
        "An exception, once in an export: on the span in which it was met first.",
        (
            _text(e.EXCEPTION_TYPE, "always", "The class, with its module."),
            _text(e.EXCEPTION_MESSAGE, "always", "What it prints, cut to a limit."),
            _text(e.EXCEPTION_STACKTRACE, "always", "The stack trace, its end when it is long."),
            Attribute(
                e.EXCEPTION_CHAIN,
                "string[]",
                "where it has a cause",
                "`Type: message` of the exception, then of its causes, each in short.",
            ),
            _text(e.SOURCE_FILE, _INNERMOST, "The file of the innermost such frame."),
            _line(e.SOURCE_LINE, _INNERMOST, "Its line."),
            _text(e.SOURCE_TEXT, "where the file can be read", "The text of that line."),
            _text(e.EXPORT_FILE, "where it is known", "The file in which the export was called."),
            _line(e.EXPORT_LINE, "where it is known", "The line of that call."),
            _text(e.EXPORT_TEXT, "where the file can be read", "The text of that line."),
            _text(
                e.MODULE_PATH,
                "where it is known",
                "The path of the innermost module whose `forward` was running.",
            ),
            _text(e.MODULE_CLASS_RUNNING, "where it is known", "The class of that module."),
        ),
    ),
    Event(
        e.WARNING_EVENT,
        "A warning that Python showed.",
        (
            _LOG_LEVEL,
            _text(e.WARNING_CATEGORY, "always", "The warning's class."),
            _MESSAGE,
            _OPERATOR,
            *_PLACE,
        ),
    ),
    Event(
        e.LOG_EVENT,
        "A log record of torch's exporter, onnxscript or onnx_ir.",
        (
            _LOG_LEVEL,
            _text(e.LOG_LOGGER, "always", "The logger's name."),
            _MESSAGE,
            _OPERATOR,
            *_PLACE,
        ),
    ),
    Event(
        e.NATIVE_LOG_EVENT,
        "A line of a C++ pass's own log, with `native_log`.",
        (_LOG_LEVEL, _MESSAGE, _OPERATOR, *_PLACE),
    ),
)
"""Every event that onnxspan adds to a span."""

_OWN = "where onnxspan makes the provider"
_LAUNCHED = "in a process of torchrun, MPI or Slurm"
RESOURCE = (
    _text("service.name", _OWN, "`onnxspan`, unless OpenTelemetry's variables name another."),
    _text("service.instance.id", _OWN, "A number of this process, by OpenTelemetry's SDK."),
    _text("telemetry.distro.name", _OWN, "`onnxspan`."),
    _text("telemetry.distro.version", _OWN, "The version of onnxspan."),
    _text("telemetry.sdk.language", _OWN, "`python`."),
    _text("telemetry.sdk.name", _OWN, "`opentelemetry`."),
    _text("telemetry.sdk.version", _OWN, "The version of OpenTelemetry's SDK."),
    _text("host.name", _OWN, "The machine's name."),
    _text("host.arch", _OWN, "The processor's architecture, by the names of the conventions."),
    _text("os.type", _OWN, "`linux`, `darwin` or `windows`."),
    _line("process.pid", _OWN, "The process that exported."),
    _line("process.parent_pid", _OWN, "The process that started it."),
    _line("process.rank", _LAUNCHED, "The process's number in its job."),
    _line("process.local_rank", _LAUNCHED, "The process's number on its machine."),
    _line("process.world_size", _LAUNCHED, "How many processes the job has."),
    _text("process.runtime.name", _OWN, "`cpython`."),
    _text("process.runtime.version", _OWN, "The version of Python."),
    _text("vcs.ref.head.revision", "in a git repository", "The commit of the script's folder."),
    _text("vcs.ref.head.name", "in a git repository", "The branch, where one is checked out."),
)
"""Every attribute of the resource that onnxspan makes."""
