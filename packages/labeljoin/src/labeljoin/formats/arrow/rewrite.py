"""Attach columns to an Arrow file, record batch by record batch.

The buffers of an uncompressed file go from the mapped source to the output as they are. The batches
of a compressed file are decompressed and compressed again with the same codec.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from provenance.record import EMBEDDED_KEY

from labeljoin.formats.arrow.reading import compression, opened, reading
from labeljoin.formats.base import Attachment, PartReport
from labeljoin.formats.hashing import HashedWriter, digest_of
from labeljoin.formats.pandas_schema import PANDAS, in_file, pandas_metadata

if TYPE_CHECKING:
    import pyarrow as pa
    from provenance.record import Digest


def attach_arrow(task: Attachment) -> PartReport:
    """Write an Arrow file with the new columns behind its own."""
    import pyarrow as pa

    codec = compression(task.source)
    wanted = task.digests or task.embed is not None
    source_digest = digest_of(task.source) if wanted else None
    rows_in = rows_out = 0
    with (
        opened(task.source) as reader,
        HashedWriter(task.destination, digests=task.digests) as out,
    ):
        with in_file(task.source):
            schema = _schema(task, reader.schema, source_digest)
        options = pa.ipc.IpcWriteOptions(compression=codec)
        with pa.ipc.new_file(out, schema, options=options) as writer:
            for batch, custom in _read(task, reader):
                rows_in += batch.num_rows
                extended = _extended(task, batch, schema)
                rows_out += extended.num_rows
                writer.write_batch(extended, custom_metadata=custom)
        digest = out.digest()
    return PartReport(
        source=task.source,
        destination=task.destination,
        engine="arrow-rewrite" if codec else "arrow-copy",
        reason=f"the record batches are compressed with {codec}" if codec else None,
        rows_in=rows_in,
        rows_out=rows_out,
        source_digest=source_digest,
        digest=digest,
    )


def _read(
    task: Attachment, reader: pa.ipc.RecordBatchFileReader
) -> Iterator[tuple[pa.RecordBatch, Any]]:
    for number in range(reader.num_record_batches):
        with reading(task.source):
            batch, custom = reader.get_batch_with_custom_metadata(number)
            batch.column(task.key).validate(full=True)
        yield batch, custom


def _schema(task: Attachment, original: pa.Schema, digest: Digest | None) -> pa.Schema:
    import pyarrow as pa

    added = task.columns_for_keys.schema
    kept = [field for field in original if field.name not in task.replace]
    metadata = dict(original.metadata or {})
    if PANDAS in metadata:
        metadata[PANDAS] = pandas_metadata(metadata[PANDAS], added, task.replace)
    metadata.update({name.encode(): text.encode() for name, text in task.metadata.items()})
    if task.embed is not None and digest is not None:
        metadata[EMBEDDED_KEY.encode()] = task.embed(digest)
    return pa.schema([*kept, *added], metadata=metadata or None)


def _extended(task: Attachment, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    values = batch.column(task.key)
    added = task.columns_for_keys(values)
    columns = [batch.column(f.name) for f in batch.schema if f.name not in task.replace]
    # A dictionary that differs from batch to batch has no place in a file.
    columns += [added.column(f.name).cast(f.type) for f in task.columns_for_keys.schema]
    extended = pa.RecordBatch.from_arrays(columns, schema=schema)
    return extended if task.keep is None else extended.filter(task.keep(values))
