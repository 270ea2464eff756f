"""The pages' colours can be told from what is behind them, in light and dark."""

import re

import pytest

from onnxspan.reading.pages import asset

BARS = ("stages", "passes", "nodes", "other", "bad", "warn", "hot", "warm", "cool")
TEXTS = ("text", "quiet", "bad", "warn", "good", "accent")
BEHIND = ("panel", "page", "soft", "accent-soft")


def palettes():
    """The colours of each theme by name."""
    light, dark = re.findall(r":root[^{]*\{(.*?)\}", asset("base.css"), re.DOTALL)[:2]
    colors = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in (light, dark)]
    return {"light": colors[0], "dark": {**colors[0], **colors[1]}}


def luminance(color):
    """The relative luminance that WCAG defines."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """The contrast of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("names", "least"), [(BARS, 3), (TEXTS, 4.5)])
def test_colours_can_be_told_from_what_is_behind_them(theme, names, least):
    """Bars have a contrast of 3 at least, text one of 4.5, also in the selected row."""
    colors = palettes()[theme]
    weak = {
        (name, behind): round(contrast(colors[name], colors[behind]), 2)
        for name in names
        for behind in BEHIND
        if contrast(colors[name], colors[behind]) < least
    }
    assert weak == {}
