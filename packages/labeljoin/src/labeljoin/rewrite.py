"""Attach by writing the table anew: parquet that cannot be spliced, JSON documents, CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from provenance import EMBEDDED_KEY

from labeljoin.attachment import Attachment, PartReport
from labeljoin.hashing import HashedWriter, digest_of
from labeljoin.tables import delimited, json_document
from labeljoin.tables.inference import text_of
from labeljoin.tables.parquet import opened

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


def rewrite_parquet(task: Attachment, reason: str | None = None) -> PartReport:
    """Write a parquet file anew, row group by row group, with its codecs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source_digest = digest_of(task.source) if task.digests or task.embed else None
    rows_in = rows_out = 0
    with (
        opened(task.source) as file,
        HashedWriter(task.destination, digests=task.digests) as out,
    ):
        original = file.schema_arrow
        kept_fields = [field for field in original if field.name not in task.replace]
        metadata = dict(original.metadata or {})
        metadata.update({name.encode(): text.encode() for name, text in task.metadata.items()})
        if task.embed is not None and source_digest is not None:
            metadata[EMBEDDED_KEY.encode()] = task.embed(source_digest)
        schema = pa.schema([*kept_fields, *task.columns_for_keys.schema], metadata=metadata or None)
        with pq.ParquetWriter(out, schema, compression=_codecs(file)) as writer:
            for number in range(file.num_row_groups):
                table = file.read_row_group(number)
                rows_in += table.num_rows
                table, added = _attached(task, table)
                rows_out += table.num_rows
                columns = [table[field.name] for field in kept_fields]
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


def _codecs(file: pq.ParquetFile) -> dict[str, str]:
    if not file.num_row_groups:
        return {}
    group = file.metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return {
        column.path_in_schema: "NONE"
        if column.compression == "UNCOMPRESSED"
        else column.compression
        for column in columns
    }


def rewrite_json(task: Attachment) -> PartReport:
    """Write a JSON document anew with the new members in every row."""
    import pyarrow as pa

    document = json_document.load(task.source)
    rows = json_document.document_rows(task.source, document)
    raw = json_document.document_rows(
        task.source, json_document.load(task.source, parse_float=str, parse_constant=str)
    )
    values = pa.array([text_of(row.get(task.key)) for row in raw], pa.string())
    added = task.columns_for_keys(values).to_pylist()
    kept = task.keep(values).to_pylist() if task.keep else [True] * len(rows)
    result: list[dict[str, Any]] = []
    for row, addition, keep in zip(rows, added, kept, strict=True):
        if keep:
            left = {name: value for name, value in row.items() if name not in task.replace}
            result.append(left | {name: _finite(value) for name, value in addition.items()})
    document = document | {"rows": result} if isinstance(document, dict) else result
    with HashedWriter(task.destination, digests=task.digests) as out:
        out.write(json.dumps(document, ensure_ascii=False, indent=1).encode())
        digest = out.digest()
    return _text_report(task, "json-rewrite", len(rows), len(result), digest)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        return None
    return value


def rewrite_csv(task: Attachment) -> PartReport:
    """Write a CSV file anew with the new fields at the end of every record."""
    import pyarrow as pa

    delimiter, names = delimited.header(task.source)
    added = task.columns_for_keys.schema.names
    left = [number for number, name in enumerate(names) if name not in task.replace]
    position = names.index(task.key)
    text = task.source.read_bytes().decode("utf-8-sig")
    records = [r for r in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if r]
    rows = records[1:]
    values = pa.array([row[position] for row in rows], pa.string())
    batch = task.columns_for_keys(values)
    columns = [column.to_pylist() for column in batch.columns]
    kept = task.keep(values).to_pylist() if task.keep else [True] * len(rows)
    rows_out = 0
    with HashedWriter(task.destination, digests=task.digests) as out:
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        writer.writerow([records[0][number] for number in left] + list(added))
        for row, keep, addition in zip(rows, kept, zip(*columns, strict=True), strict=True):
            if keep:
                rows_out += 1
                writer.writerow([row[number] for number in left] + [_field(v) for v in addition])
        out.write(buffer.getvalue().encode())
        digest = out.digest()
    return _text_report(task, "csv-rewrite", len(rows), rows_out, digest)


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _text_report(
    task: Attachment, engine: str, rows_in: int, rows_out: int, digest: Any
) -> PartReport:
    return PartReport(
        source=task.source,
        destination=task.destination,
        engine=engine,
        reason=None,
        rows_in=rows_in,
        rows_out=rows_out,
        source_digest=digest_of(task.source) if task.digests else None,
        digest=digest,
        prefix_size=0,
    )
