"""JSON Lines as a table format: members are spliced into the lines."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from labeljoin.formats.base import Attachment, FirstPass, Format, PartReport, TableWriter
from labeljoin.formats.jsonl.first_pass import JsonLinesPass
from labeljoin.formats.jsonl.splice import splice
from labeljoin.formats.jsonl.table import JsonLinesTable, lines
from labeljoin.formats.sample import JSONL_SUFFIXES, Certainty, Sample, text_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from labeljoin.formats.table import Table


class JsonLinesFormat(Format):
    """JSON Lines (NDJSON) files."""

    name = "jsonl"
    suffixes = JSONL_SUFFIXES

    def sniff(self, sample: Sample) -> Certainty:
        """Recognise objects that follow one another, and the suffix."""
        return Certainty.LIKELY if text_format(sample) == self.name else Certainty.NO

    def open(self, path: Path, parts: Sequence[Path]) -> Table:
        """Open a JSONL file or a directory of them."""
        return JsonLinesTable(path, parts)

    def attach(self, task: Attachment) -> PartReport:
        """Splice members into every line."""
        return splice(task)

    def locate(self, part: Path, row: int) -> str:
        """Return the line of a row; blank lines count."""
        return f"line {next(islice(lines(part), row, None))[0]}"

    def first_pass(self, table: Table) -> FirstPass:
        """Begin to read keys, hash the file and note its lines."""
        return JsonLinesPass(table)

    @contextmanager
    def writer(self, path: Path, schema: pa.Schema) -> Iterator[TableWriter]:
        """Write one object a line; there is no place for the schema's metadata."""
        with path.open("wb") as file:
            yield _Writer(file)


class _Writer:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, rows: pa.Table) -> None:
        import orjson

        for row in rows.to_pylist():
            self._file.write(orjson.dumps(row, default=str) + b"\n")
