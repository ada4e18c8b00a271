"""Open parquet files, and turn what Arrow cannot read into errors that name the file."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from provenance.stores import ObjectPath
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what Arrow cannot read within into an InputError that names the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise InputError(
            f"this parquet file cannot be read ({reason})",
            where=str(path),
            fix="Write it again; it is damaged, encrypted, or of a version unknown to Arrow",
            code="parquet.unreadable",
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a parquet file.

    Raises:
        InputError: It is not there, or no parquet file.
    """
    import pyarrow.parquet as pq

    with ExitStack() as stack:
        with reading(path):
            # Opened here: Arrow would leave a file that is not parquet to the garbage collector.
            source = stack.enter_context(arrow_file(path))
            file = pq.ParquetFile(source)
            _ = file.schema_arrow  # made now, so that a schema which Arrow cannot read fails here
        _check_rows(file.metadata, path)
        yield file


def _check_rows(metadata: pq.FileMetaData, path: Path) -> None:
    """Raise an InputError if the footer contradicts itself on the number of rows.

    Arrow allocates what a row group claims before it reads a page.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = sum(group.num_rows for group in groups)
    if rows != metadata.num_rows:
        raise InputError(
            f"this parquet file claims {metadata.num_rows:,} rows, and its row groups {rows:,}",
            where=str(path),
            fix="Write it again; its footer is damaged",
            code="parquet.row-count",
        )
    for number, group in enumerate(groups):
        # The first column settles it in every sound file.
        columns = map(group.column, range(group.num_columns))
        if group.num_columns and all(chunk.num_values < group.num_rows for chunk in columns):
            raise InputError(
                f"row group {number} of this parquet file claims {group.num_rows:,} rows, and none "
                "of its columns holds as many values",
                where=str(path),
                fix="Write it again; its footer is damaged",
                code="parquet.row-claims",
            )


def arrow_file(path: Path) -> pa.NativeFile:
    """Open a file, or an object, for Arrow."""
    import pyarrow as pa

    if isinstance(path, ObjectPath):
        return pa.PythonFile(path.open("rb"), mode="r")
    return pa.OSFile(os.fspath(path))


def fetch_columns(
    path: Path, metadata: pq.FileMetaData, columns: Collection[str] | None = None
) -> None:
    """Download the chunks of some columns of an object at once; a local file has them already.

    Args:
        path: The parquet file.
        metadata: Its metadata.
        columns: Names of columns with all that is nested in them; all by default.
    """
    if not isinstance(path, ObjectPath):
        return
    ranges = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index in range(group.num_columns):
            chunk = group.column(index)
            if columns is None or chunk.path_in_schema.partition(".")[0] in columns:
                first = chunk.data_page_offset
                if chunk.dictionary_page_offset is not None:
                    first = min(first, chunk.dictionary_page_offset)
                ranges.append((first, first + chunk.total_compressed_size))
    path.fetch(ranges)
