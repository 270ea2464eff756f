"""Where the probes that users add are wrapped: most as an export begins, not before.

A script's own modules can be imported only once it runs, so a place that is not there is known
only then. It is said once for each recording, and the export goes on without that span.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

from onnxspan.recording import forks
from onnxspan.recording.patching import Patches, Target, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnxspan.recording.call import Call, Export
    from onnxspan.recording.probe import Probe
    from onnxspan.recording.session import Session

_logger = logging.getLogger("onnxspan")
_lock = threading.Lock()
forks.renew(sys.modules[__name__], "_lock", threading.Lock)
_latest: dict[tuple[int, str], Target] = {}


def hold_around(patches: Patches, session: Session, ours: Sequence[Target]) -> None:
    """Wrap what can stand around an export, as long as a session is open."""
    with _lock:
        for probe in session.probes:
            if probe.root:
                for target in _usable(patches, session, probe, ours):
                    patches.install([target])
                    session.user_held.append(target)


def release_around(patches: Patches, session: Session) -> None:
    """Give up what `hold_around` wrapped."""
    held, session.user_held = session.user_held, []
    patches.restore(held)


def hold_inside(patches: Patches, export: Export, ours: Sequence[Target]) -> None:
    """Wrap what the receivers of an export add, for its level."""
    with _lock:
        for session in export.receivers:
            for probe in session.probes:
                if not probe.root and probe.wrapped_at <= export.level:
                    for target in _usable(patches, session, probe, ours):
                        if not any(target is held for held in export.user_held):
                            patches.install([target])
                            export.user_held.append(target)


def suspend(patches: Patches, call: Call) -> None:
    """Take them off while the model runs.

    Both exporters look at the frames that call the model's operators: one wrapper more, and an
    input has another name in the file.
    """
    if call.export.suspended_for is None:
        call.export.suspended_for = call
        patches.restore(call.export.user_held)


def step_back(patches: Patches, export: Export) -> None:
    """Put them on again."""
    export.suspended_for = None
    patches.install(export.user_held)


def _usable(
    patches: Patches, session: Session, probe: Probe, ours: Sequence[Target]
) -> Iterator[Target]:
    """The targets of a row; of a place that is wrapped already, the one that wraps it.

    Two wrappers at one place would not come off in the right order, and give two spans.
    """
    listed = session.user_targets.get(probe)
    if not listed:  # the same targets each time: patches are counted by them
        listed = session.user_targets[probe] = resolve(probe)
    if not listed:
        _describe(
            session, probe, "is not there: no such module can be imported, or it has no such name"
        )
    taken = {_place(target) for target in ours}
    for target in listed:
        place = _place(target)
        if place in taken:
            _describe(session, probe, "has a span already; use a hook to see more of it")
            continue
        latest = _latest.get(place)
        if latest is None or not patches.is_installed(latest):
            latest = _latest[place] = target
        yield latest


def _place(target: Target) -> tuple[int, str]:
    return id(target.holder), target.attribute


def _describe(session: Session, probe: Probe, what: str) -> None:
    line = f"probe {probe.name}: {' or '.join(probe.places)} {what}"
    if line not in session.said:
        session.said.add(line)
        session.note_errors([line])
        _logger.warning("onnxspan: %s", line)
