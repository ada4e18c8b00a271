"""Attach by rewriting a parquet file that cannot be spliced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.record import EMBEDDED_KEY

from labeljoin.formats.base import Attachment, PartReport
from labeljoin.formats.hashing import HashedWriter, digest_of
from labeljoin.formats.parquet import metadata as schema_metadata
from labeljoin.formats.parquet.footer import Footer
from labeljoin.formats.parquet.reading import opened, reading

if TYPE_CHECKING:
    import pyarrow as pa
    from provenance.record import Digest


def rewrite_parquet(task: Attachment, raw_footer: bytes, reason: str | None) -> PartReport:
    """Rewrite a parquet file, row group by row group, with its codecs.

    Args:
        task: What to attach.
        raw_footer: The source's footer.
        reason: Why it is not spliced.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source_digest = _source_digest(task)
    rows_in = rows_out = 0
    with (
        opened(task.source) as file,
        HashedWriter(task.destination, digests=task.digests) as out,
    ):
        original = file.schema_arrow
        # By position, because two columns may have one name.
        kept = [at for at, field in enumerate(original) if field.name not in task.replace]
        metadata = schema_metadata.rewritten(
            original.metadata or {}, task.columns_for_keys.schema, task.replace
        )
        metadata.update({name.encode(): text.encode() for name, text in task.metadata.items()})
        if task.embed is not None and source_digest is not None:
            metadata[EMBEDDED_KEY.encode()] = task.embed(source_digest)
        schema = pa.schema(
            [*map(original.field, kept), *task.columns_for_keys.schema], metadata=metadata or None
        )
        with pq.ParquetWriter(out, schema, compression=_codecs(task, raw_footer)) as writer:
            for number in range(file.num_row_groups):
                with reading(task.source):
                    table = file.read_row_group(number)
                rows_in += table.num_rows
                table, added = _attached(task, table)
                rows_out += table.num_rows
                columns = [table.column(at) for at in kept]
                columns += [
                    added[field.name].cast(field.type) for field in task.columns_for_keys.schema
                ]
                writer.write_table(
                    pa.Table.from_arrays(columns, schema=schema), row_group_size=table.num_rows or 1
                )
        digest = out.digest()
    return PartReport(
        source=task.source,
        destination=task.destination,
        engine="parquet-rewrite",
        reason=reason,
        rows_in=rows_in,
        rows_out=rows_out,
        source_digest=source_digest,
        digest=digest,
        prefix_size=0,
    )


def _source_digest(task: Attachment) -> Digest | None:
    if not task.digests and task.embed is None:
        return None
    if task.first_pass is not None and (digest := task.first_pass.digest()) is not None:
        return digest
    return digest_of(task.source)


def _attached(task: Attachment, table: pa.Table) -> tuple[pa.Table, pa.Table]:
    import pyarrow as pa

    values = table[task.key].combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    added = pa.Table.from_batches([task.columns_for_keys(values)])
    if task.keep is None:
        return table, added
    mask = task.keep(values)
    return table.filter(mask), added.filter(mask)


def _codecs(task: Attachment, raw_footer: bytes) -> dict[str, str] | str:
    """Return the codecs by column, new ones like the first; one for all without row groups."""
    try:
        footer = Footer.parse(raw_footer)
        added = dict.fromkeys(task.columns_for_keys.schema.names, footer.first_codec())
        return footer.codecs() | added if footer.row_groups else "SNAPPY"
    except (ValueError, IndexError):
        return "SNAPPY"
