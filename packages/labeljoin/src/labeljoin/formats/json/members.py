"""Rows of Arrow columns as JSON text, ready to stand in an object."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import pyarrow as pa


def member_texts(
    batch: pa.RecordBatch, *, spaced: bool = True, leading_comma: bool = False
) -> list[bytes]:
    """The members of each row as JSON text, without braces.

    Args:
        batch: The rows. NaN and infinity become null: JSON has neither.
        spaced: Write ``"a": 1, "b": 2``, else ``"a":1,"b":2``.
        leading_comma: Put a comma in front of the first member.
    """
    colon, comma = (b": ", b", ") if spaced else (b":", b",")
    if not batch.num_columns:
        return [b""] * batch.num_rows
    template = comma.join(
        json.dumps(name, ensure_ascii=False).encode().replace(b"%", b"%%") + colon + b"%b"
        for name in batch.schema.names
    )
    if leading_comma:
        template = comma + template
    columns = [value_texts(column) for column in batch.columns]
    return [template % row for row in zip(*columns, strict=True)]


def value_texts(column: pa.Array) -> list[bytes]:
    """Each value as JSON text."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        texts = [*value_texts(column.dictionary), b"null"]
        return [texts[-1 if index is None else index] for index in column.indices.to_pylist()]
    values = column.to_pylist()
    if not values:
        return []
    if pa.types.is_primitive(column.type) and not pa.types.is_temporal(column.type):
        # No comma stands in a number: one call writes all of them.
        return orjson.dumps(values)[1:-1].split(b",")
    return [_text(value) for value in values]


def _text(value: Any) -> bytes:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return b"null"
    return json.dumps(value, ensure_ascii=False, default=str).encode()
