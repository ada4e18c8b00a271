"""Read columns of a feature table as arrays of numbers or words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from moshead.features.domain import Array


class Columns:
    """Columns of a table as arrays of numbers (NaN for null) or words (None for null)."""

    def __init__(self, table: pa.Table, where: str) -> None:
        self.table = table
        self.where = where
        self.rows = table.num_rows

    def number(self, name: str) -> Array | None:
        """Return a column as numbers, (N,), or None if the table lacks it."""
        if name not in self.table.column_names:
            return None
        return numbers(self.table.column(name), name, where=self.where)

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Return where a column is null, (N,); everywhere if the table lacks it."""
        if name not in self.table.column_names:
            return np.ones(self.rows, dtype=bool)
        return np.asarray(self.table.column(name).is_null())

    def words(self, name: str) -> list[str | None] | None:
        """Return a column as words in lower case, or None if the table lacks it."""
        if name not in self.table.column_names:
            return None
        texts = self.table.column(name).cast(pa.string()).to_pylist()
        return [text.strip().lower() if text is not None else None for text in texts]

    def first_number(self, names: Iterable[str]) -> Array:
        """Return for each row the number of the first column in ``names`` that has one."""
        values = np.full(self.rows, np.nan)
        for name in names:
            column = self.number(name)
            if column is not None:
                values = np.where(np.isnan(values), column, values)
        return values

    def first_words(self, names: Iterable[str]) -> list[str | None]:
        """Return for each row the word of the first column in ``names`` that has one."""
        values: list[str | None] = [None] * self.rows
        for name in names:
            column = self.words(name)
            if column is not None:
                values = [old or new for old, new in zip(values, column, strict=True)]
        return values


def numbers(column: pa.ChunkedArray, name: str, *, where: str) -> Array:
    """Return a column as float64, NaN for null.

    Raises:
        InputError: The column holds something other than numbers.
    """
    kind = column.type
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            column = pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column)
            column = pc.utf8_trim_whitespace(column)
        if pa.types.is_boolean(kind):
            column = column.cast(pa.uint8())
        # A chunked array of zero chunks has no dtype to convert from.
        values = column.cast(pa.float64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"the feature column holds {kind} values that are not numbers",
            where=f"{where}, column {name}",
            fix="Give numbers, or leave the column out of the schema",
            code="features.not-numbers",
        ) from error
    return np.asarray(values, dtype=np.float64)


def words(column: pa.ChunkedArray) -> list[str]:
    """Return a column as stripped text, empty for null."""
    return [(text or "").strip() for text in column.cast(pa.string()).to_pylist()]
