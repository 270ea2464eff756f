"""`onnxspan growth`: one export at several sizes; what grows faster than the model."""

from __future__ import annotations

import sys

import click

from onnxspan.commands.compare_options import Output, output_options

_EXAMPLES = """\b
Examples:
  onnxspan run --quiet --repeat 3 -o small.jsonl export.py --layers 12
  onnxspan run --quiet --repeat 3 -o medium.jsonl export.py --layers 24
  onnxspan run --quiet --repeat 3 -o large.jsonl export.py --layers 48
  onnxspan growth small-*.jsonl medium-*.jsonl large-*.jsonl --html growth.html
"""


@click.command("growth", epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@output_options
@click.option(
    "--fail-if-superlinear", is_flag=True, help="Exit with 1 when a step is superlinear."
)
def command(files: tuple[str, ...], output: Output, fail_if_superlinear: bool) -> None:
    """Fit every step's time against the model's nodes; name the superlinear ones.

    Give traces of the same model at three sizes or more, best each twice the one before.
    Several traces of one size are repetitions; three of each tell growth from noise.
    """
    from onnxspan.reading.compare import (
        as_json,  # when it is called
        growth_page,  # when it is called
        growth_text,  # when it is called
    )
    from onnxspan.reading.compare.growth import measure
    from onnxspan.reading.compare.samples import read_samples

    found = measure(read_samples(files, output.export))
    output.give(
        lambda: growth_page.page(found),
        lambda: as_json.growth(found),
        lambda: growth_text.render(found, everything=output.everything),
    )
    if fail_if_superlinear and found.superlinear:
        sys.exit(1)
