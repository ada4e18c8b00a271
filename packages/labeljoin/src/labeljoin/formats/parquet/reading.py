"""Open parquet files, and turn what Arrow cannot read into errors that name the file."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    import pyarrow as pa
    import pyarrow.parquet as pq

    with ExitStack() as stack:
        with reading(path):
            # Opened here: Arrow would leave a file that is not parquet to the garbage collector.
            source = stack.enter_context(pa.OSFile(os.fspath(path)))
            file = pq.ParquetFile(source)
            _ = file.schema_arrow  # made now, so that a schema which Arrow cannot read fails here
        yield file
