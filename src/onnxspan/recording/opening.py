"""Opening and closing a recording: what can begin an export is wrapped as long as one is open."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

from onnxspan import conventions as c
from onnxspan.recording import cpu_time, dynamo_rules, entry_points, packs
from onnxspan.recording.faults import describe_error, goes_on
from onnxspan.recording.listeners.base import overridden
from onnxspan.recording.patching import without_wrapper_frames
from onnxspan.recording.probe import Exporter
from onnxspan.recording.probes import versions
from onnxspan.recording.recorder import patches, targets_of
from onnxspan.recording.session import is_any_open, receiving, tracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxspan.recording.session import Session


def open_session(session: Session) -> None:
    """Wrap what can begin an export, and record the exports that follow.

    Raises:
        RuntimeError: when the session is open already.
        ImportError: when torch is not installed.
    """
    session.register()
    try:
        packs.hold(patches, session)
        if session.wait_for_torch and "torch.onnx" not in sys.modules:
            import wrapt  # most recordings wait for no import

            wrapt.register_post_import_hook(
                lambda _module: _hold_entry_points_later(session), "torch.onnx"
            )
        else:
            hold_entry_points(session)
        try:
            tracer(receiving())
        except Exception as error:  # one of ours is met again, and counted, in the export
            if goes_on(error):
                raise
    except BaseException:
        session.unregister()
        packs.release(patches, session)
        raise


def close_session(session: Session, error: BaseException | None = None) -> None:
    """Record no more exports; closing the last session restores everything.

    Args:
        session: the session of a trace or of the instrumentor.
        error: the exception that leaves the trace's block: its traceback gets as it is untraced.
    """
    if not session.is_open:
        return
    if error is not None:
        without_wrapper_frames(error)
    is_last = session.unregister()
    packs.release(patches, session)
    if not session.holds:
        return
    session.holds = False
    # What a signal handler of the user's raises in here goes on, when all is closed.
    raised: list[BaseException] = []
    steps: list[tuple[str, Callable[[], object]]] = [
        ("restoring", functools.partial(release_entry_points, session, is_last)),
        *(("closing a listener", one) for one in overridden(session.listeners, "closed")),
    ]
    for what, close in steps:
        try:
            close()
        except BaseException as own:
            if goes_on(own):
                raised.append(own)
            else:
                session.note_errors([describe_error(what, own)])
    if raised:
        raise raised[0]


def hold_entry_points(session: Session) -> None:
    """Wrap what can begin an export, once torch.onnx is there.

    Raises:
        ImportError: when torch is not installed.
    """
    try:
        import torch.onnx  # noqa: F401  # only who records needs torch
    except ImportError as error:
        raise ImportError(
            "onnxspan records exports of torch, and torch cannot be imported: "
            f"{error}. Install it (`pip install torch onnx`), then try again."
        ) from error
    entry_points.hold(patches, session)
    # Found now rather than inside the first export; dynamo's modules take a second to import,
    # so its places are looked for only when it runs.
    targets_of(Exporter.TORCHSCRIPT, c.Level.NODES)
    versions.read_versions()
    session.holds = True


def _hold_entry_points_later(session: Session) -> None:
    # torch.onnx has just been imported, perhaps long after the session was closed. What goes
    # wrong here must not break somebody's import.
    if session.is_open and not session.holds:
        try:
            hold_entry_points(session)
        except Exception as error:
            if goes_on(error):
                raise
            session.note_errors([describe_error("wrapping torch.onnx", error)])


def release_entry_points(session: Session, last: bool) -> None:
    """Give up what `hold_entry_points` wrapped; the last session restores all there is."""
    held = session.entry_points_held
    try:
        entry_points.release(patches, session)
    finally:
        dynamo_rules.forget_wrappers(held)
        # Another thread may have opened a session since, which needs its entry points.
        if last and patches.restore_everything(unless=is_any_open):
            cpu_time.unwatch_everything()
