"""Add columns to a parquet file without decoding one: new chunks and a new footer.

The bytes before the footer are copied, so every offset in the footer, in page indexes and to bloom
filters stays right. The new columns' chunks come behind them, written by Arrow, and a footer that
lists both.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from provenance.record import EMBEDDED_KEY
from provenance.stores import ObjectPath
from provenance.toolkit import InputError

from labeljoin.formats.base import Attachment, PartReport, changed_error
from labeljoin.formats.hashing import CHUNK, make_digest, update_from
from labeljoin.formats.pandas_schema import in_file
from labeljoin.formats.parquet import metadata as schema_metadata
from labeljoin.formats.parquet.first_pass import Hashed, ParquetPass
from labeljoin.formats.parquet.footer import (
    MAGIC,
    TAIL_BYTES,
    Footer,
    FooterError,
    read_footer,
)
from labeljoin.formats.parquet.key_column import KeyColumn, opened_key_column
from labeljoin.formats.parquet.rewrite import rewrite_parquet

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

# A row group above this cannot be written in one piece by Arrow.
_MOST_GROUP_ROWS = 64 * 1024 * 1024

# Arrow encodes so many rows at a time, and looks up the dictionary for each of these batches. A
# page has no more rows than this in any case.
_PAGE_ROWS = 20_000


def attach_parquet(task: Attachment) -> PartReport:
    """Attach columns to a parquet file: by splice, or by rewrite where a splice cannot be."""
    with task.source.open("rb") as source, in_file(task.source):
        footer_start, raw_footer = read_footer(source, task.source)
        reason, footer = _obstacle(task, raw_footer)
        if reason is not None or footer is None:
            return rewrite_parquet(task, raw_footer, reason)
        return _splice(task, source, footer, footer_start)


def _obstacle(task: Attachment, raw_footer: bytes) -> tuple[str | None, Footer | None]:
    """Why a splice cannot be, or the footer to splice."""
    if task.replace:
        return f"columns are replaced ({', '.join(sorted(task.replace))})", None
    if task.keep is not None:
        return "rows are dropped", None
    try:
        footer = Footer.parse(raw_footer)
    except FooterError as error:
        return str(error), None
    if footer.encrypted:
        return "columns are encrypted and the footer is signed", None
    if not footer.whole:
        return "column chunks are in other files", None
    if max(footer.group_rows, default=0) > _MOST_GROUP_ROWS:
        return "a row group has more rows than Arrow writes into one", None
    return None, footer


def _splice(task: Attachment, source: BinaryIO, footer: Footer, footer_start: int) -> PartReport:
    with (
        task.destination.open("wb", buffering=0) as out,
        ThreadPoolExecutor(1, "copy") as copier,
        opened_key_column(task.source, task.key) as (file, keys),
    ):
        copied = copier.submit(_copy, task, source, out, footer_start)
        added, size = _write_columns(task, keys, footer.first_codec(), footer_start)
        hashed = copied.result()
        key_values = schema_metadata.extended(
            footer.key_values(), file.schema_arrow, task.columns_for_keys.schema
        )
        key_values |= {name.encode(): text.encode() for name, text in task.metadata.items()}
        if task.embed is not None and (hashed is not None or not task.front):
            key_values[EMBEDDED_KEY.encode()] = task.embed(hashed and hashed.digest)
        encoded = _joined_footer(task.source, footer, added, footer_start, key_values)
        out.seek(footer_start + size)
        _write_all(out, memoryview(encoded + len(encoded).to_bytes(4, "little") + MAGIC))
        digest = None
        if hashed is not None:
            with task.destination.open("rb") as written:
                written.seek(footer_start)
                digest = make_digest(
                    update_from(hashed.front.copy(), written).hexdigest(), out.tell()
                )
    return PartReport(
        source=task.source,
        destination=task.destination,
        engine="parquet-splice",
        reason=None,
        rows_in=footer.num_rows,
        rows_out=footer.num_rows,
        source_digest=None if hashed is None else hashed.digest,
        digest=digest,
        prefix_size=footer_start,
        prefix_sha256=None if hashed is None else hashed.front.hexdigest(),
    )


def _joined_footer(
    path: Path, footer: Footer, added: Footer, footer_start: int, key_values: dict[bytes, bytes]
) -> bytes:
    try:
        return footer.with_columns(added, footer_start - len(MAGIC), key_values)
    except (FooterError, ValueError, IndexError) as error:
        raise InputError(
            f"the footer of this parquet file contradicts its data ({error})",
            where=str(path),
            fix="Copy or write the file again",
            code="parquet.footer-contradiction",
        ) from None


def _copy(task: Attachment, source: BinaryIO, out: BinaryIO, size: int) -> Hashed | None:
    """Copy the first ``size`` bytes.

    Returns:
        The hashes of the source, where they are wanted: those of the first pass, or taken now.
    """
    if not task.front:
        return None
    if isinstance(task.source, ObjectPath):
        return _download(task.source, out, size)
    if not task.digests and task.embed is None:
        _copy_unseen(source, out, size)
        return None
    if isinstance(task.first_pass, ParquetPass) and task.first_pass.hashing:
        _copy_unseen(source, out, size)
        return task.first_pass.hashes()
    front = hashlib.sha256()
    source.seek(0)
    buffer = memoryview(bytearray(CHUNK))
    left = size
    while left:
        count = source.readinto(buffer[: min(CHUNK, left)])  # type: ignore[attr-defined]
        if not count:
            raise changed_error(source.name)
        front.update(buffer[:count])
        _write_all(out, buffer[:count])
        left -= count
    digest = make_digest(update_from(front.copy(), source).hexdigest(), source.tell())
    return Hashed(front, digest)


def _download(source: ObjectPath, out: BinaryIO, size: int) -> Hashed:
    """Write the first ``size`` bytes of an object, and hash all of it on the way."""
    front = hashlib.sha256()
    for data in source.stream(size):
        front.update(data)
        _write_all(out, memoryview(data))
    with source.open("rb") as file:
        file.seek(size)
        digest = make_digest(update_from(front.copy(), file).hexdigest(), file.tell())
    return Hashed(front, digest)


def _copy_unseen(source: BinaryIO, out: BinaryIO, size: int) -> None:
    """Copy the first ``size`` bytes inside the kernel, which may share them, where it can."""
    done = 0
    if hasattr(os, "copy_file_range"):
        # Not between all file systems, and not in all sandboxes: then by hand from there.
        with contextlib.suppress(OSError):
            while done < size:
                count = os.copy_file_range(
                    source.fileno(), out.fileno(), min(size - done, 1 << 30), done, done
                )
                if not count:
                    break
                done += count
    source.seek(done)
    out.seek(done)
    buffer = memoryview(bytearray(CHUNK))
    while done < size:
        count = source.readinto(buffer[: min(CHUNK, size - done)])  # type: ignore[attr-defined]
        if not count:
            raise changed_error(source.name)
        _write_all(out, buffer[:count])
        done += count


def _write_all(out: BinaryIO, data: memoryview) -> None:
    """Write all of ``data`` to an unbuffered file, which may take less at a time."""
    while data:
        data = data[out.write(data) :]


class _ChunkSink:
    """Takes a parquet file from Arrow and writes its column chunks alone, at a place in a file.

    The magic in front is swallowed. What follows the last chunk, the footer, is kept aside once
    :attr:`closing` is set, since Arrow writes the rest of a file when it closes it.
    """

    def __init__(self, path: Path, position: int) -> None:
        self._file = path.open("r+b", buffering=CHUNK)
        self._file.seek(position - len(MAGIC))
        self._seen = 0
        self.closing = False
        self.closed = False
        self.rest = bytearray()

    def write(self, data: Any) -> int:
        data = memoryview(data).cast("B")
        size = data.nbytes
        if self.closing:
            self.rest += data
        else:
            skipped = min(size, max(0, len(MAGIC) - self._seen))
            if skipped:
                self._file.seek(skipped, os.SEEK_CUR)
            self._file.write(data[skipped:])
        self._seen += size
        return int(size)

    def tell(self) -> int:
        return self._seen

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        # After a failure Arrow's writer is closed when it is collected, and writes once more.
        self.closing = True
        self._file.close()

    def finish(self) -> tuple[Footer, int]:
        """The footer that Arrow wrote, and the number of bytes of column chunks."""
        length = int.from_bytes(self.rest[-TAIL_BYTES:-4], "little")
        cut = len(self.rest) - TAIL_BYTES - length
        self._file.write(self.rest[:cut])
        self._file.flush()
        size = self._seen - len(MAGIC) - TAIL_BYTES - length
        return Footer.parse(bytes(self.rest[cut:-TAIL_BYTES])), size


def _write_columns(
    task: Attachment, keys: KeyColumn, codec: str, position: int
) -> tuple[Footer, int]:
    """Write the new columns' chunks at ``position``, one row group per row group of the keys.

    Returns:
        Their footer, its offsets counted from the magic in front of them, and their size.
    """
    schema = task.columns_for_keys.schema
    with (
        _ChunkSink(task.destination, position) as sink,
        contextlib.closing(_computed(task, keys)) as groups,
    ):
        writer: pq.ParquetWriter | None = None
        written = schema
        for batches in groups:
            if writer is None:
                # Columns that come as dictionaries are written as they are, never decoded.
                # Parquet has no such type: in the file their type is that of the schema.
                written = batches[0].schema if batches else written
                writer = _writer(sink, written, codec)
            table = _table(batches, schema, written)
            writer.write_table(table, row_group_size=max(1, table.num_rows))
            del batches, table  # or they would stay while the next but one are computed
        sink.closing = True
        (writer or _writer(sink, written, codec)).close()
        return sink.finish()


def _computed(task: Attachment, keys: KeyColumn) -> Generator[list[pa.RecordBatch], None, None]:
    """The new columns of each row group, computed while Arrow writes those of the one before."""
    groups = (
        [task.columns_for_keys(values) for values in keys.values(group)]
        for group in range(len(keys.group_rows))
    )
    with ThreadPoolExecutor(1, "columns") as ahead:
        coming = ahead.submit(next, groups, None)
        while (batches := coming.result()) is not None:
            coming = ahead.submit(next, groups, None)
            yield batches


def _writer(sink: _ChunkSink, schema: pa.Schema, codec: str) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(
        sink, schema, compression=codec, store_schema=False, write_batch_size=_PAGE_ROWS
    )


def _table(batches: list[pa.RecordBatch], schema: pa.Schema, written: pa.Schema) -> pa.Table:
    """The new columns of one row group, of the types of ``schema`` or dictionaries of them."""
    import pyarrow as pa

    columns = [
        _conformed(
            [batch.column(name) for batch in batches],
            kind,
            encoded=pa.types.is_dictionary(as_written),
        )
        for name, kind, as_written in zip(schema.names, schema.types, written.types, strict=True)
    ]
    return pa.table(columns, names=schema.names)


def _conformed(pieces: list[pa.Array], kind: pa.DataType, *, encoded: bool) -> pa.ChunkedArray:
    """Pieces of a column as one of ``kind``, or of a dictionary of it."""
    import pyarrow as pa

    wanted = pa.dictionary(pa.int32(), kind) if encoded else kind
    return pa.chunked_array(
        [piece if piece.type.equals(wanted) else piece.cast(wanted) for piece in pieces], wanted
    )
