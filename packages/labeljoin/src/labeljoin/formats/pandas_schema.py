"""The description of the columns that pandas writes into parquet and Arrow files, extended."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

PANDAS = b"pandas"
"""The name of the description among the file's metadata."""

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}


@contextmanager
def describing(who: str) -> Iterator[None]:
    """Turn what goes wrong with a description into an InputError.

    Args:
        who: Who wrote it.
    """
    try:
        yield
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, OSError) as error:
        raise InputError(
            f"the description of the columns that {who} wrote into the file is damaged ({error})",
            fix=f"Write the file again, or remove its metadata {who!r}",
            code="tables.damaged-description",
        ) from None


@contextmanager
def in_file(path: Path) -> Iterator[None]:
    """Name the file in an InputError that does not say where it is from."""
    try:
        yield
    except InputError as error:
        error.where = error.where or str(path)
        raise


def pandas_metadata(value: bytes, added: pa.Schema, left_out: Collection[str] = ()) -> bytes:
    """Return what pandas wrote about its columns, extended by new ones.

    Format: https://pandas.pydata.org/docs/development/developer.html

    Raises:
        InputError: It is damaged.
    """
    with describing("pandas"):
        return _extended(json.loads(value), added, left_out)


def _extended(document: dict[str, Any], added: pa.Schema, left_out: Collection[str]) -> bytes:
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
