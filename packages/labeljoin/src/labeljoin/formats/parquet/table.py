"""Parquet tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeljoin.formats.parquet.key_column import opened_key_column
from labeljoin.formats.parquet.reading import fetch_columns, opened, reading
from labeljoin.formats.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa


class ParquetTable(Table):
    """A parquet file, or a directory of them."""

    format = "parquet"

    def __init__(self, path: Path, parts: Sequence[Path]) -> None:
        super().__init__(path, parts)
        self._footers: dict[Path, tuple[list[str], dict[bytes, bytes]]] = {}

    def _names(self, part: Path) -> list[str]:
        return self._footer(part)[0]

    def _metadata(self, part: Path) -> dict[bytes, bytes]:
        return self._footer(part)[1]

    def _footer(self, part: Path) -> tuple[list[str], dict[bytes, bytes]]:
        """Column names and the entries about moskit, read once: a footer may be megabytes."""
        if part not in self._footers:
            with opened(part) as file:
                metadata = file.metadata.metadata or {}
                own = {k: v for k, v in metadata.items() if k.startswith(b"moskit.")}
                self._footers[part] = (list(file.schema_arrow.names), own)
        return self._footers[part]

    def _rows(self, part: Path) -> int:
        with opened(part) as file:
            return int(file.metadata.num_rows)

    def _part_schema(self, part: Path, text: frozenset[str]) -> pa.Schema:
        with opened(part) as file:
            return file.schema_arrow

    def _read(self, part: Path, columns: Sequence[str] | None, text: frozenset[str]) -> pa.Table:
        with opened(part) as file, reading(part):
            fetch_columns(part, file.metadata, columns)
            table = file.read(columns=None if columns is None else list(columns))
            return table if columns is None else table.select(list(columns))

    def _key_values(self, part: Path, name: str) -> Iterator[pa.Array]:
        with opened_key_column(part, name) as (file, column):
            for group in range(file.num_row_groups):
                yield from column.values(group)

    def _batches(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> Iterator[pa.RecordBatch]:
        with opened(part) as file:
            wanted = None if columns is None else list(columns)
            with reading(part):
                fetch_columns(part, file.metadata, wanted)
            batches = file.iter_batches(columns=wanted)
            while True:
                with reading(part):
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch if wanted is None else batch.select(wanted)
