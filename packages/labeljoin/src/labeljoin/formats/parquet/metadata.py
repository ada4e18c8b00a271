"""The copies of its schema that a parquet file carries as key-value metadata, with more columns.

Arrow, pandas and Spark each write one, and believe it: a column that their copy does not list has
another type for them, or does not exist.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from labeljoin.formats.pandas_schema import PANDAS, describing, pandas_metadata

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

ARROW = b"ARROW:schema"
SPARK = b"org.apache.spark.sql.parquet.row.metadata"


def extended(
    key_values: Mapping[bytes, bytes], inferred: pa.Schema, added: pa.Schema
) -> dict[bytes, bytes]:
    """The entries of a file's key-value metadata that must change when columns are added.

    Args:
        key_values: What the file has.
        inferred: The schema that Arrow reads from the file.
        added: The new columns.
    """
    changed = {}
    if ARROW in key_values:
        changed[ARROW] = _arrow(key_values[ARROW], added)
    elif any(field.metadata or not _told_by_parquet(field.type) for field in added):
        # The file was not written by Arrow, and parquet alone cannot say what the new columns
        # are. Arrow infers the old ones, so a schema that says the same changes nothing for them.
        changed[ARROW] = _encoded(_schema_of(list(inferred) + list(added)))
    if PANDAS in key_values:
        changed[PANDAS] = pandas_metadata(key_values[PANDAS], added)
    if SPARK in key_values:
        changed[SPARK] = _spark(key_values[SPARK], added)
    return changed


def rewritten(
    key_values: Mapping[bytes, bytes], added: pa.Schema, left_out: Collection[str]
) -> dict[bytes, bytes]:
    """Return the key-value metadata of a file that is rewritten with other columns.

    Args:
        key_values: What the file has; Arrow writes its own copy of the schema.
        added: The new columns.
        left_out: Columns that are not written again.
    """
    changed = dict(key_values)
    if PANDAS in changed:
        changed[PANDAS] = pandas_metadata(changed[PANDAS], added, left_out)
    if SPARK in changed:
        changed[SPARK] = _spark(changed[SPARK], added, left_out)
    return changed


def _arrow(value: bytes, added: pa.Schema) -> bytes:
    import pyarrow as pa

    with describing("Arrow"):
        original = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(value)))
    return _encoded(_schema_of(list(original) + list(added)).with_metadata(original.metadata))


def _schema_of(fields: list[pa.Field]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(fields)


def _encoded(schema: pa.Schema) -> bytes:
    return base64.b64encode(schema.serialize())


def _told_by_parquet(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return kind in (
        pa.bool_(),
        pa.int32(),
        pa.int64(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.binary(),
    )


def _spark(value: bytes, added: pa.Schema, left_out: Collection[str] = ()) -> bytes:
    with describing("Spark"):
        document: dict[str, Any] = json.loads(value)
        fields = [field for field in document["fields"] if field["name"] not in left_out]
        document["fields"] = fields + [
            {"name": field.name, "type": _spark_type(field.type), "nullable": True, "metadata": {}}
            for field in added
        ]
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _spark_type(kind: pa.DataType) -> str:
    names = {
        "bool": "boolean",
        "int8": "byte",
        "int16": "short",
        "int32": "integer",
        "int64": "long",
        "float": "float",
        "double": "double",
        "binary": "binary",
    }
    return names.get(str(kind), "string")
