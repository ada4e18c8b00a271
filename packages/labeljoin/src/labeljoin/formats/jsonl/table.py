"""JSONL tables: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from provenance.toolkit import InputError

from labeljoin.formats.base import Table
from labeljoin.formats.json import inference
from labeljoin.formats.json import text as json_text
from labeljoin.formats.jsonl.blocks import (
    BOM,
    Block,
    Buffer,
    Cutter,
    KeyDecoder,
    block_keys,
    block_of,
    skip_mark,
)

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 16_384

Row = dict[str, Any]


class JsonRowTable(Table):
    """What JSONL and JSON tables share: rows that are objects."""

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


class JsonLinesTable(JsonRowTable):
    """A JSONL file, or a directory of them."""

    format = "jsonl"

    def _part_rows(self, part: Path, text: frozenset[str]) -> Generator[Row]:
        for number, line in lines(part):
            yield row_of(line, text, where=f"{part}, line {number}")

    def _key_values(self, part: Path, name: str) -> Iterator[pa.Array]:
        decoder, first_line = KeyDecoder(name), 1
        with part.open("rb", buffering=0) as file:
            skip_mark(file)
            cutter, buffer = Cutter(file), Buffer()
            while (data := cutter.next_lines(buffer)) is not None:
                block = block_of(data)
                keys = block_keys(decoder, block)
                yield keys if keys is not None else line_keys(block, first_line, part, name)
                first_line += block.line_feeds


def line_keys(block: Block, first_line: int, path: Path, name: str) -> pa.StringArray:
    """The keys of a block's rows, looked at line by line.

    Args:
        block: The block.
        first_line: The number of its first line, from 1.
        path: Its file, for errors.
        name: The key member.

    Raises:
        InputError: A line is not a JSON object.
    """
    import pyarrow as pa

    keys = [
        inference.text_of(row_of(line, [name], where=f"{path}, line {number}").get(name))
        for number, line in enumerate(block.lines(), first_line)
        if line.strip(json_text.BLANKS)
    ]
    return pa.array(keys, pa.string())


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers from 1."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            stripped = (line.removeprefix(BOM) if number == 1 else line).strip(json_text.BLANKS)
            if stripped:
                yield number, stripped


def row_of(line: bytes, text: Iterable[str], where: str) -> Row:
    """The object of one line.

    Args:
        line: JSON text. Bare ``NaN`` and ``Infinity``, which many writers emit, are numbers.
        text: Members whose numbers are returned as text exactly as written.
        where: File and line, for the error.

    Raises:
        InputError: The text is not one JSON object.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        # The standard decoder knows NaN, Infinity and integers beyond 64 bits.
        row = _decoded(line, where)
    if not isinstance(row, dict):
        raise InputError(
            "this line is not a JSON object", where=where, fix="Write one object a line"
        )
    for name in text:
        if isinstance(row.get(name), float):
            row[name] = json.loads(line, parse_float=str, parse_constant=str)[name]
    require_unicode(row, text, where)
    return row


def require_unicode(row: Row, names: Iterable[str], where: str) -> None:
    """Raise an InputError where a member is text that is not valid Unicode."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and not json_text.is_unicode(value):
            raise InputError(
                f"the text {value!r} of {name!r} is not valid Unicode",
                where=where,
                fix="Mend or remove the row",
            )


def _decoded(line: bytes, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"this line is not JSON ({error})", where=where, fix="Mend or remove the line"
        ) from None


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
                    fix="Mend or remove the row",
                ) from None
