"""Which label each value of a key column meets, and the columns that it thereby gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labeljoin.keys import Derivation, KeyRule, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

REMEMBERED = 1_000_000
"""Distinct values whose label is remembered; beyond that memory would grow with the rows."""

NO_LABEL = -1


@dataclass(frozen=True)
class Match:
    """What some consecutive rows met.

    Attributes:
        indices: For each row the position of its value among the distinct ones, null for null.
        labels: For each distinct value the position of its label, :data:`NO_LABEL` where none.
        reasons: For each distinct value why it has no key, as in
            :attr:`labeljoin.keys.Derivation.reasons`.
        fresh: What the rule made of the values that were not met before.
    """

    indices: pa.Int32Array
    labels: NDArray[np.int32]
    reasons: NDArray[np.int8]
    fresh: Derivation


class KeyMatcher:
    """Looks values up in label keys, each distinct value once as far as memory allows.

    Args:
        rule: How values become clip keys.
        label_keys: The distinct clip keys of the labels.
    """

    def __init__(self, rule: KeyRule, label_keys: pa.StringArray) -> None:
        self.rule = rule
        self.label_keys = label_keys
        self._values = pa.array([], pa.string())
        self._labels = np.empty(0, np.int32)
        self._reasons = np.empty(0, np.int8)

    def match(self, values: pa.Array | pa.ChunkedArray) -> Match:
        """Match the values of some consecutive rows.

        Raises:
            InputError: The values are lists, structs or the like.
        """
        distinct, indices = encode(values)
        known = pc.index_in(distinct, value_set=self._values)
        fresh_at = pc.indices_nonzero(known.is_null())
        fresh = distinct.take(fresh_at)
        derived = self.rule.derive(fresh)
        found = _positions(pc.index_in(derived.keys, value_set=self.label_keys, skip_nulls=True))
        labels = np.empty(len(distinct), np.int32)
        reasons = np.empty(len(distinct), np.int8)
        old = known.is_valid().to_numpy(zero_copy_only=False)
        old_at = known.drop_null().to_numpy(zero_copy_only=False)
        labels[old], reasons[old] = self._labels[old_at], self._reasons[old_at]
        labels[~old], reasons[~old] = found, derived.reasons
        self._remember(fresh, found, derived.reasons)
        return Match(indices, labels, reasons, derived)

    def _remember(
        self, values: pa.StringArray, labels: NDArray[np.int32], reasons: NDArray[np.int8]
    ) -> None:
        if not len(values) or len(self._values) + len(values) > REMEMBERED:
            return
        self._values = pa.concat_arrays([self._values, values])
        self._labels = np.concatenate([self._labels, labels])
        self._reasons = np.concatenate([self._reasons, reasons])


class ColumnsForLabels:
    """The new columns of some rows, for :func:`labeljoin.attach`; it pickles.

    Args:
        matcher: Looks up labels.
        labels: The columns of each label, by position.
        missing: What a column holds where there is no label; null unless given.
    """

    def __init__(
        self, matcher: KeyMatcher, labels: pa.Table, missing: dict[str, str] | None = None
    ) -> None:
        self.matcher = matcher
        self.labels = labels
        self.missing = missing or {}

    @property
    def schema(self) -> pa.Schema:
        """The new columns."""
        return self.labels.schema

    def __call__(self, values: pa.Array) -> pa.RecordBatch:
        """The new columns of rows with these key values, dictionary-encoded.

        Args:
            values: Key values of consecutive rows.
        """
        match = self.matcher.match(values)
        used, position = np.unique(match.labels, return_inverse=True)
        # One null label stands for all values without one.
        labels = self.labels.take(pa.array(used, pa.int32(), mask=used == NO_LABEL))
        rows = pa.array(position.astype(np.int32)).take(match.indices)
        if len(used) == 0 or used[0] != NO_LABEL:
            rows, labels = _with_null_row(rows, labels)
        else:
            rows = pc.fill_null(rows, 0)
        arrays = []
        for name in labels.column_names:
            column = labels[name].combine_chunks()
            if name in self.missing:
                column = pc.fill_null(column, self.missing[name])
            arrays.append(_spread(column, rows))
        return pa.RecordBatch.from_arrays(arrays, names=labels.column_names)


def _with_null_row(rows: pa.Int32Array, labels: pa.Table) -> tuple[pa.Int32Array, pa.Table]:
    """Put a label of nulls first, and let null rows point at it."""
    nulls = pa.table([pa.nulls(1, kind) for kind in labels.schema.types], schema=labels.schema)
    return pc.fill_null(pc.add(rows, pa.scalar(1, pa.int32())), 0), pa.concat_tables(
        [nulls, labels]
    )


def _spread(column: pa.Array, rows: pa.Int32Array) -> pa.Array:
    """``column`` at ``rows``, dictionary-encoded without repeated entries where Arrow can."""
    if pa.types.is_nested(column.type):
        return column.take(rows)
    encoded = pc.dictionary_encode(column)
    return pa.DictionaryArray.from_arrays(encoded.indices.take(rows), encoded.dictionary)


def _positions(found: pa.Int32Array) -> NDArray[np.int32]:
    return np.asarray(pc.fill_null(found, NO_LABEL).to_numpy(zero_copy_only=False))
