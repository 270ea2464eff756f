"""The options of every subcommand that sends spans: `--otlp`, `--protocol`, `--header`."""

from __future__ import annotations

from typing import Any

import click

from onnxspan.errors import OnnxspanError

OTLP: dict[str, Any] = {
    "metavar": "URL",
    "multiple": True,
    "help": "Send the spans to this OTLP address, as http://localhost:4318; may be given again.",
}
PROTOCOL: dict[str, Any] = {
    "type": click.Choice(["http/protobuf", "grpc"]),
    "help": "How to speak to it; by default OTEL_EXPORTER_OTLP_PROTOCOL, or http/protobuf.",
}
HEADER: dict[str, Any] = {
    "metavar": "NAME=VALUE",
    "multiple": True,
    "help": "A header of each request, such as an access token; may be given again.",
}


def where_to(
    otlp: tuple[str, ...], protocol: str | None, headers: tuple[str, ...]
) -> dict[str, Any]:
    """The arguments of `trace()` for these options, checked before anything runs.

    Raises:
        OnnxspanError: for an address that is no URL, or a package that is missing.
        click.BadParameter: for a header that is none.
    """
    if not otlp:
        return {}
    from onnxspan.recording.outputs.otlp import endpoint  # it imports much

    given = {"protocol": protocol, "headers": headers_of(headers)}
    try:
        for url in otlp:
            endpoint(url, **given)  # type: ignore[arg-type]
    except ValueError as error:
        raise OnnxspanError(str(error)) from error
    return {"otlp": otlp, **given}


def as_options(otlp: tuple[str, ...], protocol: str | None, headers: tuple[str, ...]) -> list[str]:
    """The same options as words of a command line, for a process that repeats it."""
    words = [word for url in otlp for word in ("--otlp", url)]
    words += ["--protocol", protocol] if protocol else []
    return words + [word for header in headers for word in ("--header", header)]


def headers_of(given: tuple[str, ...]) -> dict[str, str]:
    """Turn `name=value` words into headers.

    Raises:
        click.BadParameter: for a word without a name or `=`, or with a line break.
    """
    headers: dict[str, str] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or not word.isprintable():
            # Not the word itself: it may be a secret.
            raise click.BadParameter("write it as NAME=VALUE", param_hint="'--header'")
        headers[name.strip()] = value.strip()
    return headers
