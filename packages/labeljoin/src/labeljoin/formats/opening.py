"""Open a table: find the format of a file, or of all parts of a directory."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError

from labeljoin.formats.frames import FrameTable, arrow_table
from labeljoin.formats.registry import format_named, recognise
from labeljoin.formats.sample import COMPRESSED_MAGIC, SNIFFED_BYTES, UTF16_MARKS

if TYPE_CHECKING:
    from pathlib import Path

    from labeljoin.formats.base import Format
    from labeljoin.formats.frames import Frame
    from labeljoin.formats.table import Table


def open_table(path: str | os.PathLike[str] | Frame, *, name: str = "data frame") -> Table:
    r"""Open a feature or label table.

    The format is told from the content, and from the suffix if the content leaves a choice.

    Args:
        path: A path, or a URL (``s3://``, ``file://``). A parquet, Arrow IPC (Feather), JSONL
            (NDJSON), JSON (a list of objects, or ``{"rows": [...]}``) or CSV file, or a file of a
            format that another package adds; or a directory of parts of one format, read in the
            order of their names. Files whose names begin with ``.`` or ``_`` are skipped. Or a data
            frame: anything with the Arrow PyCapsule interface.
        name: What errors and records call a data frame.

    Raises:
        InputError: The path does not exist, cannot be read, or is not a table.

    Examples:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "labels.csv")
        ...     _ = path.write_text("clip,mos\na.mp4,3.5\n")
        ...     table = open_table(path)
        ...     print(table.format, table.column_names, table.row_count())
        csv ['clip', 'mos'] 1
    """
    if not isinstance(path, str | os.PathLike):
        return FrameTable(arrow_table(path, "the rows"), name)
    path = as_path(path)
    if not path.is_dir():
        found = _format_of(path)
        path = _readable(path, found)
        return found.open(path, [path])
    parts = sorted(entry for entry in path.iterdir() if entry.name[0] not in "._")
    if not parts:
        raise InputError(
            "this directory has no parts",
            where=str(path),
            fix="Name a table",
            code="tables.empty-directory",
        )
    for part in parts:
        if part.is_dir():
            raise InputError(
                f"a directory of parts holds files only, and {part.name} is a directory",
                where=str(path),
                fix="Name the directory that holds the parts themselves",
                code="tables.nested-directory",
            )
    formats = {part: _format_of(part) for part in parts}
    first = formats[parts[0]]
    for part in parts[1:]:
        if formats[part] is not first:
            raise InputError(
                f"{parts[0].name} is {first.name} and {part.name} is {formats[part].name}",
                where=str(path),
                fix="Keep parts of one format in a directory, and nothing else",
                code="tables.mixed-formats",
            )
    return first.open(path, [_readable(part, first) for part in parts])


def locate(table: Table, row: int) -> str:
    r"""Return where row ``row`` (from 0) of a table on disk is.

    Text files are counted in lines of the file, including the header, blank lines and line breaks
    inside quotes; other formats in rows from 1. For a directory the part is named too.

    Args:
        table: An open table.
        row: Position in reading order.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("f.csv").write_text("clip\na\nb\n")
        >>> locate(open_table("f.csv"), 1)
        'line 3'
    """
    table_format = format_named(table.format)
    if len(table.parts) == 1:
        return table_format.locate(table.parts[0], row)
    for part in table.parts:
        rows = table.part_row_count(part)
        if row < rows:
            return f"part {part.name}, {table_format.locate(part, row)}"
        row -= rows
    raise IndexError(row)


def _readable(path: Path, table_format: Format) -> Path:
    """Return what the format reads: an object itself, or the local copy of it."""
    if isinstance(path, ObjectPath) and not table_format.reads_ranges:
        return path.fetch_all()
    return path


def _require_data(path: Path) -> None:
    """Raise an InputError where reading would never end."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # opening it says why
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise InputError(
            "this is a pipe, a socket or a device, and no file",
            where=str(path),
            fix="Write the table to a file first",
            code="tables.no-file",
        )


def _format_of(path: Path) -> Format:
    _require_data(path)
    try:
        with path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
        size = path.stat().st_size
    except FileNotFoundError:
        raise InputError(
            "there is no such file", where=str(path), fix="Check the path", code="tables.not-found"
        ) from None
    except OSError as error:
        raise InputError(
            f"the file cannot be read ({error.strerror})",
            where=str(path),
            fix="Check the path",
            code="tables.unreadable",
        ) from None
    found = recognise(path, head, complete=size == len(head))
    if found is not None:
        return found
    for magic, name in COMPRESSED_MAGIC.items():
        if head.startswith(magic):
            raise InputError(
                f"this is not a table, but a file compressed with {name}",
                where=str(path),
                fix="Decompress it first",
                code="tables.compressed",
            )
    if head[:2] in UTF16_MARKS:
        raise InputError(
            "the text is UTF-16",
            where=str(path),
            fix="Save the file as UTF-8",
            code="tables.utf-16",
        )
    if b"\0" in head:
        raise InputError(
            "this is neither parquet nor text, nor any other format that moskit knows",
            where=str(path),
            fix="Give a parquet, Arrow, JSONL, JSON or CSV table",
            code="tables.unknown-format",
        )
    raise InputError(
        "the file is empty",
        where=str(path),
        fix="Give a table with rows",
        code="tables.empty-file",
    )
