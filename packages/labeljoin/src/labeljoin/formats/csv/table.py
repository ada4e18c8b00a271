"""CSV tables: a header and records, delimited by comma, semicolon, tab or bar."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from provenance.toolkit import InputError

from labeljoin.formats.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.csv as pacsv

DELIMITERS = ",;\t|"
SNIFFED_BYTES = 1 << 16
BATCH_ROWS = 16_384

# Arrow reads fields of any length, and Python's reader would refuse those above 131,072 characters.
# The limit is one for the process; a field is never longer than its file.
csv.field_size_limit(2**31 - 1)

# Not "nan": in a feature table that is a number, and Arrow reads it as one.
NULLS = ["", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None"]


class DelimitedTable(Table):
    """A CSV file, or a directory of them."""

    format = "csv"

    def _names(self, part: Path) -> list[str]:
        names = header(part)[1]
        if part != self.parts[0] and set(names) != set(self._names(self.parts[0])):
            # A text file of any kind would pass for a part with columns of its own.
            raise InputError(
                f"the columns are not those of {self.parts[0].name}",
                where=str(part),
                fix="Keep parts of the same columns in a directory, and nothing else",
                code="csv.part-columns",
            )
        return names

    def _rows(self, part: Path) -> int:
        return sum(1 for record in records(part) if record.fields) - 1

    def _key_values(self, part: Path, name: str) -> Iterator[pa.Array]:
        import pyarrow as pa

        position = self._names(part).index(name)
        rows = (record.fields[position] for record in records(part) if record.fields)
        next(rows)
        while batch := list(islice(rows, BATCH_ROWS)):
            yield pa.array(batch, pa.string())

    def _part_schema(self, part: Path, text: frozenset[str]) -> pa.Schema:
        return self._read(part, None, text).schema

    def _read(self, part: Path, columns: Sequence[str] | None, text: frozenset[str]) -> pa.Table:
        import pyarrow as pa
        import pyarrow.csv as pacsv

        _require_closed_quotes(part)
        try:
            table = pacsv.read_csv(part, **_options(part, columns, text))
        except pa.ArrowInvalid as error:
            raise _unreadable(part, error) from None
        return _checked(table, part)

    def _batches(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.csv as pacsv

        _require_closed_quotes(part)
        names = self._names(part) if columns is None else columns
        kinds = (
            dict.fromkeys(names, pa.string())
            if text.issuperset(names)
            else {field.name: field.type for field in self._read(part, columns, text).schema}
        )
        try:
            with pacsv.open_csv(part, **_options(part, columns, text, kinds)) as reader:
                yield from reader
        except pa.ArrowInvalid as error:
            raise _unreadable(part, error) from None


class Record(NamedTuple):
    """One record: its fields (none for a blank line), its text, and the line that it ends on."""

    fields: list[str]
    text: str
    line: int


def records(path: Path) -> Iterator[Record]:
    """The records of a CSV file, the header first, each with its text as it stands in the file.

    Raises:
        InputError: A record has more or fewer fields than the header, has a quote that nothing
            closes, or is not UTF-8 text.
    """
    delimiter, names = header(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        taken: list[str] = []
        ended = False

        def lines() -> Iterator[str]:
            nonlocal ended
            for line in file:
                taken.append(line)
                yield line
            ended = True
            yield "\n"  # a record of its own, unless a field is still open

        reader = csv.reader(lines(), delimiter=delimiter)
        try:
            for fields in reader:
                if ended:
                    if taken:
                        raise _unclosed(path, reader.line_num - len(taken))
                    return
                text = "".join(taken)
                taken.clear()
                if fields and len(fields) != len(names):
                    raise InputError(
                        f"the record has {len(fields)} fields and the header {len(names)}",
                        where=f"{path}, line {reader.line_num}",
                        fix="Fix the record, or quote the field that holds a delimiter",
                        code="csv.field-count",
                    )
                yield Record(fields, text, reader.line_num)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(
                f"this record cannot be read ({error})",
                where=f"{path}, line {reader.line_num + 1}",
                fix="Fix the record, and save the file as UTF-8",
                code="csv.bad-record",
            ) from None


def header(path: Path) -> tuple[str, list[str]]:
    """The delimiter and the column names of a CSV file, names stripped of blanks.

    The delimiter is the candidate that splits the header into the most fields, and where two do,
    the one that splits the first records into as many.

    Raises:
        InputError: The file is not UTF-8, is empty, or names a column twice.
    """
    with path.open("rb") as file:
        sample = file.read(SNIFFED_BYTES)
        whole = len(sample) < SNIFFED_BYTES
    try:
        text = sample.decode("utf-8-sig", errors="strict" if whole else "ignore")
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start} is not UTF-8 text",
            where=str(path),
            fix="Save the file as UTF-8",
            code="csv.not-utf-8",
        ) from None
    delimiter, names = max(
        ((candidate, _records(text, candidate)) for candidate in DELIMITERS),
        key=lambda found: (
            len(found[1][0]) if found[1] else 0,
            len({len(record) for record in found[1]}) == 1,
        ),
    )
    if not names:
        raise InputError(
            "the file is empty",
            where=str(path),
            fix="Give a table with a header",
            code="csv.empty",
        )
    stripped = [name.strip() for name in names[0]]
    twice = [name for name in dict.fromkeys(stripped) if stripped.count(name) > 1]
    if twice:
        raise InputError(
            f"the header names {twice[0]!r} more than once",
            where=str(path),
            fix="Rename one of the columns",
            code="csv.repeated-column",
        )
    return delimiter, stripped


def line_of(part: Path, row: int) -> int:
    """Return the line, from 1, on which record ``row`` (from 0, the header apart) begins."""
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


def _records(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    records = []
    try:
        for record in reader:
            if record:
                records.append(record)
            if len(records) == 20:
                break
        else:
            # The sample may end within a record.
            if len(records) > 2:
                records.pop()
    except csv.Error:
        pass
    return records


def _require_closed_quotes(path: Path) -> None:
    """Raise an InputError where the rest of a file is one quoted field; Arrow would take it."""
    with path.open("rb") as file:
        quotes = sum(block.count(b'"') for block in iter(lambda: file.read(1 << 20), b""))
    if quotes % 2:
        for _ in records(path):
            pass


def _unclosed(path: Path, line: int) -> InputError:
    return InputError(
        "the quote of a field that begins in this record is never closed",
        where=f"{path}, line {line}",
        fix="Close or remove the quote; the records that follow would be text of that field",
        code="csv.open-quote",
    )


def _options(
    path: Path,
    columns: Sequence[str] | None,
    text: frozenset[str],
    kinds: dict[str, pa.DataType] | None = None,
) -> dict[str, pacsv.ReadOptions | pacsv.ParseOptions | pacsv.ConvertOptions]:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    delimiter, names = header(path)
    return {
        "read_options": pacsv.ReadOptions(column_names=names, skip_rows_after_names=1),
        "parse_options": pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": pacsv.ConvertOptions(
            column_types=kinds or {name: pa.string() for name in text if name in names},
            include_columns=None if columns is None else list(columns),
            null_values=NULLS,
            strings_can_be_null=False,
        ),
    }


def _checked(table: pa.Table, path: Path) -> pa.Table:
    import pyarrow as pa

    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise InputError(
                f"the column {field.name!r} is not UTF-8 text",
                where=str(path),
                fix="Save the file as UTF-8",
                code="csv.binary-column",
            )
    return table


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0].rstrip(".")
    return InputError(
        f"this CSV file cannot be read ({reason})",
        where=str(path),
        fix="Fix the row",
        code="csv.unreadable",
    )
