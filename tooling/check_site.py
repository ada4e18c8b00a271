"""Check a built site as a reader opens it from disk: links, anchors, and the search."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), "")

_ASK = """<pre id=o></pre>
<iframe id=f src="{site}/index.html" style="width:1400px;height:900px"></iframe>
<script>f.onload = () => {{
  const page = f.contentDocument, input = page.querySelector(".md-search__input");
  input.focus();
  input.value = "splice";
  input.dispatchEvent(new Event("input", {{bubbles: true}}));
  input.dispatchEvent(new Event("keyup", {{bubbles: true}}));
  const count = () => page.querySelectorAll(".md-search-result__link").length;
  setTimeout(() => {{ o.textContent = "FOUND " + count(); }}, 6000);
}}</script>
"""


class _Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what an element links to, and what it can be linked by."""
        for name, value in attrs:
            if name in ("href", "src") and value and tag != "base":
                self.links.add(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """Yield the links of a site that lead nowhere.

    Args:
        site: The folder of the built site.
    """
    pages = {path: _Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        if path.name == "404.html":  # a server shows it at any place; its links are absolute
            continue
        for link in sorted(page.links):
            place, _, anchor = unquote(link).partition("#")
            place = place.partition("?")[0]
            if re.match(r"[a-z][a-z0-9+.-]*:|//", place):
                continue
            target = (path.parent / place).resolve() if place else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{path.relative_to(site)}: {link} does not exist"
            elif anchor and target in pages and not _has(pages[target], anchor):
                yield f"{path.relative_to(site)}: {link} has no such anchor"


def _has(page: _Page, anchor: str) -> bool:
    return anchor in page.anchors or anchor.startswith("__")


def hits_from_disk(site: Path) -> int:
    """Return how many results a search for "splice" has in the site, opened without a server.

    Args:
        site: The folder of the built site.
    """
    with tempfile.TemporaryDirectory() as folder:
        asking = Path(folder, "ask.html")
        asking.write_text(_ASK.format(site=site.resolve().as_uri()), "utf-8")
        done = subprocess.run(
            [
                *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *("--allow-file-access-from-files", "--virtual-time-budget=15000"),
                asking.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    found = re.search(r"FOUND (\d+)<", done.stdout)
    return int(found[1]) if found else 0


def main() -> None:
    """Check the site in the folder that the command line names."""
    site = Path(sys.argv[1]).resolve()
    problems = list(broken_links(site))
    if BROWSER and not hits_from_disk(site):
        problems.append("the search finds nothing in a site that is opened from disk")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
