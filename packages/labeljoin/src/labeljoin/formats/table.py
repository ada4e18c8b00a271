"""A table on disk, of any format: one file or a directory of parts."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa


class Table(ABC):
    """A table on disk. Made by :func:`labeljoin.open_table`; reads lazily, in file order.

    A format implements the methods that begin with an underscore, each for one part.

    Attributes:
        path: What was opened: a file, or a directory of parts.
        parts: The files that hold the rows, in the order in which they are read.
        format: The name of the format of all parts.
        names_in_rows: Whether each row names its own columns, as in JSON. Then all names are
            known only when all rows were read, and attaching checks them row by row.
    """

    format: ClassVar[str]
    names_in_rows: ClassVar[bool] = False

    def __init__(self, path: Path, parts: Sequence[Path]) -> None:
        self.path = path
        self.parts = tuple(parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @cached_property
    def column_names(self) -> list[str]:
        """All column names: those of the first part, then what later parts add."""
        return list(dict.fromkeys(name for part in self.parts for name in self._names(part)))

    @property
    def leading_names(self) -> list[str]:
        """The column names that the first rows show: all of them but in JSONL.

        JSONL names its columns in every line, and :attr:`column_names` reads all of them; this
        reads the first 16,384 lines.
        """
        return self.column_names

    def schema(self, *, text_columns: Iterable[str] = ()) -> pa.Schema:
        """The Arrow schema of all columns.

        Args:
            text_columns: Columns that CSV and JSON tables read as text exactly as written;
                parquet columns keep their type.

        Raises:
            InputError: Two parts give one column types that cannot be reconciled.
        """
        return self._schema(None, frozenset(text_columns))

    def key_value_metadata(self) -> dict[bytes, bytes]:
        """What the file says about itself beside its rows; empty where the format has no place.

        Of a directory, the entries that all parts share.
        """
        shared: dict[bytes, bytes] | None = None
        for part in self.parts:
            own = self._metadata(part)
            shared = own if shared is None else dict(shared.items() & own.items())
        return shared or {}

    def row_count(self) -> int:
        """Return the number of rows in all parts."""
        return sum(self._rows(part) for part in self.parts)

    def part_row_count(self, part: Path) -> int:
        """Return the number of rows in one part."""
        return self._rows(part)

    def read(
        self, columns: Sequence[str] | None = None, *, text_columns: Iterable[str] = ()
    ) -> pa.Table:
        """Read the table into memory.

        Args:
            columns: The columns to read, in this order; all by default.
            text_columns: Columns that CSV and JSON tables read as text exactly as written, so
                that ``007`` stays ``007``.

        Raises:
            InputError: A column does not exist, or a part cannot be read.
        """
        import pyarrow as pa

        self.require(columns)
        text = frozenset(text_columns)
        tables = [self._read(part, self._held(part, columns), text) for part in self.parts]
        if len(tables) == 1:
            return tables[0]
        schema = self._unified([table.schema for table in tables])
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns], metadata=schema.metadata)
        return pa.concat_tables([_conformed(table, schema) for table in tables])

    def batches(
        self, columns: Sequence[str] | None = None, *, text_columns: Iterable[str] = ()
    ) -> Iterator[pa.RecordBatch]:
        """Read the table in batches of bounded size, all of one schema.

        Args:
            columns: The columns to read, in this order; all by default.
            text_columns: As for :meth:`read`.

        Raises:
            InputError: A column does not exist, or a part cannot be read.
        """
        import pyarrow as pa

        self.require(columns)
        text = frozenset(text_columns)
        schema = self._schema(columns, text)
        for part in self.parts:
            for batch in self._batches(part, self._held(part, columns), text):
                conformed = _conformed(pa.Table.from_batches([batch]), schema)
                yield from conformed.to_batches()

    def key_values(self, name: str) -> Iterator[pa.Array]:
        """The values of one column, as :func:`labeljoin.attach` hands them to its callback.

        Text exactly as written for JSON and CSV; for parquet the column's own type, as
        dictionary arrays where Arrow can read them so. In pieces of bounded size, in order.

        Raises:
            InputError: The column does not exist, or a part cannot be read.
        """
        self.require([name])
        for part in self.parts:
            yield from self.part_key_values(part, name)

    def part_key_values(self, part: Path, name: str) -> Iterator[pa.Array]:
        """The values of one column in one part, as :meth:`key_values` gives them.

        Raises:
            InputError: The part lacks the column, or cannot be read.
        """
        self.require_in(part, name)
        yield from self._key_values(part, name)

    def require_in(self, part: Path, name: str) -> None:
        """Raise an InputError where a part lacks a column that others have."""
        if len(self.parts) > 1 and name not in self._names(part):
            raise InputError(
                f"this part has no column {name!r}, and others have",
                where=str(part),
                fix="Take the file out of the directory, or give it the column",
                code="tables.part-without-column",
            )

    def _held(self, part: Path, columns: Sequence[str] | None) -> Sequence[str] | None:
        """Those of ``columns`` that a part has; the others are null in its rows."""
        if columns is None or len(self.parts) == 1:
            return columns
        names = set(self._names(part))
        return [name for name in columns if name in names]

    def require(self, columns: Sequence[str] | None) -> None:
        """Raise an InputError unless the table has all of ``columns``."""
        missing = [name for name in columns or () if name not in self.column_names]
        if missing:
            if not self.column_names:
                raise InputError(
                    f"there is no column {missing[0]!r}: the table has no columns",
                    where=str(self.path),
                    fix="Give a table with rows and columns",
                    code="tables.no-columns",
                )
            close = difflib.get_close_matches(missing[0], self.column_names, n=3)
            shown = close or self.column_names[:20]
            more = "" if close or len(self.column_names) <= 20 else ", …"
            raise InputError(
                f"there is no column {', '.join(repr(name) for name in missing)}",
                where=str(self.path),
                fix=f"{'Did you mean' if close else 'Name one of'} {', '.join(shown)}{more}",
                code="tables.no-such-column",
            )

        self._require_once(columns or ())

    def _require_once(self, columns: Iterable[str]) -> None:
        """Raise an InputError where a part has two columns of one of these names."""
        if self.names_in_rows:
            return  # and of members with one name, the last counts
        for part in self.parts:
            names = self._names(part)
            twice = [name for name in columns if names.count(name) > 1]
            if twice:
                raise InputError(
                    f"{names.count(twice[0])} columns have the name {twice[0]!r}",
                    where=str(part),
                    fix="Rename all but one of them",
                    code="tables.repeated-column",
                )

    def _schema(self, columns: Sequence[str] | None, text: frozenset[str]) -> pa.Schema:
        import pyarrow as pa

        schema = self._unified([self._part_schema(part, text) for part in self.parts])
        if columns is None:
            return schema
        return pa.schema([schema.field(name) for name in columns], metadata=schema.metadata)

    def _unified(self, schemas: Sequence[pa.Schema]) -> pa.Schema:
        import pyarrow as pa

        first = schemas[0]
        if all(schema.equals(first) for schema in schemas[1:]):
            return first
        try:
            return pa.unify_schemas(list(schemas), promote_options="permissive").with_metadata(
                first.metadata
            )
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(
                f"the parts disagree on the type of a column ({error})",
                where=str(self.path),
                fix="Write all parts with one schema",
                code="tables.part-types",
            ) from None

    def _metadata(self, part: Path) -> dict[bytes, bytes]:
        return {}

    @abstractmethod
    def _names(self, part: Path) -> list[str]: ...

    @abstractmethod
    def _rows(self, part: Path) -> int: ...

    @abstractmethod
    def _part_schema(self, part: Path, text: frozenset[str]) -> pa.Schema: ...

    @abstractmethod
    def _read(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> pa.Table: ...

    def _key_values(self, part: Path, name: str) -> Iterator[pa.Array]:
        for batch in self._batches(part, [name], frozenset([name])):
            yield batch.column(0)

    @abstractmethod
    def _batches(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> Iterator[pa.RecordBatch]: ...


def column_values(features: Table | pa.Table, name: str) -> Iterable[pa.Array | pa.ChunkedArray]:
    """The values of a column some rows at a time, text formats as written.

    Args:
        features: A table on disk or in memory.
        name: One of its columns.

    Examples:
        >>> import pyarrow as pa
        >>> [values.to_pylist() for values in column_values(pa.table({"clip": ["a", "b"]}), "clip")]
        [['a', 'b']]
    """
    return features.key_values(name) if isinstance(features, Table) else [features[name]]


def _conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table`` with the columns and types of ``schema``; columns that it lacks are null."""
    import pyarrow as pa

    if table.schema.equals(schema, check_metadata=True):
        return table
    arrays = []
    for field in schema:
        if field.name not in table.column_names:
            arrays.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table[field.name]
        if not column.type.equals(field.type):
            try:
                column = column.cast(field.type)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
                column = pa.array(column.to_pylist(), field.type)
        arrays.append(column)
    return pa.Table.from_arrays(arrays, schema=schema)
