"""The word list finds its words in everything that people read, and only there."""

from __future__ import annotations

import pytest
from words import WordList

WORDS = WordList(instead={"mend(s|ed)?": "fix", "unless given": "by default"})


def found_in(path: str, text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.word) for finding in WORDS.find(path, text)]


@pytest.mark.parametrize(
    "source",
    [
        "# Mend it.\n",
        '"""Mended rows."""\n',
        'raise ValueError("mend it")\n',
        'print(f"{row}: mend it")\n',
        "def mend_row(row): ...\n",
    ],
)
def test_comments_strings_and_names_are_read(source: str) -> None:
    ((line, word),) = found_in("module.py", f"import re\n{source}")
    assert (line, word.lower()[:4]) == (2, "mend")


def test_a_phrase_may_continue_on_the_next_line() -> None:
    assert found_in("module.py", "# All rows, unless\n# given.\n") == [(1, "unless given")]
    assert found_in("page.md", "All rows, unless\ngiven.\n") == [(1, "unless given")]


def test_other_words_and_operators_are_left_alone() -> None:
    assert found_in("module.py", "amended = 'recommended' if not None else 1\n") == []


def test_an_exception_names_its_file_and_its_phrase() -> None:
    entry = {"path": "page.md", "phrase": "Mend, the town", "reason": "a name"}
    words = WordList(instead=WORDS.instead, allowed=[entry])
    texts = {"page.md": "Mend, the town. Mend it.", "other.md": "Mend, the town."}
    lines = {path: [f.word for f in words.find(path, text)] for path, text in texts.items()}
    assert lines == {"page.md": ["Mend"], "other.md": ["Mend"]}
    assert words.unused(texts) == []
    assert words.unused({"page.md": "No longer here."}) == [entry]
