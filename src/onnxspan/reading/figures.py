"""Figures as people read them: three digits and a unit, nothing wider than nine columns."""

from __future__ import annotations

_STEPS = ((1e-3, 1e3, "ms"), (1.0, 1e3, "ms"), (600.0, 1.0, "s"), (7200.0, 1 / 60, "min"))
_MEBI = 1024.0**2


def duration(seconds: float) -> str:
    """Seconds as `0.42 ms`, `12.3 ms`, `2.72 s`, `12.5 min` or `2.31 h`."""
    for limit, factor, unit in _STEPS:
        if seconds < limit:
            return f"{_three(seconds * factor)} {unit}"
    return f"{_three(seconds / 3600)} h"


def share(part: float) -> str:
    """A part of 1 as `100 %`, `66.9 %`, or `<0.1 %` for what rounds to nothing."""
    percent = part * 100
    if 0 < percent < 0.05:  # noqa: PLR2004  # the least that rounds to 0.1
        return "<0.1 %"
    return f"{percent:.0f} %" if percent >= 99.95 else f"{percent:.1f} %"  # noqa: PLR2004  # as above


def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}"


def change(number: int) -> str:
    """A signed whole number; nothing for 0."""
    return f"{number:+,}" if number else ""


def size(number: float) -> str:
    """Bytes as `512 B`, `21.8 KiB`, `1.23 GiB`."""
    if number < 1024:  # noqa: PLR2004  # bytes have no decimals
        return f"{number:.0f} B"
    value = float(number)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1000:  # noqa: PLR2004  # never four digits
            return f"{_three(value)} {unit}"
    return f"{_three(value / 1024)} TiB"


def growth(number: int) -> str:
    """Memory gained or given back as `+24.2 MiB`; nothing for what rounds to 0.0 MiB."""
    if abs(number) < 0.05 * _MEBI:
        return ""
    sign = "+" if number > 0 else "-"
    mebi = abs(number) / _MEBI
    return f"{sign}{mebi:.1f} MiB" if mebi < 1000 else sign + size(abs(number))  # noqa: PLR2004  # never four digits


def _three(value: float) -> str:
    """Three significant digits, without an exponent."""
    for limit, digits in ((10, 2), (100, 1)):
        if round(value, digits) < limit:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"
