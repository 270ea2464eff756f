"""The check of the built site finds what is broken, and nothing else."""

import importlib
import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "tools"


def tool(name):
    """One of the docs' tools; their folder is no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


links = tool("links")


def site(folder, page, style=""):
    """A site of two pages: this one, and one with the anchor `here`."""
    (folder / "other").mkdir()
    (folder / "other" / "index.html").write_text('<h1 id="here">Other</h1>')
    (folder / "picture.png").write_bytes(b"")
    (folder / "style.css").write_text(style)
    (folder / "index.html").write_text(page)
    return links.findings(folder)


@pytest.mark.parametrize(
    "page",
    [
        '<a href="other/">folder</a>',
        '<a href="other/index.html#here">anchor</a>',
        '<p id="a"></p><a href="#a">of its own</a>',
        '<a href="other/#span=0a1b">an address that a report reads</a>',
        '<a href="https://example.org/x#y">another host, when it is clicked</a>',
        '<a href="mailto:a@example.org">mail</a>',
        '<img src="picture.png" alt="a picture"><link rel="stylesheet" href="style.css">',
        '<link rel="canonical" href="https://example.org/">',
    ],
)
def test_what_is_well_is_not_found(tmp_path, page):
    """Links that lead somewhere and files of the site are no findings."""
    assert site(tmp_path, page) == []


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('<a href="gone/">x</a>', "no such file"),
        ('<a href="other/#gone">x</a>', "no such anchor"),
        ('<a href="#gone">x</a>', "no such anchor"),
        ('<a href="../outside.html">x</a>', "no such file"),
        ('<img src="gone.png" alt="x">', "no such file"),
        ('<img src="picture.png">', "no alternative text"),
        ('<img src="picture.png" alt=" ">', "no alternative text"),
        ('<script src="https://cdn.example.org/a.js"></script>', "another host"),
        ('<link rel="stylesheet" href="//fonts.example.org/a.css">', "another host"),
        ('<link rel="preconnect" href="https://fonts.example.org">', "another host"),
    ],
)
def test_what_is_broken_is_found(tmp_path, page, said):
    """Each kind of broken link, missing text and foreign file is one finding."""
    (found,) = site(tmp_path, page)
    assert found.startswith("index.html: ")
    assert said in found


def test_a_style_that_asks_another_host_is_found(tmp_path):
    """A font that a style sheet fetches elsewhere is a finding; one of the site is not."""
    style = "a { src: url(font.woff2) } b { src: url('https://fonts.example.org/a.woff2') }"
    (found,) = site(tmp_path, "<p>", style)
    assert found == "style.css: https://fonts.example.org/a.woff2: is on another host"


def test_an_empty_folder_is_no_good_site(tmp_path):
    """A site that was not built is not taken for one without findings."""
    assert len(links.findings(tmp_path)) == 1
