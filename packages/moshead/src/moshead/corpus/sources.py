"""Sources of rows: feature tables as training reads them; a bad line is counted, not fatal."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import labeljoin
import orjson
import pyarrow as pa
from labeljoin.formats import FrameTable, arrow_table
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from labeljoin import Table
    from labeljoin.formats import Frame, FrameFacts

    from moshead.features.schemas import FeatureSchema


class Source:
    """One feature table; JSON lines are read here, the rest by labeljoin.

    Args:
        given: Its path, or a data frame.
        corpus: Name of the corpus that its rows are of; by default, its column ``corpus`` says.
    """

    def __init__(self, given: Path | FrameTable, corpus: str | None = None) -> None:
        self.table: Table = labeljoin.open_table(given) if isinstance(given, Path) else given
        self.path = given if isinstance(given, Path) else given.path
        self.corpus = corpus
        self.where = str(self.path)
        self.lenient = self.table.format == "jsonl"

    @property
    def in_memory(self) -> bool:
        """Whether it is a data frame."""
        return isinstance(self.table, FrameTable)

    def recorded(self) -> str | FrameFacts:
        """Return what a run record says about it: its path, or what a data frame held."""
        return self.table.facts() if isinstance(self.table, FrameTable) else str(self.path)

    @cached_property
    def _lines(self) -> tuple[list[dict[str, Any]], int]:
        return _json_rows(self.table.parts)

    @cached_property
    def names(self) -> list[str]:
        """All column names."""
        if self.lenient:
            return list(dict.fromkeys(name for row in self._lines[0] for name in row))
        return self.table.column_names

    def schema(self) -> pa.Schema:
        """Types of all columns."""
        return self.read(self.names)[0].schema if self.lenient else self.table.schema()

    def require(self, name: str | None) -> None:
        """Refuse a column that does not exist."""
        if name is not None and name not in self.names:
            raise InputError(
                f"there is no column {name!r}",
                where=self.where,
                fix=f"The table has {', '.join(self.names[:20])}",
                code="corpus.no-such-column",
            )

    def read(self, names: Iterable[str], text: Iterable[str] = ()) -> tuple[pa.Table, int]:
        """The columns that exist, and the number of bad lines."""
        wanted = [name for name in names if name in self.names]
        if not self.lenient:
            given = [name for name in text if name in wanted]
            return self.table.read(wanted, text_columns=given), 0
        rows, bad = self._lines
        columns = {
            name: _json_column([row.get(name) for row in rows], text=name in text)
            for name in wanted
        }
        return pa.table(columns or {"": pa.nulls(len(rows))}), bad


def open_source(given: Path | Frame | Source, name: str = "data frame") -> Source:
    """Open a table on disk or in memory.

    Args:
        given: A path, or a data frame: anything with the Arrow PyCapsule interface.
        name: What errors and records call a data frame.

    Raises:
        InputError: It is not a table, or cannot be read.
    """
    if isinstance(given, Source):
        return given
    if isinstance(given, str | os.PathLike):
        return Source(Path(given))
    return Source(FrameTable(arrow_table(given, "the features"), name))


def split_name(text: str) -> tuple[str | None, str]:
    """Split ``NAME=PATH`` at its first ``=``; the whole where it names a file or has no name.

    Args:
        text: What was given.

    Returns:
        The name, None without one, and the path.
    """
    name, separator, path = text.partition("=")
    usable = name.replace("-", "_").replace(".", "_").isidentifier()
    if not separator or not usable or not path or Path(text).exists():
        return None, text
    return name, path


def named_sources(given: Sequence[str | os.PathLike[str]]) -> list[tuple[str | None, Path]]:
    """Split ``[CORPUS=]PATH`` words into names of corpora, None without one, and paths."""
    pairs = [split_name(os.fspath(each)) for each in given]
    return [(name, Path(path)) for name, path in pairs]


def named_source(given: Any, number: int = 1) -> tuple[str | None, Path | Source]:
    """Split one ``[CORPUS=]PATH``, or take a data frame.

    Args:
        given: What was given.
        number: Its place among the tables, by which a data frame is called.
    """
    if isinstance(given, str | os.PathLike):
        return named_sources([given])[0]
    return None, open_source(given, "data frame" if number == 1 else f"data frame {number}")


def _json_rows(parts: Sequence[Path]) -> tuple[list[dict[str, Any]], int]:
    rows: list[dict[str, Any]] = []
    bad = 0
    for part in parts:
        with part.open("rb") as lines:
            for line in lines:
                row = _json_row(line)
                if row is not None:
                    rows.append(row)
                elif line.strip():
                    bad += 1
    return rows, bad


def _json_row(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            # Many writers emit the bare NaN and Infinity that orjson refuses.
            row = json.loads(line)
        except ValueError:
            return None
    return row if isinstance(row, dict) else None


def _json_column(values: list[Any], *, text: bool) -> pa.Array:
    if not text:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass
    return pa.array([None if v is None else v if isinstance(v, str) else str(v) for v in values])


def _is_numeric(kind: pa.DataType) -> bool:
    tests = ("is_integer", "is_floating", "is_boolean", "is_decimal", "is_null")
    return any(getattr(pa.types, test)(kind) for test in tests)


def resolve_schema(schema: FeatureSchema, sources: Sequence[Path | Source]) -> FeatureSchema:
    """Replace the globs of a schema by the columns of feature tables.

    Raises:
        InputError: See :meth:`moshead.features.FeatureSchema.resolve`.
    """
    return resolved(schema, [open_source(each) for each in sources])


def resolved(schema: FeatureSchema, tables: Sequence[Source]) -> FeatureSchema:
    """As :func:`resolve_schema`, of tables that are open."""
    if not schema.has_globs:
        return schema
    columns = [column for table in tables for column in table.schema()]
    others = list(dict.fromkeys(c.name for c in columns if not _is_numeric(c.type)))
    numeric = list(dict.fromkeys(c.name for c in columns if c.name not in set(others)))
    return schema.resolve(numeric, others)
