"""Parquet as a table format: columns are spliced in, nothing is decoded."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from labeljoin.formats.base import Attachment, FirstPass, Format, PartReport, TableWriter
from labeljoin.formats.parquet.first_pass import ParquetPass
from labeljoin.formats.parquet.record import read_record
from labeljoin.formats.parquet.splice import attach_parquet
from labeljoin.formats.parquet.table import ParquetTable
from labeljoin.formats.sample import Certainty, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    from labeljoin.formats.table import Table

_MAGIC = (b"PAR1", b"PARE")


class ParquetFormat(Format):
    """Parquet files."""

    name = "parquet"
    suffixes = (".parquet", ".pq")
    reads_ranges = True

    def sniff(self, sample: Sample) -> Certainty:
        """Recognise the magic bytes, those of encrypted footers too."""
        return Certainty.CERTAIN if sample.head[:4] in _MAGIC else Certainty.NO

    def open(self, path: Path, parts: Sequence[Path]) -> Table:
        """Open a parquet file or a directory of them."""
        return ParquetTable(path, parts)

    def attach(self, task: Attachment) -> PartReport:
        """Splice columns in, or rewrite the file if it cannot be spliced."""
        return attach_parquet(task)

    def first_pass(self, table: Table) -> FirstPass:
        """Begin to hash the file while its keys are read."""
        return ParquetPass(table)

    def read_record(self, path: Path) -> bytes | None:
        """Return the run record in the key-value metadata."""
        return read_record(path)

    @contextmanager
    def writer(self, path: Path, schema: pa.Schema) -> Iterator[TableWriter]:
        """Write a parquet file; the schema's metadata becomes key-value metadata."""
        import pyarrow.parquet as pq

        with pq.ParquetWriter(path, schema) as parquet:
            yield _Writer(parquet, schema)


class _Writer:
    def __init__(self, parquet: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._parquet = parquet
        self._metadata = schema.metadata

    def write(self, rows: pa.Table) -> None:
        self._parquet.write_table(rows.replace_schema_metadata(self._metadata))
