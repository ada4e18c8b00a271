"""Find words that readers stumble over: ``uv run tooling/words.py [PATH …]``.

The words, what to write instead, and the paths that lint checks are in ``words.toml``. In Python
files, comments, strings and names are read; of other text files, everything.
"""

from __future__ import annotations

import argparse
import io
import keyword
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = {"", ".html", ".j2", ".jinja", ".json", ".md", ".toml", ".yml"}
PYTHON = {".py", ".pyi"}


@dataclass(frozen=True)
class Finding:
    """One word, and where it was found."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r}: write {self.instead}"


@dataclass
class WordList:
    """The list in ``words.toml``.

    Attributes:
        checked: The paths that lint checks.
        skipped: The paths that are never read.
        instead: What to write, by regular expression.
        allowed: Exceptions: a path, and a phrase of it in which a listed word is right.
    """

    checked: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    instead: dict[str, str] = field(default_factory=dict)
    allowed: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> WordList:
        """Read a list from a TOML file."""
        return cls(**tomllib.loads(path.read_text("utf-8")))

    def find(self, path: str, text: str) -> Iterator[Finding]:
        """Yield what the list has in the text of one file."""
        for entry in self.allowed:
            if entry["path"] == path:
                text = text.replace(entry["phrase"], "x" * len(entry["phrase"]))
        lines = prose_of(text) if Path(path).suffix in PYTHON else text
        for pattern, instead in self.instead.items():
            spread = rf"\b(?:{pattern})\b".replace(" ", r"[\s#]+")  # over the end of a line, too
            for match in re.finditer(spread, lines, re.IGNORECASE):
                line = lines.count("\n", 0, match.start()) + 1
                yield Finding(path, line, " ".join(match[0].replace("#", " ").split()), instead)

    def unused(self, texts: dict[str, str]) -> list[dict[str, str]]:
        """Return the exceptions whose file was read and does not have the phrase."""
        return [
            entry
            for entry in self.allowed
            if entry["path"] in texts and entry["phrase"] not in texts[entry["path"]]
        ]


def prose_of(source: str) -> str:
    """Return Python source with everything blanked out but comments, strings and names.

    Lines and columns stay where they are. The parts of a name become words.
    """
    kept = [" " * len(line) for line in source.splitlines()]
    lines = source.splitlines()
    code = {tokenize.OP, tokenize.NUMBER, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in code or keyword.iskeyword(token.string):
            continue
        (row, column), (last, end) = token.start, token.end
        for number in range(row, min(last, len(lines)) + 1):
            first = column if number == row else 0
            stop = end if number == last else len(lines[number - 1])
            piece = lines[number - 1][first:stop]
            if token.type == tokenize.NAME:
                piece = piece.replace("_", " ")
            kept[number - 1] = kept[number - 1][:first] + piece + kept[number - 1][stop:]
    return "\n".join(kept)


def files_below(paths: Iterable[str], skipped: Iterable[str]) -> list[str]:
    """Return the text files of the repository below some paths, relative to its root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [
        path
        for path in sorted(set(listed))
        if Path(path).suffix in TEXT | PYTHON
        and Path(path).name not in {"LICENSE", "py.typed", ".gitignore"}
        and not any(path == skip or path.startswith(f"{skip}/") for skip in skipped)
        and (ROOT / path).is_file()
    ]


def main() -> None:
    """Check the paths on the command line; by default, those that ``words.toml`` names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", help="files and folders, relative to the repository")
    parser.add_argument("--count", action="store_true", help="print counts a folder, not places")
    arguments = parser.parse_args()
    words = WordList.read(Path(__file__).with_name("words.toml"))
    files = files_below(arguments.paths or words.checked, words.skipped)
    texts = {path: (ROOT / path).read_text("utf-8") for path in files}
    found = [finding for path, text in texts.items() for finding in words.find(path, text)]
    if arguments.count:
        counts = Counter("/".join(finding.path.split("/")[:2]) for finding in found)
        for folder, count in counts.most_common():
            print(f"{count:6} {folder}")
    else:
        for finding in found:
            print(finding)
        for entry in words.unused(texts):
            print(f"words.toml allows {entry['phrase']!r} in {entry['path']}: it is not there")
    if found or words.unused(texts):
        sys.exit(1)


if __name__ == "__main__":
    main()
