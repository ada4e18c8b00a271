"""Add fields to the records of a CSV file, leaving the text of the others as it is."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from labeljoin.formats.csv.table import BATCH_ROWS, Record, header, records
from labeljoin.formats.rewriting import Rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from labeljoin.formats.base import Attachment

_LINE_BREAK = re.compile(r"\r\n|\n|\r|$")


class CsvRewrite(Rewrite):
    """Writes a CSV file with the new fields at the end of every record.

    Quoting, blanks and line breaks of the file stay. New text is quoted if it must be, or if the
    header is quoted. Null is an empty field.
    """

    engine = "csv-rewrite"

    def __init__(self, task: Attachment) -> None:
        super().__init__(task)
        self._delimiter, self._names = header(task.source)
        self._key = self._names.index(task.key)
        self._left_out = {number for number, name in enumerate(self._names) if name in task.replace}
        mark = re.escape(self._delimiter)
        self._field = re.compile(f'"(?:[^"]|"")*"[^{mark}]*|[^{mark}]*', re.DOTALL)
        self._quoted = False

    def pieces(self) -> Iterator[str]:
        """Yield the text of the new file, record by record."""
        found = records(self._task.source)
        for record in found:  # blank lines may stand before the header
            if record.fields:
                self._quoted = record.text.startswith('"')
                yield self._extended(
                    record, map(self._text, self._task.columns_for_keys.schema.names)
                )
                break
            yield record.text
        while batch := list(islice(found, BATCH_ROWS)):
            yield from self._rows(batch)

    def _rows(self, batch: list[Record]) -> Iterator[str]:
        import pyarrow as pa

        rows = [record for record in batch if record.fields]
        values = pa.array([record.fields[self._key] for record in rows], pa.string())
        additions = iter(self._additions(self._task.columns_for_keys(values)))
        kept = iter(self.kept(values))
        self.rows_in += len(rows)
        for record in batch:
            if not record.fields:
                yield record.text
                continue
            addition = next(additions)
            if next(kept):
                self.rows_out += 1
                yield self._extended(record, addition)

    def _additions(self, batch: pa.RecordBatch) -> list[tuple[str, ...]]:
        columns = [[self._text(value) for value in column.to_pylist()] for column in batch.columns]
        return list(zip(*columns, strict=True)) if columns else [()] * batch.num_rows

    def _extended(self, record: Record, addition: Any) -> str:
        end = _LINE_BREAK.search(record.text, len(record.text.rstrip("\r\n")))
        assert end is not None
        text = record.text[: end.start()]
        if self._left_out:
            fields = self._fields(text)
            text = self._delimiter.join(
                field for number, field in enumerate(fields) if number not in self._left_out
            )
            if len(self._left_out) == len(fields):
                return self._delimiter.join(addition) + record.text[end.start() :]
        return self._delimiter.join((text, *addition)) + record.text[end.start() :]

    def _fields(self, text: str) -> list[str]:
        """The fields of a record as they stand in its text."""
        fields = []
        position = 0
        while position <= len(text):
            match = self._field.match(text, position)
            assert match is not None
            fields.append(match.group())
            position = match.end() + 1
        return fields

    def _text(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            return str(value)
        special = any(mark in value for mark in (self._delimiter, '"', "\n", "\r"))
        if special or self._quoted or value != value.strip():
            escaped = value.replace('"', '""')
            return f'"{escaped}"'
        return value
