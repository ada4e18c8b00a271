"""Which label each value of a key column meets, and the columns that it thereby gets."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labeljoin.keys.numeric import is_text
from labeljoin.keys.rule import KEYLESS_REASONS, Derivation, KeyRule
from labeljoin.keys.text import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

REMEMBERED = 1_000_000
"""Distinct values whose label is remembered; beyond that memory would grow with the rows."""

LISTED = 1_000_000
"""Labels that are looked up in a dictionary; of more, Arrow's hash takes a fraction of the room."""

NO_LABEL = -1

_MANY = 4
"""Arrow hashes all labels for each lookup, which pays from a quarter as many keys on."""

_UNKNOWN = -1
_REASONS = len(KEYLESS_REASONS) + 1


@dataclass(frozen=True)
class Match:
    """What some consecutive rows met.

    Attributes:
        indices: For each row the position of its value among the distinct ones, null for null.
        labels: For each distinct value the position of its label, :data:`NO_LABEL` where none.
        reasons: For each distinct value why it has no key, as in
            :attr:`labeljoin.keys.rule.Derivation.reasons`.
    """

    indices: pa.Int32Array
    labels: NDArray[np.int32]
    reasons: NDArray[np.int8]


class KeyMatcher:
    """Looks values up in label keys, each distinct value once as far as memory allows.

    Args:
        rule: How values become clip keys.
        label_keys: The distinct clip keys of the labels.
    """

    def __init__(self, rule: KeyRule, label_keys: pa.StringArray) -> None:
        self.rule = rule
        self.label_keys = label_keys
        # A dictionary, for blocks are many and small, and Arrow's index_in hashes the whole of what
        # it looks up in for each. Label and reason are one number, so that threads which share
        # the matcher find an entry whole or not at all.
        self._known: dict[str | None, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Another process makes its own notes; they would cost more to send than to find again.
        return {**self.__dict__, "_known": {}, "_positions": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        del self.__dict__["_positions"]

    @functools.cached_property
    def _positions(self) -> dict[str, int]:
        return dict(zip(self.label_keys.to_pylist(), range(len(self.label_keys)), strict=True))

    def _find(self, keys: pa.StringArray) -> NDArray[np.int64]:
        """The position of each key's label."""
        many = len(keys) * _MANY > len(self.label_keys)
        if many or len(self.label_keys) > LISTED:
            found = pc.index_in(keys, value_set=self.label_keys, skip_nulls=True)
            return np.asarray(pc.fill_null(found, NO_LABEL).to_numpy(), np.int64)
        positions = self._positions
        return np.array([positions.get(key, NO_LABEL) for key in keys.to_pylist()], np.int64)

    def match(self, values: pa.Array | pa.ChunkedArray) -> Match:
        """Match the values of some consecutive rows.

        Raises:
            InputError: The values are lists, structs or the like.
        """
        distinct, indices = encode(values)
        texts = distinct.to_pylist()
        known = self._known
        codes = np.array([known.get(text, _UNKNOWN) for text in texts], np.int64)
        fresh = np.flatnonzero(codes == _UNKNOWN)
        if len(fresh):
            unknown = distinct.take(pa.array(fresh))
            codes[fresh] = self._learned(unknown, self.rule.derive(unknown))
        return Match(
            indices,
            (codes // _REASONS - 1).astype(np.int32),
            (codes % _REASONS - 1).astype(np.int8),
        )

    def learn(self, texts: pa.StringArray, derived: Derivation) -> NDArray[np.int64]:
        """Look up what the rule made of distinct texts, and remember it as far as memory allows.

        Returns:
            For each text the position of its label, :data:`NO_LABEL` where none.
        """
        return self._learned(texts, derived) // _REASONS - 1

    def _learned(self, texts: pa.StringArray, derived: Derivation) -> NDArray[np.int64]:
        """The codes of distinct texts."""
        codes = (self._find(derived.keys) + 1) * _REASONS + derived.reasons + 1
        if len(self._known) + len(texts) > REMEMBERED:
            self._known = {}
        if len(texts) <= REMEMBERED:
            self._known.update(zip(texts.to_pylist(), codes.tolist(), strict=True))
        return codes


class ColumnsForLabels:
    """The new columns of some rows, for :func:`labeljoin.attach`; it pickles.

    Args:
        matcher: Looks up labels.
        labels: The columns of each label, by position; text may be dictionary-encoded.
        missing: What a column holds without a label; null by default.
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
        return pa.schema(
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in self.labels.schema
        )

    def __call__(self, values: pa.Array) -> pa.RecordBatch:
        """The new columns of rows with these key values; text is dictionary-encoded.

        Args:
            values: Key values of consecutive rows.
        """
        match = self.matcher.match(values)
        positions, rows = match.labels, match.indices
        if rows.null_count:  # they match no label, like a value behind the last
            rows = pc.fill_null(rows, len(positions))
            positions = np.append(positions, np.int32(NO_LABEL))
        labels = self.labels.take(pa.array(positions, mask=positions == NO_LABEL))
        arrays = []
        spreading = _Spreading(rows)
        for name in labels.column_names:
            column = labels[name].combine_chunks()
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            if name in self.missing:
                column = pc.fill_null(column, self.missing[name])
            arrays.append(spreading.of(column))
        return pa.RecordBatch.from_arrays(arrays, names=labels.column_names)


class _Spreading:
    """Spreads values of labels over rows; columns that come out alike share their memory.

    Args:
        rows: The position of each row's label.
    """

    def __init__(self, rows: pa.Int32Array) -> None:
        self._rows = rows
        self._nulls: dict[pa.DataType, pa.Array] = {}

    def of(self, column: pa.Array) -> pa.Array:
        """A column of the rows, text dictionary-encoded without repeated entries.

        Parquet writes text from dictionaries as it is, and nothing else: numbers it would decode.
        """
        if is_text(column.type):
            encoded = pc.dictionary_encode(column)
            constant = len(encoded.dictionary) == 1 and not encoded.null_count
            indices = self._zeros if constant else self._taken(encoded.indices)
            return pa.DictionaryArray.from_arrays(indices, encoded.dictionary, safe=False)
        if column.null_count < len(column):
            return self._taken(column)
        if column.type not in self._nulls:
            self._nulls[column.type] = pa.nulls(len(self._rows), column.type)
        return self._nulls[column.type]

    def _taken(self, column: pa.Array) -> pa.Array:
        return pc.take(column, self._rows, boundscheck=False)

    @functools.cached_property
    def _zeros(self) -> pa.Int32Array:
        return pa.array(np.zeros(len(self._rows), np.int32))
