"""Where the rows of packs are wrapped: as the script imports a library, and never before."""

from __future__ import annotations

import dataclasses
import functools
import sys
import threading
from typing import TYPE_CHECKING, Any

from onnxspan.recording import forks
from onnxspan.recording.faults import describe_error, goes_on
from onnxspan.recording.patching import Patches, Target, resolve

if TYPE_CHECKING:
    from onnxspan.recording.probe import Probe
    from onnxspan.recording.session import Session

_lock = threading.RLock()
forks.renew(sys.modules[__name__], "_lock", threading.RLock)
_holding: list[Session] = []
_watched: set[str] = set()
_found: dict[str, Target] = {}
"""The target of each row, by its name: the same one each time, since patches are counted by it."""


def hold(patches: Patches, session: Session) -> None:
    """Wrap the rows of a session's packs whose modules are there, and the others as they come."""
    with _lock:
        if not session.packs:
            return
        _holding.append(session)
    for probe in session.packs:
        for place in probe.places:
            module = place.partition(":")[0]
            if module in sys.modules:
                _install(patches, session, probe, place)
            elif module not in _watched:
                import wrapt  # only who waits for an import needs it

                _watched.add(module)
                wrapt.register_post_import_hook(functools.partial(_imported, patches), module)


def release(patches: Patches, session: Session) -> None:
    """Give up what a session's packs hold."""
    with _lock:
        if session in _holding:
            _holding.remove(session)
        held, session.packs_held = session.packs_held, []
    patches.restore(held)


def _imported(patches: Patches, module: Any) -> None:
    """A module was imported: wrap its rows for every session that wants them."""
    for session in tuple(_holding):  # another thread may close one
        for probe in session.packs:
            for place in probe.places:
                if place.partition(":")[0] == module.__name__:
                    try:
                        _install(patches, session, probe, place)
                    except Exception as error:  # it must not break somebody's import
                        if goes_on(error):
                            raise
                        session.note_errors([describe_error(f"wrapping {probe.name}", error)])


def _install(patches: Patches, session: Session, probe: Probe, place: str) -> None:
    with _lock:
        target = _found.get(probe.name)
        if target is None:
            listed = resolve(dataclasses.replace(probe, places=(place,)))
            if not listed:
                return
            # To look at a place may import a module with another place of the row, wrapped by then.
            target = _found.setdefault(probe.name, dataclasses.replace(listed[0], probe=probe))
        if not any(target is held for held in session.packs_held):
            patches.install([target])
            session.packs_held.append(target)
