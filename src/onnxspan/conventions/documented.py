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
    _text(
        exports.FILE,
        "where it is known",
        "The source file that the warning, log record or node comes from.",
    ),
    _line(
        exports.LINE,
        "with `code.file.path`",
        "The line in the file `code.file.path`, counted from 1.",
    ),
)
_MESSAGE = _text(
    e.LOG_MESSAGE, "always", "The text of the warning, log record or log line, cut to a limit."
)
_LOG_LEVEL = _text(
    e.LOG_LEVEL,
    "always",
    "The level: `WARNING` and the like; of a native log line `UPDATE`, `DEBUG` or `DUMP`.",
)
_OPERATOR = _text(
    exports.NODE_OPERATOR,
    "where an operator was being converted",
    "The operator that was being converted, as `aten::linear`.",
)
_INNERMOST = "where a frame is neither torch's nor an installed package's"

EVENTS = (
    Event(
        e.EXCEPTION_EVENT,
        "An exception, once in an export: on the first span that the exception left.",
        (
            _text(e.EXCEPTION_TYPE, "always", "The exception's class, with the class's module."),
            _text(e.EXCEPTION_MESSAGE, "always", "The exception's text, cut to a limit."),
            _text(e.EXCEPTION_STACKTRACE, "always", "The stack trace; of a long one the end."),
            Attribute(
                e.EXCEPTION_CHAIN,
                "string[]",
                "where the exception has a cause",
                "`Type: message` of the exception, then of its causes, each in short.",
            ),
            _text(
                e.SOURCE_FILE,
                _INNERMOST,
                "The file of the innermost frame that is neither torch's nor an installed package's.",
            ),
            _line(
                e.SOURCE_LINE,
                _INNERMOST,
                "The line in the file `torch.onnx.exception.source.file`, counted from 1.",
            ),
            _text(
                e.SOURCE_TEXT,
                "where the file can be read",
                "The text of the line `torch.onnx.exception.source.line`.",
            ),
            _text(e.EXPORT_FILE, "where it is known", "The file in which the export was called."),
            _line(
                e.EXPORT_LINE,
                "where it is known",
                "The line in which the export was called, counted from 1.",
            ),
            _text(
                e.EXPORT_TEXT,
                "where the file can be read",
                "The text of the line in which the export was called.",
            ),
            _text(
                e.MODULE_PATH,
                "where it is known",
                "The path of the innermost module whose `forward` was running.",
            ),
            _text(
                e.MODULE_CLASS_RUNNING,
                "where it is known",
                "The class of the innermost module whose `forward` was running.",
            ),
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
    _text(
        "service.name",
        _OWN,
        "The name of the service: `onnxspan`, unless OpenTelemetry's variables name another.",
    ),
    _text(
        "service.instance.id", _OWN, "An id of the exporting process, made by OpenTelemetry's SDK."
    ),
    _text("telemetry.distro.name", _OWN, "The distribution of OpenTelemetry: `onnxspan`."),
    _text("telemetry.distro.version", _OWN, "The version of onnxspan."),
    _text("telemetry.sdk.language", _OWN, "The language of the SDK: `python`."),
    _text("telemetry.sdk.name", _OWN, "The name of the SDK: `opentelemetry`."),
    _text("telemetry.sdk.version", _OWN, "The version of OpenTelemetry's SDK."),
    _text("host.name", _OWN, "The machine's name."),
    _text("host.arch", _OWN, "The processor's architecture, by the names of the conventions."),
    _text("os.type", _OWN, "The operating system: `linux`, `darwin` or `windows`."),
    _line("process.pid", _OWN, "The id of the process that exported."),
    _line("process.parent_pid", _OWN, "The id of the process that started the exporting process."),
    _line("process.rank", _LAUNCHED, "The process's number in its job."),
    _line("process.local_rank", _LAUNCHED, "The process's number on its machine."),
    _line("process.world_size", _LAUNCHED, "How many processes the job has."),
    _text("process.runtime.name", _OWN, "The implementation of Python: `cpython`."),
    _text("process.runtime.version", _OWN, "The version of Python."),
    _text(
        "vcs.ref.head.revision",
        "in a git repository",
        "The commit that is checked out in the script's folder.",
    ),
    _text(
        "vcs.ref.head.name",
        "in a git repository",
        "The branch that is checked out in the script's folder; absent without one.",
    ),
)
"""Every attribute of the resource that onnxspan makes."""
