"""`--log json|console`: the command, unlike the library, configures structlog."""

from __future__ import annotations

import sys

LOG_FORMATS = ("json", "console")
LOG_LEVELS = ("debug", "info", "warning", "error")


def configure(form: str, level: str) -> None:
    """Configure structlog: to stderr, with the ids of the current span.

    The script's own structlog lines then go there too, with the ids of the span that they
    are written in, unless it configures structlog itself.
    """
    import structlog  # only who asks for logs needs it

    from onnxspan.recording.listeners.logs import add_span_ids  # as above

    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_span_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
