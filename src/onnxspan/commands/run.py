"""`onnxspan run script.py`: trace every export that a script makes."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path

import click

from onnxspan.commands import script
from onnxspan.commands.demo import LEVELS
from onnxspan.commands.progress import Progress
from onnxspan.commands.repeating import repeat
from onnxspan.commands.sending import HEADER, OTLP, PROTOCOL, as_options, where_to
from onnxspan.conventions import Level
from onnxspan.errors import OnnxspanError
from onnxspan.tracing import Tracing


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Examples: onnxspan run export.py --batch 4; "
    "onnxspan run --level nodes -o export.jsonl export.py; onnxspan run -m mypackage.export",
)
@click.option("--level", type=click.Choice(LEVELS), default="passes", show_default=True)
@click.option("-o", "--output", type=click.Path(), help="Write the spans to this .jsonl file.")
@click.option("--otlp", **OTLP)
@click.option("--protocol", **PROTOCOL)
@click.option("--header", "headers", **HEADER)
@click.option(
    "--snapshots",
    default="none",
    show_default=True,
    metavar="changed|all|none|PATTERN",
    help="Keep the graph's text before and after passes, in a folder beside -o.",
)
@click.option("--unfold", is_flag=True, help="Give every span its own line in the tree.")
@click.option("--quiet", is_flag=True, help="Do not print the tree.")
@click.option(
    "--repeat",
    "times",
    type=click.IntRange(min=1),
    help="Run it N times, each in a fresh process, into OUTPUT-1.jsonl, OUTPUT-2.jsonl, ...",
)
@click.option("-m", "module", is_flag=True, help="Run a module, as `python -m` does.")
@click.argument("target", metavar="SCRIPT|MODULE")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    level: str,
    output: str | None,
    otlp: tuple[str, ...],
    protocol: str | None,
    headers: tuple[str, ...],
    snapshots: str,
    unfold: bool,
    quiet: bool,
    times: int | None,
    module: bool,
    target: str,
    arguments: tuple[str, ...],
) -> None:
    """Run a script, trace every torch.onnx.export it makes, and show the tree at its end.

    The script gets its arguments, output and exit code as without onnxspan; the tree goes to
    stderr. Options of onnxspan stand before the script's name.
    """
    _check_output(output)
    if snapshots != "none" and output is None:
        raise click.UsageError("--snapshots needs -o FILE.jsonl: they go into a folder beside it")
    if not module and not Path(target).exists():
        raise OnnxspanError(
            f"{target}: there is no such file. "
            f"Give a Python file, or a module: onnxspan run -m {target}"
        )
    if times is not None:
        options = ["--level", level, *["--unfold"] * unfold, *["--quiet"] * quiet]
        options += as_options(otlp, protocol, headers)
        repeat(times, output, options, [*["-m"] * module, "--", target, *arguments])
        return
    listeners = [Progress(sys.stderr)] if sys.stderr.isatty() else []
    tracing = Tracing(
        Level.parse(level),
        listeners=listeners,
        snapshots=snapshots,
        wait_for_torch=True,
        **where_to(otlp, protocol, headers),
    )
    process = os.getpid()
    failure: BaseException | None = None
    with tracing:
        try:
            run = script.run_module if module else script.run_script
            run(target, list(arguments))
        except OnnxspanError:
            raise
        except BaseException as error:  # a script may end in any way
            failure = error
        script.join_threads()
    if isinstance(failure, Exception | KeyboardInterrupt):
        script.print_exception(failure)
    if os.getpid() == process:  # a forked child of the script has nothing to report
        _report(tracing, output, unfold, quiet)
    if failure is not None:
        _end_as(failure)


def _check_output(output: str | None) -> None:
    """Refuse a file that cannot be written before the script's hours of work, not after."""
    if output is None:
        return
    folder = Path(output).absolute().parent
    if Path(output).is_dir() or not os.access(folder, os.W_OK):
        raise OnnxspanError(
            f"{output}: cannot be written there. Give -o a file in a folder that exists and is yours"
        )


def _report(tracing: Tracing, output: str | None, unfold: bool, quiet: bool) -> None:
    sys.stdout.flush()
    if not tracing.result.roots:
        click.echo(
            "onnxspan: the script made no torch.onnx.export; nothing was recorded", err=True
        )
        return
    if not quiet:
        click.echo(err=True)
        tracing.show(unfold=unfold)
    if output is not None:
        try:
            tracing.save(output)
        except (OSError, ValueError) as error:
            click.echo(f"onnxspan: the trace was not saved: {error}", err=True)
        else:
            click.echo(f"onnxspan: {len(tracing.spans)} spans in {output}", err=True)


def _end_as(failure: BaseException) -> None:
    """End the process as the interpreter would after this."""
    if isinstance(failure, KeyboardInterrupt):
        atexit._run_exitfuncs()  # noqa: SLF001  # what the interpreter does before it kills itself
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    if isinstance(failure, SystemExit):
        raise failure
    sys.exit(1)
