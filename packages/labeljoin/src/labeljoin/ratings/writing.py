"""Writing the tables of clips and raters: CSV, parquet or JSONL by the suffix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.record import EMBEDDED_KEY, short_record_bytes
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

_FORMATS = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_BLOCK = 65_536


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The format that the suffix of an output names.

    Raises:
        InputError: It names none that can be written.
    """
    found = _FORMATS.get(Path(path).suffix.lower())
    if found is None:
        raise InputError(
            "the suffix does not say which format to write",
            where=os.fspath(path),
            code="ratings.unknown-suffix",
            fix="End the name in .csv, .parquet or .jsonl",
        )
    return found


def write_table(
    table: pa.Table,
    path: Path,
    name: str,
    metadata: Mapping[str, str],
    record: Mapping[str, Any],
) -> None:
    """Write a table.

    Args:
        table: The table.
        path: The file to write, a temporary one.
        name: The name that it will have; its suffix decides the format.
        metadata: Key-value metadata, for parquet.
        record: The short run record, for parquet.
    """
    kind = check_suffix(name)
    if kind == "parquet":
        import pyarrow.parquet as pq

        keyed = {**metadata, EMBEDDED_KEY: short_record_bytes(record)}
        pq.write_table(table.replace_schema_metadata(keyed), path, compression="zstd")
    elif kind == "csv":
        import pyarrow.csv as pacsv

        # Names that look like numbers stay text, and nulls are blank.
        pacsv.write_csv(table, path, pacsv.WriteOptions(quoting_style="needed"))
    else:
        _write_json_lines(table, path)


def _write_json_lines(table: pa.Table, path: Path) -> None:
    import orjson

    with path.open("wb") as file:
        for batch in table.to_batches(max_chunksize=_BLOCK):
            file.write(
                b"".join(
                    orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in batch.to_pylist()
                )
            )
