"""`onnxspan run script.py`: trace every export that a script makes."""

from __future__ import annotations

import atexit
import difflib
import os
import re
import shlex
import signal
import sys
from pathlib import Path

import click

from onnxspan.commands import children as children_of
from onnxspan.commands import interrupt, run_report, script, verifying
from onnxspan.commands.demo import LEVEL
from onnxspan.commands.logs import LOG_FORMATS, LOG_LEVELS, configure
from onnxspan.commands.optional_value import CommandWithOptionalValues
from onnxspan.commands.otlp_options import (
    HEADER,
    OTLP,
    PROTOCOL,
    as_options,
    headers_of,
    where_to,
)
from onnxspan.commands.progress import Progress
from onnxspan.commands.repeating import repeat
from onnxspan.errors import OnnxspanError
from onnxspan.files import target_of
from onnxspan.recording.options import Options
from onnxspan.tracing import Tracing


class _Run(CommandWithOptionalValues):
    optional = {"--verify": "passes"}  # noqa: RUF012  # never changed


@click.command(
    cls=_Run,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Examples: onnxspan run export.py --batch 4; "
    "onnxspan run --level nodes -o export.jsonl export.py; onnxspan run -m mypackage.export",
)
@LEVEL
@click.option("-o", "--output", type=click.Path(), help="Write the spans to this .jsonl file.")
@click.option("--otlp", **OTLP)
@click.option("--protocol", **PROTOCOL)
@click.option("--header", "headers", **HEADER)
@click.option(
    "--snapshots",
    default="none",
    show_default=True,
    metavar="changed|all|none|PATTERN",
    help="Keep the graph before and after passes and steps of packs, in a folder beside -o.",
)
@click.option("--unfold", is_flag=True, help="Give every span its own line in the tree.")
@click.option(
    "--log",
    type=click.Choice(LOG_FORMATS),
    help="Log each stage and pass to stderr, by structlog.",
)
@click.option(
    "--log-level",
    type=click.Choice(LOG_LEVELS),
    default="info",
    show_default=True,
    help="debug has passes and the native log too.",
)
@click.option("--native-log", is_flag=True, help="Keep what torch's C++ passes say of themselves.")
@click.option(
    "--probe",
    "probes",
    multiple=True,
    metavar="MODULE:FUNCTION",
    help="Give a function of your own a span when an export calls it; may be repeated.",
)
@click.option(
    "--root",
    metavar="MODULE:FUNCTION",
    help="A function of your own around exports: each call of it is a trace.",
)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    default=("all",),
    show_default=True,
    metavar="NAME|all|none",
    help="Libraries whose steps get spans before and after the exports; may be repeated.",
)
@click.option(
    "--verify",
    type=click.Choice(["stages", "passes"]),
    metavar="[=stages|passes]",
    help="Run the graph after each pass that changes it (or each stage), and say where the "
    "numbers begin to differ from the eager model's.",
)
@click.option(
    "--verify-inputs",
    metavar="FILE.npz|MODULE:FUNCTION",
    help="Inputs of your own to verify with: arrays by input name, or a function that returns a list.",
)
@click.option("--rtol", type=float, help="Relative tolerance of --verify.")
@click.option("--atol", type=float, help="Absolute tolerance of --verify.")
@click.option(
    "--fail-on-mismatch", is_flag=True, help="Exit with 1 when --verify finds a mismatch."
)
@click.option(
    "--follow/--no-follow",
    default=True,
    show_default=True,
    help="Record the exports of the processes that the script starts, too.",
)
@click.option("--no-flight", is_flag=True, help="Keep no flight log for the case of a kill.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.option(
    "--repeat",
    "times",
    type=click.IntRange(min=1),
    help="Run it N times, each in a fresh process, into OUTPUT-1.jsonl, OUTPUT-2.jsonl, ...",
)
@click.option("-m", "module", is_flag=True, help="Run a module, as `python -m` does.")
@click.argument("target", metavar="SCRIPT|MODULE")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(  # noqa: C901, PLR0912, PLR0915  # a line for each option; click passes them by name
    level: str,
    output: str | None,
    otlp: tuple[str, ...],
    protocol: str | None,
    headers: tuple[str, ...],
    snapshots: str,
    unfold: bool,
    log: str | None,
    log_level: str,
    native_log: bool,
    probes: tuple[str, ...],
    root: str | None,
    packs: tuple[str, ...],
    verify: str | None,
    verify_inputs: str | None,
    rtol: float | None,
    atol: float | None,
    fail_on_mismatch: bool,
    follow: bool,
    no_flight: bool,
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
    # The script may change its folder.
    place = None if output is None else os.path.abspath(output)
    verifying.check(verify, verify_inputs, rtol, atol, fail_on_mismatch)
    if snapshots != "none" and output is None:
        raise click.UsageError("--snapshots needs -o FILE.jsonl: they go into a folder beside it")
    if not module and not Path(target).exists():
        raise OnnxspanError(_no_such_script(target, arguments))
    if times is not None:
        same = ["--level", level, *["--unfold"] * unfold, *["--quiet"] * quiet]
        same += as_options(otlp, protocol, headers)
        same += ["--snapshots", snapshots, *["--native-log"] * native_log]
        same += [*["--log", log or "", "--log-level", log_level] * (log is not None)]
        same += verifying.as_options(verify, verify_inputs, rtol, atol, fail_on_mismatch)
        same += [
            *["--no-flight"] * no_flight,
            *["--no-follow"] * (not follow),
            *(f"--probe={probe}" for probe in probes),
            *(f"--pack={pack}" for pack in packs),
            *([f"--root={root}"] if root else []),
        ]
        repeat(times, output, same, [*["-m"] * module, "--", target, *arguments])
        return
    listeners = [Progress(sys.stderr)] if sys.stderr is not None and sys.stderr.isatty() else []
    if native_log and level == "stages":
        raise OnnxspanError("--native-log belongs to passes: leave --level stages out")
    if log is not None:
        configure(log, log_level)
    flight = None if no_flight else interrupt.watched_place(place)
    folder = children_of.folder_of(place) if follow else None
    children = None if folder is None else children_of.Children(folder)
    try:
        options = Options(
            level,
            **where_to(otlp, protocol, headers),
            flight=flight or False,
            log=log is not None,
            native_log=native_log,
            snapshots=snapshots,
            probes=probes,
            root=root,
            packs=packs,
            verify=verify or False,
            verify_inputs=verifying.given(verify_inputs) if verify_inputs else (),
            rtol=rtol,
            atol=atol,
            listeners=listeners,
            wait_for_torch=True,
            script=target,
            follow=folder,
            deliver_later=True,
        )
    except ValueError as error:
        raise OnnxspanError(str(error)) from error
    tracing = Tracing(options)
    process = os.getpid()
    failure: BaseException | None = None
    saved = False
    with run_report.recording(tracing), run_report.announced(children, tracing, options):
        try:
            run = script.run_module if module else script.run_script
            run(target, list(arguments))
        except script.UnreadableError:
            raise
        except BaseException as error:  # a script may end in any way
            failure = error
        script.join_threads()
    if failure is not None and not isinstance(failure, SystemExit):
        script.print_exception(failure)
    if os.getpid() == process:  # a forked child of the script has nothing to report
        try:
            with run_report.after_the_script("saving and showing the trace"):
                saved = run_report.report(
                    tracing, options, output, place, children, unfold=unfold, quiet=quiet
                )
        except KeyboardInterrupt as error:  # the trace is saved before it is shown
            failure = failure or error
    try:
        with run_report.after_the_script("sending the trace"):
            run_report.deliver(tracing, place if saved else None)
            if os.getpid() == process and children is not None:
                for problem in children.send(otlp, protocol, headers_of(headers)):
                    run_report.echo(problem)
    except KeyboardInterrupt as error:  # what did not arrive is in a file, which was said
        failure = failure or error
    if os.getpid() == process and saved:
        run_report.remove(children)
    if failure is not None:
        _end_as(failure)
    if os.getpid() == process and not saved:
        sys.exit(1)
    if fail_on_mismatch and tracing.mismatch is not None:
        sys.exit(1)


def _check_output(output: str | None) -> None:
    """Refuse a file that cannot be written before the script's hours of work, not after."""
    if output is None:
        return
    try:
        folder = target_of(output).parent
    except OSError as error:
        reason = f" ({error.strerror})"
    else:
        if os.access(folder, os.W_OK):
            return
        reason = ""
    raise OnnxspanError(
        f"{output}: cannot be written there{reason}. "
        "Give -o a file in a folder that exists and is yours"
    )


def _no_such_script(target: str, arguments: tuple[str, ...]) -> str:
    """What to type in place of a word that is no file."""
    rest = " ".join(map(shlex.quote, arguments))
    if re.fullmatch(r"(?:.*/)?python[\d.]*", target) and arguments:
        return f"{target}: onnxspan starts Python by itself: onnxspan run {rest}"
    if target.startswith("-"):
        names = [name for option in command.params for name in option.opts]
        close = difflib.get_close_matches(target.partition("=")[0], names, n=1)
        meant = f"Did you mean {close[0]}?" if close else "`onnxspan run --help` has all options"
        return f"{target}: there is no such option. {meant}"
    if Path(f"{target}.py").is_file():
        return f"{target}: there is no such file. Did you mean {target}.py?"
    return (
        f"{target}: there is no such file. "
        f"Give a Python file, or a module: onnxspan run -m {target}"
    )


def _end_as(failure: BaseException) -> None:
    """End the process as the interpreter would after this."""
    if isinstance(failure, KeyboardInterrupt):
        atexit._run_exitfuncs()  # noqa: SLF001  # what the interpreter does before it kills itself
        run_report.flush(sys.stdout)
        run_report.flush(sys.stderr)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    if isinstance(failure, SystemExit):
        raise failure
    sys.exit(1)
