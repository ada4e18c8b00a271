"""The key column of a parquet file, read row group by row group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from labeljoin.tables.parquet import opened, reading

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

STREAMED_ROWS = 1 << 22
"""Row groups longer than this are read in batches of a quarter of it."""

# Arrow reads these straight into dictionaries, and others not at all when asked for one.
_DICTIONARY_READABLE = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}


class KeyColumn:
    """The values of one column.

    Args:
        path: The parquet file.
        file: The same, open.
        name: The column.
    """

    def __init__(self, path: Path, file: pq.ParquetFile, name: str) -> None:
        self._path = path
        self._file = file
        self._name = name
        self.group_rows = [
            file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)
        ]

    def values(self, group: int) -> Iterator[pa.Array]:
        """The values of one row group, in one or more pieces, in order."""
        with reading(self._path):
            if self.group_rows[group] <= STREAMED_ROWS:
                column = self._file.read_row_group(
                    group, columns=[self._name], use_threads=False
                ).column(self._name)
                pieces = iter(column.chunks)
            else:
                batches = self._file.iter_batches(
                    STREAMED_ROWS // 4, row_groups=[group], columns=[self._name], use_threads=False
                )
                pieces = (batch.column(self._name) for batch in batches)
        while True:
            with reading(self._path):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece


@contextmanager
def opened_key_column(path: Path, name: str) -> Iterator[tuple[pq.ParquetFile, KeyColumn]]:
    """Open a parquet file to read one column, dictionary-encoded where Arrow can.

    A feature table repeats each key for every frame of a clip: read as a dictionary, a row costs
    four bytes, whatever the length of its path.

    Yields:
        The file, whose schema is as written, and the column.
    """
    import pyarrow.parquet as pq

    with opened(path) as plain:
        if not _readable_as_dictionary(plain.metadata, name):
            yield plain, KeyColumn(path, plain, name)
            return
        with reading(path):
            file = pq.ParquetFile(path, metadata=plain.metadata, read_dictionary=[name])
        with file:
            yield plain, KeyColumn(path, file, name)


def _readable_as_dictionary(metadata: pq.FileMetaData, name: str) -> bool:
    schema = metadata.schema
    leaf = next((n for n in range(len(schema)) if schema.column(n).path == name), None)
    if leaf is None:
        return False
    return all(
        _DICTIONARY_READABLE.issuperset(metadata.row_group(number).column(leaf).encodings)
        for number in range(metadata.num_row_groups)
    )
