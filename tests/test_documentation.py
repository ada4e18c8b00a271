"""Run every code block of the docs and the READMEs, in order, page by page.

``bash`` and ``python`` blocks are run in a folder that holds the sample tables; a block with a
``title`` is written to the file of that name first. ``text`` blocks are shown, not run; one that
follows a ``bash`` block with nothing between them is its output, and has to be in it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt
from workspace import ROOT, command_environment

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("packages/*/README.md")),
]
RUN = {"bash", "python"}
SHOWN = {"text", "toml", "json", "csv", "yaml"}

# The Python blocks of one page share their variables, as in a reader's session.
DRIVER = r"""
import json, os, subprocess, sys
names = {"__name__": "__main__"}
for block in json.load(open(sys.argv[1], encoding="utf-8")):
    print(f"--- line {block['line']}", flush=True)
    if block["title"]:
        with open(block["title"], "w", encoding="utf-8") as file:
            file.write(block["text"])
    elif block["language"] == "python":
        exec(compile(block["text"], f"line {block['line']}", "exec"), names)
        sys.stdout.flush()
    else:
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block["text"]], check=True, stdin=subprocess.DEVNULL
        )
"""


class Block(NamedTuple):
    """A code block; ``output`` is the part of its output that the page shows."""

    language: str
    title: str | None
    text: str
    line: int
    output: str | None


def blocks_of(page: Path) -> Iterator[Block]:
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type in {"fence", "code_block"}:
            language, _, rest = token.info.strip().partition(" ")
            title = re.search(r'title="([^"]+)"', rest)
            line = (token.map or [0])[0] + 1
            shown = following is not None and following.type == "fence" and following.info == "text"
            output = following.content if shown and following and language == "bash" else None
            yield Block(language, title and title[1], token.content, line, output)


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks_of(page) if block.title or block.language in RUN]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_have_a_language(page: Path) -> None:
    """Blocks without a language, such as indented ones, would not be run."""
    unknown = [
        f"line {block.line}: {block.language or 'no language'}"
        for block in blocks_of(page)
        if block.language not in RUN | SHOWN
    ]
    assert unknown == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if runnable(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_blocks_run(page: Path, workplace: Path) -> None:
    blocks = [block._asdict() for block in runnable(page)]
    listing = workplace / ".blocks.json"
    listing.write_text(json.dumps(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, listing.name],
        cwd=workplace,
        env={**command_environment(), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{page.relative_to(ROOT)}\n{done.stdout}"
    printed = re.split(r"(?m)^--- line (\d+)\n", done.stdout)
    for line, output in zip(printed[1::2], printed[2::2], strict=True):
        shown = next(block.output for block in runnable(page) if block.line == int(line))
        for passage in re.split(r"(?m)^\.\.\.$", shown or ""):  # dots stand for omitted lines
            assert plain(passage) in plain(output)


def plain(text: str) -> str:
    """Return text without the differences that are allowed: blanks, digests and versions."""
    text = re.sub(r"\b\d+\.\d+\.\d+\b", "VERSION", text)
    return " ".join(re.sub(r"\b[0-9a-f]{16,}\b", "DIGEST", text).split())
