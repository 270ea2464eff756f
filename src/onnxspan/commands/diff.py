"""`onnxspan diff`: two exports, or two sets of repetitions, side by side."""

from __future__ import annotations

import sys

import click

from onnxspan.commands.compare_options import Output, output_options
from onnxspan.errors import OnnxspanError

CROSSED = 1
"""Exit code for a threshold that was crossed."""
_SEPARATOR = "\0--"


class _TwoSides(click.Command):
    """Keeps `--` among the files, where it divides the sides, and lets options follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [_SEPARATOR if arg == "--" else arg for arg in args])


_EXAMPLES = """\b
Examples:
  onnxspan diff yesterday.jsonl today.jsonl
  onnxspan diff before-*.jsonl -- after-*.jsonl --html diff.html
  onnxspan diff main-*.jsonl -- branch-*.jsonl --fail-if 'processor>1.3x' --fail-if 'nodes>+0'
"""


@click.command("diff", cls=_TwoSides, epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="BEFORE... [--] AFTER...")
@output_options
@click.option(
    "--fail-if",
    "thresholds",
    multiple=True,
    metavar="LIMIT",
    help="Exit with 1 when crossed: 'duration>1.5x', 'processor>30s', 'nodes>+10', 'bytes>5%', "
    "'duration(_jit_pass_onnx)>2x'. May be given several times.",
)
def command(files: tuple[str, ...], output: Output, thresholds: tuple[str, ...]) -> None:
    """Compare two traces, stage by stage and pass by pass.

    Give two files; or several repetitions a side, divided by `--`, so that the noise is
    known: onnxspan diff before/*.jsonl -- after/*.jsonl
    """
    from onnxspan.reading.compare import (
        as_json,  # imported when it is called
        diff_page,  # imported when it is called
        diff_text,  # imported when it is called
    )
    from onnxspan.reading.compare.diff import compare
    from onnxspan.reading.compare.samples import read_samples
    from onnxspan.reading.compare.thresholds import crossed, parse

    limits = [parse(text) for text in thresholds]
    before, after = _sides(files)
    found = compare(read_samples(before, output.export), read_samples(after, output.export))
    reasons = [(limit.text, crossed(limit, found)) for limit in limits]
    results = [{"limit": text, "crossed": reason} for text, reason in reasons]
    output.give(
        lambda: diff_page.page(found),
        lambda: {**as_json.comparison(found), "thresholds": results},
        lambda: diff_text.render(found, None if output.everything else 15),
    )
    for text, reason in reasons:
        if reason is not None:
            click.echo(f"onnxspan: --fail-if {text}: crossed, {reason}", err=True)
    if any(reason is not None for _, reason in reasons):
        sys.exit(CROSSED)


def _sides(files: tuple[str, ...]) -> tuple[list[str], list[str]]:
    if _SEPARATOR in files:
        place = files.index(_SEPARATOR)
        before, after = list(files[:place]), list(files[place + 1 :])
        if before and after and _SEPARATOR not in after:
            return before, after
        raise OnnxspanError("`--` stands once, with files before and after it")
    if len(files) == 2:  # noqa: PLR2004  # one a side
        return [files[0]], [files[1]]
    raise OnnxspanError(
        f"{len(files)} file(s), and diff compares two sides. Give two files, or divide several "
        "with `--`: onnxspan diff before/*.jsonl -- after/*.jsonl"
    )
