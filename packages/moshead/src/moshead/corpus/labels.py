"""Labels: the MOS of each row of a table, and how sure the ratings make it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError

from moshead.corpus import leakage
from moshead.features.columns import numbers, words
from moshead.features.domain import MOS_RANGE, Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOS_COLUMN = "mos"
RAW_MOS_COLUMN = "mos_raw_0_100"
STATUS_COLUMN = "mos_label_status"
METHOD_ERROR_COLUMN = "mos_standard_error"
LABEL_COLUMNS = (
    MOS_COLUMN,
    RAW_MOS_COLUMN,
    STATUS_COLUMN,
    "mos_std_dev",
    METHOD_ERROR_COLUMN,
    "mos_n_ratings",
    "n_ratings",
    "corpus",
)
MOS_AGREEMENT = 1e-3
"""Difference up to which two MOS of one clip are the same rating."""


def labels(table: pa.Table, dropped: Counter[str], *, where: str) -> Array:
    """MOS on [1, 5], NaN where a row has none; the reasons are added to ``dropped``."""
    names = table.column_names
    mos = np.full(table.num_rows, np.nan)
    broken = np.zeros(table.num_rows, dtype=bool)
    if MOS_COLUMN in names:
        mos, broken = _label_numbers(table.column(MOS_COLUMN), MOS_COLUMN, where=where)
    if RAW_MOS_COLUMN in names:
        raw, raw_broken = _label_numbers(table.column(RAW_MOS_COLUMN), RAW_MOS_COLUMN, where=where)
        leakage.refuse_wrong_raw_scale(raw, where=where)
        from_raw = 1 + raw / 25
        both = np.isfinite(mos) & np.isfinite(from_raw)
        differ = np.flatnonzero(both & (np.abs(mos - from_raw) > MOS_AGREEMENT))
        if differ.size:
            row = int(differ[0])
            raise InputError(
                f"mos is {mos[row]:g} but mos_raw_0_100 is {raw[row]:g}, which is "
                f"{from_raw[row]:g} on the five-point scale",
                where=f"{where}, row {row + 1}",
                fix="Join the labels again; raw = 25 (mos - 1)",
                code="labels.mos-and-raw-disagree",
            )
        mos = np.where(np.isfinite(mos), mos, from_raw)
        broken |= raw_broken
    status = words(table.column(STATUS_COLUMN)) if STATUS_COLUMN in names else None
    if status is not None:
        # A row that the join left unlabelled has no human rating, whatever its mos says.
        refused = np.asarray([word != "ok" for word in status], dtype=bool)
        for word, count in sorted(Counter(w for w in status if w != "ok").items()):
            dropped[f"label status {word or 'blank'}"] += count
        mos = np.where(refused, np.nan, mos)
        broken &= ~refused
    else:
        refused = np.zeros(table.num_rows, dtype=bool)
    leakage.refuse_wrong_scale(mos, where=where)
    low, high = MOS_RANGE
    outside = np.isfinite(mos) & ((mos < low) | (mos > high))
    absent = ~np.isfinite(mos) & ~refused & ~broken
    for reason, rows in (
        ("no MOS", absent),
        ("MOS is not a number", broken & ~np.isfinite(mos)),
        ("MOS outside [1, 5]", outside),
    ):
        if rows.any():
            dropped[reason] += int(rows.sum())
    return np.where(outside, np.nan, mos)


def _label_numbers(
    column: pa.ChunkedArray, name: str, *, where: str
) -> tuple[Array, NDArray[np.bool_]]:
    """Return label values, and which of them are not numbers."""
    if pa.types.is_boolean(column.type):
        raise InputError(
            "the MOS are true and false",
            where=f"{where}, column {name}",
            fix="Join ratings",
            code="labels.boolean-mos",
        )
    try:
        values = numbers(column, name, where=where)
        broken = np.isinf(values)
    except InputError:
        texts = column.to_pylist()
        values = np.asarray([_label_number(text) for text in texts], dtype=np.float64)
        blank = np.asarray([text is None or not str(text).strip() for text in texts], dtype=bool)
        broken = ~np.isfinite(values) & ~blank
    return np.where(broken, np.nan, values), broken


def _label_number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


@dataclass(frozen=True)
class LabelErrors:
    """How sure the labels are.

    Attributes:
        standard_error: Of each MOS, (N,), NaN where unknown.
        modelled: Rows whose error comes from the method that made the MOS, (N,).
    """

    standard_error: Array
    modelled: NDArray[np.bool_]


def label_errors(table: pa.Table, *, where: str, sd_ddof: Literal[0, 1] = 1) -> LabelErrors:
    """Read the standard error of each MOS.

    ``mos_standard_error`` is the error against the other clips by the method that made the MOS
    (``labeljoin ratings``), right for any design. Elsewhere it is s / sqrt(n) of ``mos_std_dev``
    and ``mos_n_ratings``, which assumes that every clip has raters of its own.

    Args:
        table: The rows.
        where: The table, for errors.
        sd_ddof: What the published deviations were divided by: 1 for n - 1, 0 for n. Of
            deviations divided by n the error is s / sqrt(n - 1).
    """
    unknown = np.full(table.num_rows, np.nan)
    error = _spread_error(table, where, sd_ddof)
    stated = unknown
    if METHOD_ERROR_COLUMN in table.column_names:
        stated = numbers(table.column(METHOD_ERROR_COLUMN), METHOD_ERROR_COLUMN, where=where)
        stated = np.where(stated > 0, stated, np.nan)
    modelled = np.isfinite(stated)
    return LabelErrors(np.where(modelled, stated, error), modelled)


def _spread_error(table: pa.Table, where: str, sd_ddof: Literal[0, 1]) -> Array:
    unknown = np.full(table.num_rows, np.nan)
    counts_column = next((n for n in ("mos_n_ratings", "n_ratings") if n in table.column_names), "")
    if not counts_column or "mos_std_dev" not in table.column_names:
        return unknown
    deviation = numbers(table.column("mos_std_dev"), "mos_std_dev", where=where)
    count = numbers(table.column(counts_column), counts_column, where=where)
    usable = (deviation >= 0) & (count >= 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = deviation / np.sqrt(count - (1 - sd_ddof))
    # A zero deviation everywhere is a corpus that did not publish any.
    if not (deviation[usable] > 0).any():
        return unknown
    return np.where(usable, error, np.nan)


def rating_counts(table: pa.Table, *, where: str) -> Array:
    """Number of ratings behind each MOS, (N,); NaN where the table does not say."""
    for name in ("mos_n_ratings", "n_ratings"):
        if name in table.column_names:
            return numbers(table.column(name), name, where=where)
    return np.full(table.num_rows, np.nan)
