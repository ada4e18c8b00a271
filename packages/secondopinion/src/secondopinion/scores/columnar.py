"""Score rows that are tables: CSV with a header, and parquet, column by column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from labeljoin import open_table
from labeljoin.keys import to_float64
from provenance.toolkit import InputError

from secondopinion.scores.payloads import OK_STATUSES, FieldNames, listed
from secondopinion.scores.rows import ScoreBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields


def read_table(file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:
    """Read the score columns of a table.

    Args:
        file: A CSV with a header, or a parquet file.
        fields: The columns that hold the key and the score.

    Raises:
        InputError: The table has no key column or no score column, or columns of other types.
    """
    table = open_table(file.path) if file.table is None else file.table
    names = fields.among(table.column_names)
    if names.key is None or names.score is None:
        missing, flag = (
            ("the clip key", "--score-key-field")
            if names.key is None
            else ("the score", "--score-field")
        )
        raise InputError(
            f"No column is known to hold {missing}; the columns are {listed(table.column_names)}",
            where=str(file),
            fix=f"Name it with {flag}",
            code="scores.unknown-columns",
        )
    wanted = list(dict.fromkeys(name for name in names if name is not None))
    # Read everything as text: a score column with one "failed" in it is still a score column.
    rows = 0
    for batch in table.batches(wanted, text_columns=wanted):
        if len(batch):
            yield from _batches(batch, names, rows, str(file))
            rows += len(batch)
    if not rows:
        raise InputError(
            "The table has no rows",
            where=str(file),
            fix="Give a file with scores",
            code="scores.empty-table",
        )


def numbers(values: pa.Array, name: str, where: str) -> pa.DoubleArray:
    """Convert values to float64, null for text that is not a number.

    Args:
        values: Numbers, or text with blanks around it.
        name: The column, for the error.
        where: The file, for the error.

    Raises:
        InputError: The values are neither numbers nor text.
    """
    try:
        return to_float64(values)
    except TypeError:
        raise InputError(
            f"The column {name} has the type {values.type}, which is not numeric",
            where=where,
            fix="Name the score column with --score-field",
            code="scores.column-type",
        ) from None


def _batches(
    batch: pa.RecordBatch, names: FieldNames, before: int, where: str
) -> Iterator[ScoreBatch]:
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    score = numbers(columns[names.score or ""], names.score or "", where)
    rows = pa.array(range(before + 1, before + len(batch) + 1), pa.int64())
    ok = _ok(_texts(columns[names.status], names.status, where)) if names.status else None
    runtime = _runtimes(columns[names.runtime]) if names.runtime else None
    frames = _frame_counts(columns[names.frames]) if names.frames else None
    keys = _decoded(columns[names.key or ""])
    if not pa.types.is_floating(keys.type):  # numbers become text later, without a fraction
        keys = _texts(keys, names.key or "", where)
    if names.scorer is None:
        yield ScoreBatch(keys, score, rows, None, None, ok, runtime, frames)
        return
    scorers = pc.utf8_trim_whitespace(_texts(columns[names.scorer], names.scorer, where))
    for scorer in pc.unique(scorers).to_pylist():
        mask = pc.equal(scorers, scorer) if scorer is not None else pc.is_null(scorers)
        yield ScoreBatch(
            keys.filter(mask),
            score.filter(mask),
            rows.filter(mask),
            scorer or None,
            None,
            ok and ok.filter(mask),
            runtime and runtime.filter(mask),
            frames and frames.filter(mask),
        )


def _decoded(values: pa.Array) -> pa.Array:
    """Decode dictionaries, and return text as Arrow's plain string type."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        return values.cast(pa.string())
    return values


def _texts(values: pa.Array, name: str, where: str) -> pa.StringArray:
    try:
        return _decoded(values).cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(
            f"The column {name} has the type {values.type}, which cannot be read as text",
            where=where,
            fix="Write the column as text, or leave it out",
            code="scores.column-not-text",
        ) from None


def _ok(statuses: pa.StringArray) -> pa.BooleanArray:
    texts = pc.utf8_lower(pc.utf8_trim_whitespace(statuses))
    return pc.is_in(pc.fill_null(texts, "ok"), value_set=pa.array(sorted(OK_STATUSES)))


def _runtimes(values: pa.Array) -> pa.DoubleArray:
    """Convert a column to numbers; NaN for entries that are not numbers."""
    try:
        found = numbers(values, "", "")
    except InputError:
        found = pa.nulls(len(values), pa.float64())
    lost = pc.and_(pc.is_null(found), _has_entry(values))
    return pc.if_else(lost, pa.scalar(math.nan), found)


def _frame_counts(values: pa.Array) -> pa.Int64Array:
    """Convert a column to whole numbers; -1 for entries that are not counts."""
    found = _runtimes(values)
    whole = pc.and_(pc.equal(pc.floor(found), found), pc.less(found, 2.0**63))
    return pc.if_else(pc.and_(whole, pc.greater_equal(found, 0.0)), found, -1.0).cast(pa.int64())


def _has_entry(values: pa.Array) -> pa.BooleanArray:
    """Return which rows have an entry; blank text is not one."""
    values = _decoded(values)
    if pa.types.is_string(values.type):
        return pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(values), ""), False)
    return pc.is_valid(values)
