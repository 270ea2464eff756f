"""Check the built site: links and anchors lead somewhere, images are there and have a text.

And nothing is asked of another host when a page is opened: no script, style, font or picture.

Usage: python docs/tools/links.py [FOLDER], which is site/ unless said otherwise
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).resolve().parents[2] / "site"
LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src"}
"""Elements whose file the browser asks for, and the attribute that names it."""
LOADING = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest"}
"""What a <link> must be for the browser to ask for its file."""
ELSEWHERE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")
NOT_FOUND = "404.html"
"""Is shown under any address, and so has links from the host's root."""


class Page(HTMLParser):
    """What one page links to, loads, and can be linked to at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.without_text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element links to or loads."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and LOADING & set(given.get("rel", "").split()):
            self.loads.append(given.get("href", ""))
        elif given.get(LOADED.get(tag, "")):
            self.loads.append(given[LOADED[tag]])
        if tag == "img" and not given.get("alt", "").strip():
            self.without_text.append(given.get("src", ""))


def findings(site: Path) -> list[str]:
    """Everything that is not so, with the page it is on."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site} has no page: run `zensical build` first"]
    for path, page in pages.items():
        name = path.relative_to(site)
        for link in page.links:
            said = _broken(link, path, site, pages)
            found += [f"{name}: {link}: {said}"] if said else []
        for file in page.loads:
            said = _elsewhere(file) or _broken(file, path, site, pages)
            found += [f"{name}: {file}: {said}"] if said else []
        found += [f"{name}: {image}: it has no alternative text" for image in page.without_text]
    for style in sorted(site.rglob("*.css")):
        asked = ELSEWHERE.findall(style.read_text(encoding="utf-8"))
        found += [f"{style.relative_to(site)}: {url}: is on another host" for url in asked]
    return found


def _elsewhere(url: str) -> str:
    return "is on another host" if urlsplit(url).netloc else ""


def _broken(link: str, path: Path, site: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    if path.name == NOT_FOUND and parts.path.startswith("/"):
        target = site / unquote(parts.path).lstrip("/")
    else:
        target = path.parent / unquote(parts.path) if parts.path else path
    target = target.resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site.resolve()) or not target.is_file():
        return "there is no such file"
    linked = pages.get(site / target.relative_to(site.resolve()))
    anchor = unquote(parts.fragment)
    is_address = "=" in anchor  # of a report: its script reads `#span=...`
    if anchor and not is_address and linked is not None and anchor not in linked.anchors:
        return "the page has no such anchor"
    return ""


def main() -> int:
    """Print what is not so; 1 when there is anything."""
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else SITE
    found = findings(site)
    print("\n".join(found) or f"{site}: every link leads somewhere", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
