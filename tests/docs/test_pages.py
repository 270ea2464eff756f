"""The pages are complete: every public name, every subcommand, and each page in the site."""

import pathlib
import re

import onnxspan
from onnxspan.cli import main

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"
NAV = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
GENERATED = {"contributing.md", "reference/atlas/index.md"}


def test_the_api_page_has_every_public_name():
    """What `__all__` offers is on the Python page, under one of its own names."""
    page = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    shown = {place.rpartition(".")[2] for place in re.findall(r"(?m)^::: ([\w.]+)$", page)}
    assert {name for name in onnxspan.__all__ if not name.startswith("__")} <= shown


def test_the_command_page_has_every_subcommand():
    """Each subcommand has a heading, and its own help below it (which another test runs)."""
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    for name in main.commands:
        assert f"\n## {name}\n\n```console\n$ onnxspan {name} --help\n" in page


def test_every_page_is_in_the_navigation_once():
    """No page is out of reach, and the navigation names none that is not there."""
    written = {
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if "atlas" not in path.parts and "tools" not in path.parts
    }
    listed = re.findall(r": ([\w/.-]+\.md)$", NAV, re.MULTILINE)
    assert sorted(listed) == sorted(written | GENERATED)


def test_each_kind_of_page_is_in_its_part_of_the_navigation():
    """Tutorials, how-to pages, explanations and references are not mixed."""
    parts = re.findall(r"(?m)^  - ([\w-]+):\n((?:      .*\n)+)", NAV)
    assert [title for title, _ in parts] == ["Tutorials", "How-to", "Explanation", "Reference"]
    for title, part in parts:
        folders = {path.partition("/")[0] for path in re.findall(r": ([\w/.-]+\.md)", part)}
        assert folders == {title.lower()}
