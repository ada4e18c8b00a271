"""The key column of a parquet file, read row group by row group."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from labeljoin.formats.parquet.reading import arrow_file, fetch_columns, opened, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

STREAMED_ROWS = 1 << 22
"""Row groups longer than this are read in batches of a quarter of it."""


class KeyColumn:
    """The values of one column, dictionary-encoded where Arrow can.

    A feature table repeats each key for every frame of a clip: read as a dictionary, a row costs
    four bytes, whatever the length of its path.

    Args:
        path: The parquet file.
        plain: The same, open.
        encoded: The same, open to read the column as a dictionary.
        name: The column.
    """

    def __init__(
        self, path: Path, plain: pq.ParquetFile, encoded: pq.ParquetFile, name: str
    ) -> None:
        self._path = path
        self._plain = plain
        self._encoded = encoded
        self._name = name
        self.group_rows = [
            plain.metadata.row_group(number).num_rows for number in range(plain.num_row_groups)
        ]

    def values(self, group: int) -> Iterator[pa.Array]:
        """The values of one row group, in one or more pieces, in order.

        Raises:
            InputError: They cannot be read, or are damaged.
        """
        pieces = self._pieces(group)
        while True:
            with reading(self._path):
                piece = next(pieces, None)
                if piece is None:
                    return
                # Arrow believes a damaged page: indices beyond the dictionary, invalid text.
                piece.validate(full=True)
            yield piece

    def _pieces(self, group: int) -> Iterator[pa.Array]:
        import pyarrow as pa

        if self.group_rows[group] > STREAMED_ROWS:
            for batch in self._plain.iter_batches(
                STREAMED_ROWS // 4, row_groups=[group], columns=[self._name], use_threads=False
            ):
                yield batch.column(self._name)
            return
        try:
            yield from self._whole(self._encoded, group)
        except (pa.ArrowNotImplementedError, OSError):
            # Arrow has no way from some encodings to a dictionary.
            yield from self._whole(self._plain, group)

    def _whole(self, file: pq.ParquetFile, group: int) -> list[pa.Array]:
        table = file.read_row_group(group, columns=[self._name], use_threads=False)
        return list(table.column(self._name).chunks)


@contextmanager
def opened_key_column(path: Path, name: str) -> Iterator[tuple[pq.ParquetFile, KeyColumn]]:
    """Open a parquet file to read one column.

    Yields:
        The file, whose schema is as written, and the column.

    Raises:
        InputError: The file cannot be read, or the column holds lists, structs or the like.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with opened(path) as plain:
        kind = plain.schema_arrow.field(name).type
        if pa.types.is_nested(kind):
            raise InputError(
                f"the key column {name!r} holds values of type {kind}, "
                "which is neither text nor a number",
                where=str(path),
                fix="Choose another key column",
                code="parquet.nested-key",
            )
        with reading(path):
            fetch_columns(path, plain.metadata, [name])
            source = arrow_file(path)
            encoded = pq.ParquetFile(source, metadata=plain.metadata, read_dictionary=[name])
        with source, encoded:
            yield plain, KeyColumn(path, plain, encoded, name)
