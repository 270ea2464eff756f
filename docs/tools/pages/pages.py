"""Run the pages: their fences must work, and print what the pages show.

Usage: python docs/tools/pages/pages.py [--check] [PAGE...]

Without `--check` the shown outputs that are no longer true are written anew, and translations
take over their original's fences. PAGE is a path; without any, all pages are run.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from itertools import zip_longest
from pathlib import Path

import fences
import masks
import playing

ROOT = Path(__file__).parents[3]
TUTORIALS = ROOT / "docs" / "tutorials"


@dataclasses.dataclass
class Finding:
    """Something on a page that is not so."""

    line: int
    text: str
    outdated: bool = False


def pages() -> list[Path]:
    """Every page whose fences are run, translations not among them."""
    return [
        *sorted(TUTORIALS.glob("*.md")),
        *sorted((ROOT / "docs" / "how-to").glob("*.md")),
        ROOT / "docs" / "reference" / "cli.md",
        ROOT / "docs" / "index.md",
        ROOT / "README.md",
    ]


def translations(page: Path) -> list[Path]:
    """The same page in other languages."""
    return sorted(TUTORIALS.glob(f"*/{page.name}")) if page.parent == TUTORIALS else []


def check(page: str) -> tuple[list[Finding], str]:
    """Run a page.

    Returns:
        What is not so, and the page with its outputs as they were now.
    """
    steps = fences.steps(page)
    outcomes = playing.play(steps)
    found = []
    for step, outcome in zip(steps, outcomes, strict=False):
        if outcome.problem:
            text = f"{outcome.problem.rstrip()}\n{outcome.printed}"
            found.append(Finding(step.line, text))
        elif step.output and not step.not_run:
            how = step.output.how
            if not masks.same(step.output.text, outcome.printed, how):
                made = masks.part(outcome.printed, how)
                found.append(Finding(step.line, f"it prints:\n{made}", outdated=True))
    return found, _renewed(page, steps, outcomes)


def _renewed(page: str, steps: list[fences.Step], outcomes: list[playing.Outcome]) -> str:
    for step, outcome in reversed(list(zip(steps, outcomes, strict=False))):
        output = step.output
        if output is None or step.not_run or outcome.problem:
            continue
        if not masks.same(output.text, outcome.printed, output.how):
            made = masks.part(outcome.printed, output.how)
            page = page[: output.start] + made + page[output.end :]
    return page


def translated(page: str, translation: str) -> str:
    """The translation with the fences of the page.

    Raises:
        PageError: when its headings and fences do not follow each other as there.
    """
    outlines = zip_longest(fences.outline(translation), fences.outline(page))
    for number, (there, here) in enumerate(outlines, 1):
        if there != here:
            raise fences.PageError(f"other than its original from heading or fence {number} on")
    theirs, ours = fences.spans(translation), fences.spans(page)
    for (start, end), (first, last) in zip(reversed(theirs), reversed(ours), strict=True):
        translation = translation[:start] + page[first:last] + translation[end:]
    return translation


def main() -> int:
    """Run what is asked for; 1 when something is not so."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("pages", nargs="*", type=Path)
    asked = parser.parse_args()
    status = 0
    for path in [path.resolve() for path in asked.pages] or pages():
        text = path.read_text(encoding="utf-8")
        found, renewed = check(text)
        if not asked.check and renewed != text:
            path.write_text(renewed, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: outputs written anew")
            found = [finding for finding in found if not finding.outdated]
        for finding in found:
            print(f"{path.relative_to(ROOT)}:{finding.line}: {finding.text}", file=sys.stderr)
            status = 1
        for other in translations(path):
            if not _is_translated(path, other, write=not asked.check):
                status = 1
    return status


def _is_translated(path: Path, other: Path, *, write: bool) -> bool:
    text = other.read_text(encoding="utf-8")
    try:
        renewed = translated(path.read_text(encoding="utf-8"), text)
    except fences.PageError as error:
        print(f"{other.relative_to(ROOT)}: {error}", file=sys.stderr)
        return False
    if renewed != text and not write:
        print(f"{other.relative_to(ROOT)}: its fences are not the original's", file=sys.stderr)
        return False
    if renewed != text:
        other.write_text(renewed, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
