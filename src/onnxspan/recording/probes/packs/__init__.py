"""Packs: tables of rows for what people run before and after an export, one for each library.

A pack's rows are wrapped when the script itself imports the library. Its spans stand beside those
of the exports; inside an export they are silent, since the exporter's own rows are there.
"""

from __future__ import annotations

from onnxspan.recording.probe import Probe
from onnxspan.recording.probes.packs.table import PACKS

ALL = "all"


def chosen(names: tuple[str, ...]) -> tuple[str, ...]:
    """The packs of these names; `all` stands for every pack, `none` for none.

    Raises:
        ValueError: for a name that is none; the message lists the packs.
    """
    if isinstance(names, str):
        raise TypeError(f"packs is a list: [{names!r}]")
    wanted: list[str] = []
    for name in names:
        if name == ALL:
            wanted += PACKS
        elif name in PACKS:
            wanted.append(name)
        elif name != "none":
            listed = ", ".join(PACKS)
            raise ValueError(f"there is no pack {name!r}: use all, none, or some of {listed}")
    return tuple(dict.fromkeys(wanted))


def rows(names: tuple[str, ...]) -> list[Probe]:
    """The rows of these packs."""
    return [row for name in names for row in PACKS[name]]


__all__ = ["ALL", "PACKS", "chosen", "rows"]
