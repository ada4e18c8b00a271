"""The first bytes of a file, and how its format is told from them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

from labeljoin.formats.encoding import BOM

if TYPE_CHECKING:
    from pathlib import Path

SNIFFED_BYTES = 1 << 16
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
COMPRESSED_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
"""The bytes of a file that :meth:`Format.sniff` sees."""


class Certainty(IntEnum):
    """How certain a format is that a file is one of its own."""

    NO = 0
    LIKELY = 1
    """The content fits. Text formats can say no more."""
    CERTAIN = 2
    """The content carries the format's mark."""


@dataclass(frozen=True)
class Sample:
    """The first bytes of a file, for telling its format.

    Attributes:
        path: The file.
        head: Its first 65,536 bytes.
        complete: Whether ``head`` is the whole file.
    """

    path: Path
    head: bytes
    complete: bool

    @property
    def suffix(self) -> str:
        """The suffix of the file's name in lower case, with its point."""
        return self.path.suffix.lower()

    @cached_property
    def text(self) -> bytes:
        """The head without a byte-order mark and leading blanks."""
        return self.head.removeprefix(BOM).lstrip()


_ROWS_DOCUMENT = re.compile(rb'\{\s*"rows"\s*:\s*\[')
"""A document of rows, as json.dump writes it: on one line, however long."""

JSONL_SUFFIXES = (".jsonl", ".ndjson")


def text_format(sample: Sample) -> str | None:
    """Tell JSON, JSONL and CSV apart: they have no marks, so one function decides for all three.

    Returns:
        ``json``, ``jsonl`` or ``csv``; None if the file is not UTF-8 text.
    """
    text, suffix = sample.text, sample.suffix
    if (
        b"\0" in sample.head
        or sample.head[:2] in UTF16_MARKS
        or sample.head.startswith(tuple(COMPRESSED_MAGIC))
    ):
        return None
    if not text:
        return "jsonl" if sample.complete and suffix in JSONL_SUFFIXES else None
    if text[:1] == b"[" and (text[1:].lstrip()[:1] in (b"{", b"]", b"")):
        return "json"
    if text[:1] != b"{":
        return "jsonl" if suffix in JSONL_SUFFIXES else "csv"
    if suffix in JSONL_SUFFIXES:
        return "jsonl"
    line, newline, rest = text.partition(b"\n")
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        # An object over several lines, or one line that is longer than the sample.
        return "json" if newline or _ROWS_DOCUMENT.match(text) else "jsonl"
    alone = not rest.strip()
    return "json" if alone and isinstance(first.get("rows"), list) else "jsonl"
