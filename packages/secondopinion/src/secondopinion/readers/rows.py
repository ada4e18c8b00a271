"""Rows of JSON, JSONL, CSV with a header, or parquet: one row per clip and scorer."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from labeljoin.formats import JsonStream
from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader
from secondopinion.scores.outline import outline
from secondopinion.scores.payloads import score_row
from secondopinion.scores.rows import ScoreBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields
    from secondopinion.scores.rows import ScoreRow

BATCH_ROWS = 1 << 15
ROW_LISTS = ("rows", "results")


class RowsReader(ScoreReader):
    """Reads any table with a key and a score per row; ``competitor`` may name the scorer."""

    format = "rows"
    title = "rows of JSON, JSONL, CSV with a header, or parquet"
    generic = True

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        return is_json(file) or file.head[:4] == b"PAR1" or _has_header(file)

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        if file.table is not None or not is_json(file):
            from secondopinion.scores.columnar import read_table

            yield from read_table(file, fields)
            return
        rows = _json_rows(file, fields)
        while batch := list(islice(rows, BATCH_ROWS)):
            yield from ScoreBatch.from_rows(batch)


def is_json(file: ScoreFile) -> bool:
    """Return whether the text begins with a JSON object, or an array of them."""
    text = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text[:1] == b"{" or (text[:1] == b"[" and text[1:].lstrip()[:1] in (b"{", b"]", b""))


def _has_header(file: ScoreFile) -> bool:
    text = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    first = text.splitlines()[0] if text else b""
    return b"\0" not in file.head and any(mark in first for mark in (b",", b";", b"\t"))


def _json_rows(file: ScoreFile, fields: Fields) -> Iterator[ScoreRow]:
    number = 0
    for number, payload in enumerate(json_objects(file), 1):
        where = f"{file}, row {number:,}"
        if not isinstance(payload, dict):
            raise InputError(
                "The row is not a JSON object",
                where=where,
                fix="Give one object per clip",
                code="scores.row-not-an-object",
            )
        yield score_row(payload, fields, row=number, where=where)
    if not number:
        raise InputError(
            "The file has no rows",
            where=str(file),
            fix="Give a file with scores",
            code="scores.no-rows",
        )


def json_objects(file: ScoreFile) -> Iterator[Any]:
    """Yield the rows of a JSON text: its objects, or those of an array or of ``{"rows": […]}``."""
    stream = JsonStream(file.blocks(), str(file))
    if stream.peek() == "[":
        rows = chain.from_iterable(stream.batches())
        yield from rows
        stream.end(
            "Text follows the JSON array", "Keep one array in the file, or one object per line"
        )
        return
    first = outline(file.head) or {}
    if any(isinstance(first.get(name), dict) for name in ROW_LISTS):
        for name in stream.members():
            if name in ROW_LISTS and stream.peek() == "[":
                yield from chain.from_iterable(stream.batches())
            else:
                stream.value()
        return
    yield from stream.documents()
