"""The copies of its schema that a parquet file carries as key-value metadata, with more columns.

Arrow, pandas and Spark each write one, and believe it: a column that their copy does not list has
another type for them, or does not exist.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

ARROW = b"ARROW:schema"
PANDAS = b"pandas"
SPARK = b"org.apache.spark.sql.parquet.row.metadata"
_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}


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
    """Key-value metadata of a file that is written anew with other columns.

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


def pandas_metadata(value: bytes, added: pa.Schema, left_out: Collection[str] = ()) -> bytes:
    """The description of the columns that pandas wrote, extended.

    Format: https://pandas.pydata.org/docs/development/developer.html
    """
    document = json.loads(value)
    own = [
        {
            "name": field.name,
            "field_name": field.name,
            "pandas_type": _pandas_type(field.type),
            "numpy_type": _numpy_type(field.type),
            "metadata": None,
        }
        for field in added
    ]
    replaced = {*added.names, *left_out}
    kept = [entry for entry in document.get("columns", []) if entry.get("name") not in replaced]
    # Columns first, then the levels of the index, as pandas has them.
    index = {name for name in document.get("index_columns", []) if isinstance(name, str)}
    columns = [entry for entry in kept if entry.get("field_name") not in index]
    levels = [entry for entry in kept if entry.get("field_name") in index]
    document["columns"] = [*columns, *own, *levels]
    return json.dumps(document).encode()


def _arrow(value: bytes, added: pa.Schema) -> bytes:
    import pyarrow as pa

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


def _pandas_type(kind: pa.DataType) -> str:
    """What pandas calls a column of this type; Arrow would import pandas to tell."""
    import pyarrow as pa

    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return "unicode"
    if types.is_integer(kind) or types.is_floating(kind):
        return _FLOATS.get(str(kind), str(kind))
    if types.is_timestamp(kind):
        return "datetimetz" if kind.tz else "datetime"
    for name, is_it in {
        "bool": types.is_boolean,
        "date": types.is_date,
        "time": types.is_time,
        "bytes": types.is_binary,
        "decimal": types.is_decimal,
    }.items():
        if is_it(kind):
            return name
    return "object"


def _numpy_type(kind: pa.DataType) -> str:
    import pyarrow as pa

    types = pa.types
    if types.is_timestamp(kind):
        return f"datetime64[{kind.unit}{f', {kind.tz}' if kind.tz else ''}]"
    if types.is_duration(kind):
        return f"timedelta64[{kind.unit}]"
    plain = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return _pandas_type(kind) if plain else "object"


def _spark(value: bytes, added: pa.Schema, left_out: Collection[str] = ()) -> bytes:
    document: dict[str, Any] = json.loads(value)
    document["fields"] = [field for field in document["fields"] if field["name"] not in left_out]
    document["fields"] += [
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
