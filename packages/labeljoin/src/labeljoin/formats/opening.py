"""Which format a file has, and the table it opens as."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from labeljoin.formats.csv.table import DelimitedTable
from labeljoin.formats.json.document import JsonTable
from labeljoin.formats.jsonl.blocks import BOM
from labeljoin.formats.jsonl.table import JsonLinesTable
from labeljoin.formats.parquet.table import ParquetTable

if TYPE_CHECKING:
    from labeljoin.formats.base import Format, Table

SNIFFED_BYTES = 1 << 16
PARQUET_MAGIC = (b"PAR1", b"PARE")
JSONL_SUFFIXES = (".jsonl", ".ndjson")
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
COMPRESSED_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}

# A document of rows, as json.dump writes it: on one line, however long.
_ROWS = re.compile(rb'\{\s*"rows"\s*:\s*\[')

_TABLES: dict[Format, Callable[[Path, list[Path]], Table]] = {
    "parquet": ParquetTable,
    "jsonl": JsonLinesTable,
    "json": JsonTable,
    "csv": DelimitedTable,
}


def open_table(path: str | os.PathLike[str]) -> Table:
    """Open a feature or label table.

    The format is told from the content, and from the suffix where the content leaves a choice.

    Args:
        path: A parquet, JSONL (NDJSON), JSON (a list of objects, or ``{"rows": [...]}``) or CSV
            file, or a directory of parts of one format, read in the order of their names. Names
            that begin with ``.`` or ``_`` are no parts.

    Raises:
        InputError: The path does not exist, cannot be read, or holds no table.
    """
    path = Path(path)
    if not path.is_dir():
        return _TABLES[_format_of(path)](path, [path])
    parts = sorted(entry for entry in path.iterdir() if entry.name[0] not in "._")
    if not parts:
        raise InputError("this directory has no parts", where=str(path), fix="Name a table")
    for part in parts:
        if part.is_dir():
            raise InputError(
                f"a directory of parts holds files only, and {part.name} is a directory",
                where=str(path),
                fix="Name the directory that holds the parts themselves",
            )
    formats = {part: _format_of(part) for part in parts}
    for part in parts[1:]:
        if formats[part] != formats[parts[0]]:
            raise InputError(
                f"{parts[0].name} is {formats[parts[0]]} and {part.name} is {formats[part]}",
                where=str(path),
                fix="Keep parts of one format in a directory, and nothing else",
            )
    return _TABLES[formats[parts[0]]](path, parts)


def _format_of(path: Path) -> Format:
    try:
        with path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise InputError("there is no such file", where=str(path), fix="Check the path") from None
    except OSError as error:
        raise InputError(
            f"the file cannot be read ({error.strerror})", where=str(path), fix="Check the path"
        ) from None
    if head[:4] in PARQUET_MAGIC:
        return "parquet"
    for magic, name in COMPRESSED_MAGIC.items():
        if head.startswith(magic):
            raise InputError(
                f"this is neither parquet nor text, but compressed with {name}",
                where=str(path),
                fix="Decompress it first",
            )
    if head[:2] in UTF16_MARKS:
        raise InputError("the text is UTF-16", where=str(path), fix="Save the file as UTF-8")
    text = head.removeprefix(BOM).lstrip()
    suffix = path.suffix.lower()
    if not text:
        if size == len(head) and suffix in JSONL_SUFFIXES:
            return "jsonl"
        raise InputError("the file is empty", where=str(path), fix="Give a table with rows")
    if b"\0" in head:
        raise InputError(
            "this is neither parquet nor text",
            where=str(path),
            fix="Give a parquet, JSONL, JSON or CSV table",
        )
    return _text_format(text, suffix)


def _text_format(text: bytes, suffix: str) -> Format:
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
        return "json" if newline or _ROWS.match(text) else "jsonl"
    alone = not rest.strip()
    return "json" if alone and isinstance(first.get("rows"), list) else "jsonl"
