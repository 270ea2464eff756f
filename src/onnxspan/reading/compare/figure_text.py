"""How the quantities of a comparison are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan.reading import figures

if TYPE_CHECKING:
    from onnxspan.reading.compare.diff import Figure
    from onnxspan.reading.compare.noise import Measured

WIDTH = 80
"""How many columns a table of a comparison takes where the terminal has them."""

MISSING = {
    (False, True): "only before",
    (True, False): "only after",
    (True, True): "-",
}
"""What is said of a quantity, by whether it is missing before and after."""


def spread(side: Measured | None, show: str = "duration") -> str:
    """A median with its range, as `60.4 ms ±4%`."""
    if side is None:
        return "-"
    text = middle(side, show)
    if side.repeated and side.spread and side.median:
        text += f" ±{50 * side.spread / abs(side.median):.0f}%"
    return text


def middle(side: Measured | None, show: str = "duration") -> str:
    """A median alone."""
    return _value(side.median, show) if side is not None else "-"


def change(figure: Figure, show: str) -> str:
    """As `1.21x`, or `+6` of a count; or that there is none."""
    if show == "count" and figure.differs:
        return figures.change(round(figure.change))
    return ratio(figure)


def ratio(figure: Figure) -> str:
    """As `1.21x`, or what there is to say without one."""
    if figure.before is None or figure.after is None:
        return MISSING[figure.before is None, figure.after is None]
    if figure.failed:
        return "failed"
    if not figure.differs:
        return "same" if figure.before == figure.after else "noise"
    return f"{figure.ratio:.2f}x" if figure.ratio is not None else ""


def _value(value: float, show: str) -> str:
    if show == "duration":
        return figures.duration(value)
    if show == "size":
        return ("-" if value < 0 else "") + figures.size(abs(value))
    return figures.count(round(value))
