"""A growth as an HTML page of the report's family: the superlinear steps, a plot, every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxspan.reading import figures
from onnxspan.reading.compare import growth_plot, growth_text, page_parts
from onnxspan.reading.compare.growth import LINEAR
from onnxspan.reading.compare.page_parts import Cell, Fact, Html, closing, panel, step, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnxspan.reading.compare.growth import Growth, GrowthRow


def page(found: Growth) -> str:
    """The page, whole."""
    flagged = found.superlinear
    parts = []
    if flagged:
        listed = _table(found, flagged, self_time=True)
        parts.append(panel("Superlinear by their own time", listed, note="longest first"))
    elif found.state != LINEAR:
        parts.append(closing(growth_text.why_unsure(found)))
    note = "both logarithmic; a dot is one export, a dashed line is linear growth"
    parts.append(panel("Time against nodes", growth_plot.plot(found), note=note))
    every = _table(found, found.rows, self_time=False)
    parts.append(panel("Every step", every, note="time with what is inside"))
    parts.append(closing(growth_text.closing(found)))
    return page_parts.page(found.model, _badges(found), _facts(found), parts)


def _badges(found: Growth) -> Iterable[tuple[str, str]]:
    yield f"growth · {found.exporter} exporter", ""
    number = len(found.superlinear)
    if number:
        yield f"✕ {number} superlinear", "bad"
    elif found.state == LINEAR:
        yield "✓ nothing superlinear", "good"
    else:
        yield "? cannot tell yet: repeat", ""


def _facts(found: Growth) -> Iterable[Fact]:
    whole = found.rows[0].total
    ends = [figures.count(size) for size in (found.sizes[0], found.sizes[-1])]
    yield Fact("Nodes", " → ".join(ends), f"{len(found.sizes)} sizes")
    times = [figures.duration(whole.fastest[place]) for place in (0, -1)]
    clock = "processor time" if whole.on_cpu else "on the wall"
    yield Fact("Time", " → ".join(times), clock)
    fit = found.rows[0].total_fit
    if fit is not None and fit.exponent is not None:
        yield Fact("Exponent", f"{fit.exponent:.2f}", f"{fit.low:.2f} to {fit.high:.2f}")
    yield Fact("Exports", str(sum(found.repeats)), growth_text.each(found))
    known = "of the repetitions" if found.repeated else "assumed"
    yield Fact("Noise", figures.share(found.noise), known)


def _table(found: Growth, rows: list[GrowthRow], *, self_time: bool) -> Html:
    header = ["step", *(f"at {figures.count(size)}" for size in found.sizes), "exponent", "0 to 4"]
    body = []
    for row in rows:
        series, fit = (row.self_time, row.self_fit) if self_time else (row.total, row.total_fit)
        seconds = dict(zip(series.sizes, series.fastest, strict=True))
        times = [
            Cell(figures.duration(seconds[size]), "", seconds[size])
            if size in seconds
            else Cell("-", "", 0.0)
            for size in found.sizes
        ]
        said = "superlinear by what is inside" if row.inherits and not self_time else ""
        exponent = fit.exponent if fit is not None and fit.exponent is not None else 0.0
        drawn = growth_plot.interval(fit, flagged=row.flagged)
        cells = (Cell(growth_text.exponent(fit), "", exponent), Cell(drawn, "", exponent))
        body.append([step(row.path, row.name, said), *times, *cells])
    marked = [index for index, row in enumerate(rows) if row.flagged]
    return table(header, body, flagged=marked, find="" if self_time else "steps")
