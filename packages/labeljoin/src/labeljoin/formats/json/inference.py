"""From Python values of JSON rows to Arrow columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa


def column(values: Sequence[Any], *, text: bool) -> pa.Array:
    """An Arrow array of JSON values.

    Integers become int64, mixed numbers float64, objects structs. Values of kinds that have no
    common type (numbers and text in one column) become text.

    Args:
        values: What the JSON decoder gave; None where a row has no such member.
        text: Make a string column whatever the values are.
    """
    import pyarrow as pa

    if not text:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass
        if all(value is None or type(value) in (int, float) for value in values):
            # integers beyond 64 bits
            return pa.array([None if value is None else float(value) for value in values])
    return pa.array([text_of(value) for value in values], pa.string())


def text_of(value: Any) -> str | None:
    """A JSON value as text: strings as they are, null as None, the rest in JSON notation."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def table(
    rows: Sequence[Mapping[str, Any]], columns: Iterable[str], text: frozenset[str]
) -> pa.Table:
    """An Arrow table of JSON rows; members that a row lacks are null."""
    import pyarrow as pa

    return pa.table(
        {name: column([row.get(name) for row in rows], text=name in text) for name in columns}
    )


def merged(tables: Sequence[pa.Table], columns: Sequence[str]) -> pa.Table:
    """Tables inferred batch by batch as one, under the types that fit all of them."""
    import pyarrow as pa

    if len(tables) == 1:
        return tables[0].select(list(columns))
    arrays = {}
    for name in columns:
        chunks = [
            table[name] if name in table.column_names else pa.chunked_array([pa.nulls(len(table))])
            for table in tables
        ]
        kind = common_type([chunk.type for chunk in chunks])
        arrays[name] = pa.chunked_array(
            [piece for chunk in chunks for piece in conformed(chunk, kind).chunks], kind
        )
    return pa.table(arrays)


def common_type(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return the narrowest type that holds all of ``kinds``; string if no other does."""
    import pyarrow as pa

    distinct = list(dict.fromkeys(kinds))
    if len(distinct) == 1:
        return distinct[0]
    schemas = [pa.schema([("", kind)]) for kind in distinct]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()


def conformed(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """``values`` as ``kind``, numbers turned to text in JSON notation."""
    import pyarrow as pa

    if values.type.equals(kind):
        return values
    if pa.types.is_string(kind):
        return pa.chunked_array([pa.array([text_of(v) for v in values.to_pylist()], kind)])
    if pa.types.is_nested(kind):
        return pa.chunked_array([pa.array(values.to_pylist(), kind)])
    return values.cast(kind)
