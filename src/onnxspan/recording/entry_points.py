"""What is wrapped as long as a session is open: the calls that can begin an export.

Opening a session must not import what only an export would: torch 2.5 imports the whole dynamo
exporter, onnxscript and its warnings included, with the module of `ONNXProgram`. Rows that say so
(`when_loaded`) are wrapped once somebody else has imported that module.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from onnxspan.recording import forks, user_probes
from onnxspan.recording.patching import Patches, Target, resolve_all
from onnxspan.recording.probes import ENTRY_POINTS

if TYPE_CHECKING:
    from onnxspan.recording.session import Session

_lock = threading.RLock()
forks.renew(sys.modules[__name__], "_lock", threading.RLock)
_found: list[Target] = []
_waiting = list(ENTRY_POINTS)
_holding: list[Session] = []


def targets() -> list[Target]:
    """The entry points whose modules are there, found once each."""
    with _lock:
        ready = [one for one in _waiting if not one.when_loaded or one.when_loaded in sys.modules]
        if ready:
            _waiting[:] = [probe for probe in _waiting if probe not in ready]
            _found.extend(resolve_all(ready))
        return list(_found)


def hold(patches: Patches, session: Session) -> None:
    """Wrap them, and what of the user's own stands around an export, for one more session."""
    with _lock:
        wanted = targets()
        patches.install(wanted)
        session.entry_points_held = wanted
        _holding.append(session)
    user_probes.hold_around(patches, session, wanted)


def hold_new(patches: Patches) -> None:
    """Wrap those whose module an exporter has just imported, for every open session."""
    with _lock:
        if not _waiting:
            return
        wanted = targets()
        for session in _holding:
            new = [one for one in wanted if one not in session.entry_points_held]
            patches.install(new)
            session.entry_points_held += new


def release(patches: Patches, session: Session) -> None:
    """Give up what a session holds."""
    with _lock:
        held, session.entry_points_held = session.entry_points_held, []
        if session in _holding:
            _holding.remove(session)
    try:
        user_probes.release_around(patches, session)
    finally:
        patches.restore(held)
