"""Pages in headless Chromium: what sticks out, and what axe finds."""

from __future__ import annotations

import html
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), "")

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]

_CHECK = """
axe.run(document, {runOnly: TAGS}).then(found => {
  const page = document.documentElement;
  const wide = [...document.body.querySelectorAll("*")].filter(each =>
    !each.closest(".scroll") && each.getBoundingClientRect().right > page.clientWidth + 1);
  parent.postMessage({name: NAME, errors: window.failed,
    over: page.scrollWidth - page.clientWidth,
    wide: wide.slice(-3).map(each => each.outerHTML.slice(0, 150)),
    axe: found.violations.map(v => v.id + ": " + v.nodes[0].html.slice(0, 150))}, "*");
});
"""
_COLLECT = """
const found = {};
onmessage = (event) => {
  found[event.data.name] = event.data;
  if (Object.keys(found).length === COUNT)
    document.getElementById("found").textContent = JSON.stringify(found);
};
"""


def looked_at(pages: Mapping[str, str], folder: Path, *, width: int, dark: bool) -> dict[str, Any]:
    """Open pages in one browser, and return what it found.

    Args:
        pages: HTML by name. Their content security policy is taken out, so that axe can run.
        folder: An empty folder.
        width: Width of the window in pixels.
        dark: Whether the reader prefers dark pages.

    Returns:
        By name: ``over``, the pixels by which a page is wider than the window, and ``wide``, what
        sticks out; ``errors`` of its script; and ``axe``, the violations of accessibility rules.
    """
    spec = importlib.util.find_spec("axe_core_python")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    axe = Path(spec.submodule_search_locations[0], "axe.min.js").read_text("utf-8")
    frames = []
    for name, page in pages.items():
        check = _CHECK.replace("TAGS", json.dumps(_RULES)).replace("NAME", json.dumps(name))
        watch = "<script>window.failed=[];onerror=(what)=>{window.failed.push(what)}</script>"
        opened = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', watch, page)
        opened = opened.replace("</body>", f"<script>{axe}</script><script>{check}</script></body>")
        (folder / f"{name}.html").write_text(opened, "utf-8")
        frames.append(
            f'<iframe title="{name}" src="{name}.html" style="width:{width}px;height:3000px">'
        )
        frames.append("</iframe>")
    collect = _COLLECT.replace("COUNT", str(len(pages)))
    (folder / "all.html").write_text(
        f"<pre id=found></pre><script>{collect}</script>{''.join(frames)}", "utf-8"
    )
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu"),
            *("--allow-file-access-from-files", "--virtual-time-budget=20000"),
            *(["--blink-settings=preferredColorScheme=0"] if dark else []),
            *("--dump-dom", f"file://{folder}/all.html"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    text = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert text is not None
    assert text[1], "the pages did not answer"
    found: dict[str, Any] = json.loads(html.unescape(text[1]))
    return found
