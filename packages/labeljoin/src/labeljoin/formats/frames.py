"""Data frames instead of tables on disk, and results as frames of the same library.

Anything with the Arrow PyCapsule interface (``__arrow_c_stream__``) can be read: pandas, polars,
pyarrow, a DuckDB relation. Results come back as frames of the caller's library where it is one
that narwhals knows (pandas, polars, Modin, cuDF), else as pyarrow tables.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from provenance.toolkit import InputError

from labeljoin.formats.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import pyarrow as pa

_INDEX_LEVEL = re.compile(r"__index_level_[0-9]+__")


class Frame(Protocol):
    """A data frame: anything with the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the frame as an Arrow C stream in a capsule."""


class FrameFacts(TypedDict):
    """What a run record says about a data frame instead of a path.

    ``arrow_sha256`` is the SHA-256 of its rows and columns as one Arrow IPC stream, without the
    metadata of its library. Nothing on disk has these bytes, so the run cannot be replayed.
    """

    in_memory: str
    rows: int
    columns: int
    arrow_sha256: str


class FrameTable(Table):
    """A data frame, read like a table on disk.

    Attributes:
        table: The frame as a pyarrow table.
    """

    format = "frame"

    def __init__(self, table: pa.Table, name: str) -> None:
        super().__init__(Path(name), [Path(name)])
        self.table = table

    def facts(self) -> FrameFacts:
        """Return what a run record says about the frame."""
        return {
            "in_memory": str(self.path),
            "rows": self.table.num_rows,
            "columns": self.table.num_columns,
            "arrow_sha256": arrow_sha256(self.table),
        }

    def _metadata(self, part: Path) -> dict[bytes, bytes]:
        metadata = self.table.schema.metadata or {}
        return {k: v for k, v in metadata.items() if k.startswith(b"moskit.")}

    def _names(self, part: Path) -> list[str]:
        return list(self.table.column_names)

    def _rows(self, part: Path) -> int:
        return int(self.table.num_rows)

    def _part_schema(self, part: Path, text: frozenset[str]) -> pa.Schema:
        return self.table.schema

    def _read(self, part: Path, columns: Sequence[str] | None, text: frozenset[str]) -> pa.Table:
        return self.table if columns is None else self.table.select(list(columns))

    def _batches(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> Iterator[pa.RecordBatch]:
        yield from self._read(part, columns, text).to_batches(max_chunksize=1 << 16)


def is_frame(value: Any) -> bool:
    """Whether ``value`` has the Arrow PyCapsule interface.

    Examples:
        >>> import pyarrow as pa
        >>> is_frame(pa.table({"a": [1]})), is_frame([1])
        (True, False)
    """
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")


def arrow_table(frame: Any, what: str) -> pa.Table:
    """Return a frame as a pyarrow table, text of every kind as ``string`` or ``large_string``.

    Args:
        frame: Anything with the Arrow PyCapsule interface.
        what: What it is, for the error: ``the features``.

    Raises:
        InputError: It does not have the interface, or has two columns of one name.

    Examples:
        >>> import pyarrow as pa
        >>> arrow_table(pa.table({"a": [1]}), "the features").num_rows
        1
    """
    import pyarrow as pa

    if not is_frame(frame):
        lazy = hasattr(frame, "collect")
        raise InputError(
            f"{what} are a {type(frame).__name__}, which does not speak the Arrow PyCapsule "
            "interface",
            fix="Collect it first"
            if lazy
            else "Give a pyarrow, pandas or polars table, a DuckDB relation, or a path",
            code="join.not-a-table",
        )
    table = frame if isinstance(frame, pa.Table) else pa.table(frame)
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise InputError(
            f"{what} have several columns named {twice[0]!r}",
            fix="Rename them",
            code="frames.repeated-column",
        )
    # Of an index, pandas exports the named levels as columns, which may be keys; the others too.
    unnamed = [name for name in table.column_names if _INDEX_LEVEL.fullmatch(name)]
    return _without_views(table.drop_columns(unnamed))


def arrow_sha256(table: pa.Table) -> str:
    """Return the SHA-256 of a table as one Arrow IPC stream of one batch, without metadata.

    Dictionaries are decoded and rows copied first: what a library leaves instead of nulls
    and in unused dictionary values is no part of the table.
    """
    import numpy as np
    import pyarrow as pa

    digest = hashlib.sha256()
    columns = {
        field.name: column.cast(field.type.value_type)
        if pa.types.is_dictionary(field.type)
        else column
        for field, column in zip(table.schema, table.columns, strict=True)
    }
    plain = pa.table(columns).take(pa.array(np.arange(table.num_rows))).combine_chunks()
    with pa.ipc.new_stream(pa.PythonFile(_Sink(digest), mode="w"), plain.schema) as stream:
        stream.write_table(plain)
    return digest.hexdigest()


def frame_with(
    frame: Any,
    added: pa.Table,
    *,
    replaced: Collection[str] = (),
    keep: Sequence[bool] | None = None,
) -> Any:
    """Return a frame of the caller's library with more columns; its own stay as they are.

    Args:
        frame: What the caller gave.
        added: The new columns, one row for each row of ``frame``.
        replaced: Columns of ``frame`` to leave out.
        keep: Whether to keep each row; all by default.

    Returns:
        A frame of the library of ``frame``, with its index where it has one; a pyarrow table
        where the library is unknown.

    Examples:
        >>> import pyarrow as pa
        >>> frame_with(pa.table({"a": [1]}), pa.table({"b": [2]})).column_names
        ['a', 'b']
    """
    import narwhals as nw
    import pyarrow as pa

    known = nw.from_native(frame, eager_only=True, pass_through=True)
    if not isinstance(known, nw.DataFrame) or isinstance(frame, pa.Table):
        table = frame if isinstance(frame, pa.Table) else arrow_table(frame, "the features")
        table = table.drop_columns([n for n in table.column_names if n in replaced])
        for field, column in zip(added.schema, added.columns, strict=True):
            table = table.append_column(field, column)
        if added.schema.metadata:
            own = table.schema.metadata or {}
            table = table.replace_schema_metadata({**own, **added.schema.metadata})
        return table if keep is None else table.filter(pa.array(keep, pa.bool_()))
    native = nw.from_arrow(added, backend=known.implementation)
    result = known.drop([name for name in known.columns if name in replaced])
    result = result.with_columns(*native.iter_columns())
    if keep is not None:
        result = result.filter(list(keep))
    return result.to_native()


def frame_like(frame: Any, table: pa.Table) -> Any:
    """Return a table as a frame of the caller's library; as it is where that is unknown.

    Args:
        frame: What the caller gave.
        table: The result.

    Examples:
        >>> import pyarrow as pa
        >>> frame_like(pa.table({"a": [1]}), pa.table({"b": [2]})).column_names
        ['b']
    """
    import narwhals as nw

    known = nw.from_native(frame, eager_only=True, pass_through=True)
    if not isinstance(known, nw.DataFrame):
        return table
    return nw.from_arrow(table, backend=known.implementation).to_native()


def _without_views(table: pa.Table) -> pa.Table:
    """Return the table with plain text instead of string views: few functions take those."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        kind = field.type
        column = table.column(place)
        if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
            chunks = [
                pa.DictionaryArray.from_arrays(
                    chunk.indices, chunk.dictionary.cast(pa.large_string())
                )
                for chunk in column.chunks
            ]
            plain = pa.dictionary(kind.index_type, pa.large_string(), kind.ordered)
            column = pa.chunked_array([chunk.cast(plain) for chunk in chunks], plain)
        elif pa.types.is_string_view(kind):
            plain = pa.large_string()
            column = column.cast(plain)
        else:
            continue
        table = table.set_column(place, field.with_type(plain), column)
    return table


class _Sink:
    """A file that only hashes what is written to it."""

    def __init__(self, digest: Any) -> None:
        self._digest = digest
        self._size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._digest.update(view)
        self._size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
