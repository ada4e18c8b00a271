"""Coverage: the share of unique feature clip keys that received a label, counted in one pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError, VerdictError

from labeljoin.formats.table import column_values
from labeljoin.keys.counts import KeyCounts
from labeljoin.keys.matching import NO_LABEL, KeyMatcher
from labeljoin.keys.rule import KEYLESS_REASONS, NULL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from labeljoin.facts import CoverageFacts, KeylessReasons
    from labeljoin.formats.base import FirstPass
    from labeljoin.formats.table import Table

SAMPLE = 20
"""How many keys of a kind an audit shows."""


class CoverageError(VerdictError):
    """A join missed a minimum. Its ``document`` is the audit, which was written."""


@dataclass(frozen=True)
class Coverage:
    """What the key column of a feature table met in the labels.

    Attributes:
        rows: Rows of the table.
        matched_rows: Rows that received a label.
        keyless: Rows whose value yields no clip key, by reason.
        keys: Unique feature clip keys.
        matched_keys: Those of them that received a label.
        folded_keys: Those of them that several distinct values yield.
        folded_sample: Some of these, each with two of its values.
        unmatched_sample: Feature clip keys without a label, the first by name.
        stale_keys: Label keys without a feature row.
        stale_sample: The first of these by name.
        label_rows: For each label key the rows that have it, int64.
    """

    rows: int
    matched_rows: int
    keyless: dict[str, int]
    keys: int
    matched_keys: int
    folded_keys: int
    folded_sample: tuple[tuple[str, str, str], ...]
    unmatched_sample: tuple[str, ...]
    stale_keys: int
    stale_sample: tuple[str, ...]
    label_rows: NDArray[np.int64] = field(repr=False, compare=False)

    @property
    def match_rate(self) -> float:
        """Share of unique feature clip keys that received a label; 0 if there are no keys."""
        return self.matched_keys / self.keys if self.keys else 0.0

    @property
    def unmatched_keys(self) -> int:
        """Unique feature clip keys without a label."""
        return self.keys - self.matched_keys

    @property
    def keyless_rows(self) -> int:
        """Rows whose value yields no clip key."""
        return sum(self.keyless.values())

    @property
    def keyless_rate(self) -> float:
        """Share of the rows that are keyless."""
        return self.keyless_rows / self.rows if self.rows else 0.0

    def guessed_fold(self, where: str) -> InputError:
        """The error for distinct values that ``auto`` folded into one key; two are shown."""
        key, one, other = self.folded_sample[0]
        more = f", and {self.folded_keys - 1:,} more keys fold" if self.folded_keys > 1 else ""
        return InputError(
            f"the values {one!r} and {other!r} both become the clip key {key!r}{more}",
            where=where,
            fix="Decide whether they are one clip: --key-normalize basename or stem if they are, "
            "raw or a --feature-key-regex if they are not",
            code="keys.guessed-fold",
        )

    def to_dict(self) -> CoverageFacts:
        """Return the members of the audit."""
        return {
            "total_feature_keys": self.keys,
            "matched_feature_keys": self.matched_keys,
            "match_rate": self.match_rate,
            "matched_rows": self.matched_rows,
            "missing_rows": self.rows - self.matched_rows,
            "keyless_rows": {
                "count": self.keyless_rows,
                "rate": self.keyless_rate,
                "reasons": cast("KeylessReasons", dict(self.keyless)),
            },
            "folded_feature_keys": self.folded_keys,
            "stale_label_keys": {"count": self.stale_keys, "sample": list(self.stale_sample)},
            "unmatched_feature_keys": {
                "count": self.unmatched_keys,
                "sample": list(self.unmatched_sample),
            },
        }


def table_coverage(
    features: Table | pa.Table,
    key_column: str,
    matcher: KeyMatcher,
    *,
    where: str,
    first_pass: FirstPass | None = None,
    added: Collection[str] = (),
    progress: ProgressCallback | None = None,
) -> Coverage:
    """:func:`measure_coverage` of a table's key column.

    Args:
        features: The table, on disk or in memory.
        key_column: Its key column.
        matcher: Looks up labels, and remembers what it finds.
        where: The table and the column, for errors that name neither.
        first_pass: Reads the keys, where the table is to be attached to.
        added: As for :meth:`labeljoin.formats.FirstPass.counts`.
        progress: As for :meth:`labeljoin.formats.FirstPass.counts`.

    Raises:
        InputError: The column cannot be read, or holds lists, structs or the like.

    Examples:
        >>> import pyarrow as pa
        >>> from labeljoin.keys import KeyMatcher, KeyRule
        >>> features = pa.table({"clip": ["a/1.mp4", "a/3.mp4"]})
        >>> matcher = KeyMatcher(KeyRule(), pa.array(["1", "2"]))
        >>> table_coverage(features, "clip", matcher, where="the features").match_rate
        0.5
    """
    try:
        if first_pass is not None:
            counts = first_pass.counts(key_column, added, progress=progress)
        else:
            counts = KeyCounts.count(column_values(features, key_column), progress=progress)
        return measure_coverage(counts, matcher)
    except InputError as error:
        error.where = error.where or where
        raise


def measure_coverage(
    values: KeyCounts | Iterable[pa.Array | pa.ChunkedArray], matcher: KeyMatcher
) -> Coverage:
    """Count what a key column meets, in memory that grows with its clips and not with its rows.

    Args:
        values: The key values, counted or some rows at a time.
        matcher: Looks up labels, and remembers what it finds.

    Raises:
        InputError: The values are lists, structs or the like.

    Examples:
        >>> import pyarrow as pa
        >>> from labeljoin.keys import KeyMatcher, KeyRule
        >>> matcher = KeyMatcher(KeyRule(), pa.array(["1", "2"]))
        >>> coverage = measure_coverage([pa.array(["a/1.mp4", "a/3.mp4"])], matcher)
        >>> coverage.match_rate, coverage.unmatched_sample, coverage.stale_sample
        (0.5, ('3',), ('2',))
    """
    counts = values if isinstance(values, KeyCounts) else KeyCounts.count(values)
    derived = matcher.rule.derive(counts.texts)
    labels = matcher.learn(counts.texts, derived)
    keyless = {
        reason: int(counts.rows[derived.reasons == code].sum())
        for code, reason in enumerate(KEYLESS_REASONS)
    }
    keyless[NULL] += counts.null_rows
    met = labels != NO_LABEL
    label_rows = np.zeros(len(matcher.label_keys), np.int64)
    np.add.at(label_rows, labels[met], counts.rows[met])
    stale = matcher.label_keys.filter(pa.array(label_rows == 0))
    has_key = derived.keys.is_valid()
    keys, first, folded, sample = _folds(
        derived.texts.filter(has_key), derived.keys.filter(has_key)
    )
    unmatched = keys.filter(pa.array(~met[np.asarray(has_key)][first]))
    return Coverage(
        rows=counts.row_count,
        matched_rows=int(label_rows.sum()),
        keyless=keyless,
        keys=len(keys),
        matched_keys=len(keys) - len(unmatched),
        folded_keys=folded,
        folded_sample=sample,
        unmatched_sample=_first(unmatched),
        stale_keys=len(stale),
        stale_sample=_first(stale),
        label_rows=label_rows,
    )


def _folds(
    texts: pa.StringArray, keys: pa.StringArray
) -> tuple[pa.StringArray, NDArray[np.int64], int, tuple[tuple[str, str, str], ...]]:
    """The distinct keys and the place of each one's first text.

    And how many of them several texts yield, and some of these with two texts.
    """
    encoded = pc.dictionary_encode(keys)
    distinct, places = encoded.dictionary, encoded.indices.to_numpy()
    first = np.empty(len(distinct), np.int64)
    first[places[::-1]] = np.arange(len(places))[::-1]
    differs = pc.not_equal(texts, texts.take(pa.array(first[places])))
    other = np.full(len(distinct), -1)
    rows = np.flatnonzero(differs.to_numpy(zero_copy_only=False))[::-1]
    other[places[rows]] = rows
    folded = np.flatnonzero(other >= 0)
    by_name = pc.sort_indices(distinct.take(pa.array(folded)))[:SAMPLE].to_pylist()
    sample = tuple(
        (distinct[place].as_py(), *sorted(texts[int(row[place])].as_py() for row in (first, other)))
        for place in folded[by_name].tolist()
    )
    return distinct, first, len(folded), sample


def _first(keys: pa.StringArray) -> tuple[str, ...]:
    """The first keys by name, in any run the same."""
    order = pc.sort_indices(keys)[:SAMPLE]
    return tuple(keys.take(order).to_pylist())
