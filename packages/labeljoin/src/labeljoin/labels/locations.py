"""Where a row stands in its file, as a person who opens the file counts."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING

from labeljoin.formats.csv.table import header
from labeljoin.formats.jsonl.table import lines
from labeljoin.formats.opening import open_table

if TYPE_CHECKING:
    from pathlib import Path

    from labeljoin.formats.base import Table


def locate(table: Table, row: int) -> str:
    """Say where row ``row`` (from 0) of a table on disk stands.

    Text files are counted in lines of the file, header, blank lines and line breaks inside quotes
    included; other formats in rows from 1. For a directory the part is named too.

    Args:
        table: An open table.
        row: Position in reading order.
    """
    if len(table.parts) == 1:
        return _in_part(table.parts[0], table.format, row)
    for part in table.parts:
        rows = open_table(part).row_count()
        if row < rows:
            return f"part {part.name}, {_in_part(part, table.format, row)}"
        row -= rows
    raise IndexError(row)


def _in_part(part: Path, kind: str, row: int) -> str:
    if kind == "csv":
        return f"line {_csv_line(part, row)}"
    if kind == "jsonl":
        return f"line {next(islice(lines(part), row, None))[0]}"
    return f"row {row + 1}"


def _csv_line(part: Path, row: int) -> int:
    delimiter, _ = header(part)
    with part.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        seen = -1  # the header
        begins = 1
        for record in reader:
            if record:
                if seen == row:
                    break
                seen += 1
            begins = reader.line_num + 1
        return begins
