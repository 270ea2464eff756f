"""`onnxspan send`: a saved trace to a backend, later."""

from __future__ import annotations

import sys

import click

from onnxspan.commands.otlp_options import HEADER, OTLP, PROTOCOL, headers_of
from onnxspan.errors import OnnxspanError


@click.command("send")
@click.argument("file", type=click.Path())
@click.option("--otlp", **{**OTLP, "required": True})
@click.option("--protocol", **PROTOCOL)
@click.option("--header", "headers", **HEADER)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    metavar="SECONDS", help="How long to wait for the backend, in all.",
)  # fmt: skip
def command(
    file: str,
    otlp: tuple[str, ...],
    protocol: str | None,
    headers: tuple[str, ...],
    timeout: float,
) -> None:
    """Send the spans of FILE, a saved trace, to an OTLP address.

    Ends with code 1 when not all have arrived. Sending a file twice makes no second trace: the
    spans keep their ids.
    """
    from onnxspan.reading.text import printable  # as late as its use
    from onnxspan.recording.outputs import otlp as sending  # needs an extra
    from onnxspan.recording.outputs.saved import read  # as late as its use

    try:
        endpoints = [sending.endpoint(url, protocol, headers_of(headers)) for url in otlp]
    except ValueError as error:
        raise OnnxspanError(str(error)) from error
    spans = read(file)
    failed = False
    for endpoint in endpoints:
        delivery = sending.delivery(endpoint)
        delivery.add(spans)
        missing = len(delivery.close(timeout))
        if missing:
            failed = True
            text = f"{missing} of {len(spans)} spans did not reach {delivery.place}: "
            click.echo(f"onnxspan: {printable(text + delivery.problem)}", err=True)
        else:
            click.echo(printable(f"{len(spans)} spans of {file} are at {delivery.place}"))
    if failed:
        sys.exit(1)
