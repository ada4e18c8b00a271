"""Tables whose rows are JSON objects: what JSON and JSONL tables share."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError

from labeljoin.formats.encoding import is_unicode
from labeljoin.formats.json import inference
from labeljoin.formats.table import Table

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

BATCH_ROWS = 16_384

Row = dict[str, Any]


class JsonRowTable(Table):
    """What JSONL and JSON tables share: rows that are objects."""

    names_in_rows = True

    def _part_rows(self, part: Path, text: frozenset[str]) -> Generator[Row]:
        raise NotImplementedError

    @cached_property
    def leading_names(self) -> list[str]:
        """The members of the first 16,384 rows."""
        rows = (row for part in self.parts for row in self._part_rows(part, frozenset()))
        names: Row = {}
        for row in islice(rows, BATCH_ROWS):
            names |= row
        return list(names)

    def require(self, columns: Sequence[str] | None) -> None:
        """Raise an InputError unless some row has each of ``columns``; stops when all were met."""
        missing = set(columns or ())
        rows = 0
        for part in self.parts:
            for row in self._part_rows(part, frozenset()):
                rows += 1
                missing.difference_update(row)
                if not missing:
                    return
        if not rows:
            return  # no row names a column, and none lacks one
        super().require(columns)

    def require_in(self, part: Path, name: str) -> None:
        """Nothing: a JSON row that lacks a member has null."""

    def _held(self, part: Path, columns: Sequence[str] | None) -> Sequence[str] | None:
        return columns

    def _names(self, part: Path) -> list[str]:
        names: dict[str, None] = {}
        for row in self._part_rows(part, frozenset()):
            names.update(dict.fromkeys(row))
        return list(names)

    def _rows(self, part: Path) -> int:
        return sum(1 for _ in self._part_rows(part, frozenset()))

    def _part_schema(self, part: Path, text: frozenset[str]) -> pa.Schema:
        import pyarrow as pa

        kinds: dict[str, list[pa.DataType]] = {}
        for batch in _tables(part, self._part_rows(part, text), None, text):
            for field in batch.schema:
                seen = kinds.setdefault(field.name, [])
                if field.type not in seen:
                    seen.append(field.type)
        return pa.schema([(name, inference.common_type(seen)) for name, seen in kinds.items()])

    def _read(self, part: Path, columns: Sequence[str] | None, text: frozenset[str]) -> pa.Table:
        tables = list(_tables(part, self._part_rows(part, text), columns, text))
        wanted = columns
        if wanted is None:
            wanted = list(dict.fromkeys(name for table in tables for name in table.column_names))
        if not tables:
            return inference.table([], wanted, text)
        return inference.merged(tables, wanted)

    def _batches(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> Iterator[pa.RecordBatch]:
        for table in _tables(part, self._part_rows(part, text), columns, text):
            yield from table.combine_chunks().to_batches()


def require_unicode(row: Row, names: Iterable[str], where: str) -> None:
    """Raise an InputError where a member is text that is not valid Unicode."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and not is_unicode(value):
            raise InputError(
                f"the text {value!r} of {name!r} is not valid Unicode",
                where=where,
                fix="Fix or remove the row",
                code="json.row-not-unicode",
            )


def _tables(
    part: Path, rows: Generator[Row], columns: Sequence[str] | None, text: frozenset[str]
) -> Iterator[pa.Table]:
    with closing(rows):
        while batch := list(islice(rows, BATCH_ROWS)):
            names = columns
            if names is None:
                names = list(dict.fromkeys(name for row in batch for name in row))
            try:
                yield inference.table(batch, names, text)
            except UnicodeEncodeError as error:
                raise InputError(
                    f"the text {error.object[:80]!r} is not valid Unicode",
                    where=str(part),
                    fix="Fix or remove the row",
                    code="json.text-not-unicode",
                ) from None
