"""`onnxspan growth`: one export at several sizes; what grows faster than the model."""

from __future__ import annotations

import json
import sys

import click

from onnxspan.commands.comparing import output_options, write_page


@click.command("growth")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@output_options
@click.option(
    "--fail-if-superlinear", is_flag=True, help="Exit with 1 when a step is superlinear."
)
def command(
    files: tuple[str, ...],
    export: int | None,
    *,
    as_json: bool,
    everything: bool,
    html: str | None,
    fail_if_superlinear: bool,
) -> None:
    """Fit every step's time against the model's nodes; name the superlinear ones.

    Give traces of the same model at three sizes or more, best each twice the one before.
    Several traces of one size are repetitions.
    """
    from onnxspan.reading import compare_json as data  # imported when it is called
    from onnxspan.reading.growth import measure
    from onnxspan.reading.samples import read_samples

    found = measure(read_samples(files, export))
    if html is not None:
        from onnxspan.reading.growth_page import page

        write_page(html, page(found))
    if as_json:
        click.echo(json.dumps(data.growth(found)))
    elif html is None or everything:
        from rich.console import Console

        from onnxspan.reading.growth_text import render

        Console(highlight=False).print(render(found, everything=everything))
    if fail_if_superlinear and found.superlinear:
        sys.exit(1)
