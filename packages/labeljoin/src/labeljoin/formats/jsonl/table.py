"""JSONL tables: one JSON object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
from provenance.toolkit import InputError

from labeljoin.formats.encoding import BOM, skip_mark
from labeljoin.formats.json import inference
from labeljoin.formats.json import text as json_text
from labeljoin.formats.json.rows import JsonRowTable, Row, require_unicode
from labeljoin.formats.jsonl.blocks import (
    Block,
    BlockReader,
    Buffer,
    KeyDecoder,
    block_keys,
    block_of,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa


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
            reader, buffer = BlockReader(file), Buffer()
            while (data := reader.next_lines(buffer)) is not None:
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
            "this line is not a JSON object",
            where=where,
            fix="Write one object a line",
            code="jsonl.not-an-object",
        )
    for name in text:
        if isinstance(row.get(name), float):
            row[name] = json.loads(line, parse_float=str, parse_constant=str)[name]
    require_unicode(row, text, where)
    return row


def _decoded(line: bytes, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"this line {json_text.fault(error)}",
            where=where,
            fix="Fix or remove the line",
            code="jsonl.not-json",
        ) from None
