"""Coverage: the share of unique feature clip keys that received a label, counted in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.errors import InputError, VerdictError

from labeljoin.keys import KEYLESS_REASONS, count_reasons
from labeljoin.matching import NO_LABEL, KeyMatcher

if TYPE_CHECKING:
    from collections.abc import Iterable

SAMPLE = 20
"""How many keys of a kind an audit shows."""

_COMPACTED = 1 << 20


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
        folded_sample: The first of these by name, each with two of its values.
        unmatched_sample: Feature clip keys without a label, the first by name.
        stale_keys: Label keys without a feature row.
        stale_sample: The first of these by name.
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

    @property
    def match_rate(self) -> float:
        """Share of unique feature clip keys that received a label; 0 where there are no keys."""
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
            fix="Say whether they are one clip: --key-normalize basename or stem if they are, raw "
            "or a --feature-key-regex if they are not",
        )

    def to_dict(self) -> dict[str, Any]:
        """The members that the audit holds."""
        return {
            "total_feature_keys": self.keys,
            "matched_feature_keys": self.matched_keys,
            "match_rate": self.match_rate,
            "matched_rows": self.matched_rows,
            "missing_rows": self.rows - self.matched_rows,
            "keyless_rows": {
                "count": self.keyless_rows,
                "rate": self.keyless_rate,
                "reasons": dict(self.keyless),
            },
            "folded_feature_keys": self.folded_keys,
            "stale_label_keys": {"count": self.stale_keys, "sample": list(self.stale_sample)},
            "unmatched_feature_keys": {
                "count": self.unmatched_keys,
                "sample": list(self.unmatched_sample),
            },
        }


def measure_coverage(values: Iterable[pa.Array | pa.ChunkedArray], matcher: KeyMatcher) -> Coverage:
    """Count what a key column meets, in memory that grows with its clips and not with its rows.

    Args:
        values: The key values, some rows at a time.
        matcher: Looks up labels.

    Raises:
        InputError: The values are lists, structs or the like.
    """
    census = _Census(matcher)
    for some in values:
        census.add(some)
    return census.coverage()


class _Census:
    def __init__(self, matcher: KeyMatcher) -> None:
        self._matcher = matcher
        self._rows = 0
        self._matched_rows = 0
        self._keyless = dict.fromkeys(KEYLESS_REASONS, 0)
        # Of each key the first and last text by name: two that differ are a fold.
        self._keys = pa.table(
            {name: pa.array([], pa.string()) for name in ("key", "text_min", "text_max")}
        )
        self._pending: list[pa.Table] = []
        self._pending_rows = 0

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        match = self._matcher.match(values)
        self._rows += len(match.indices)
        per_value = np.bincount(
            match.indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(match.labels)
        )
        self._matched_rows += int(per_value[match.labels != NO_LABEL].sum())
        for reason, count in count_reasons(match.reasons, match.indices).items():
            self._keyless[reason] += count
        has_key = match.fresh.keys.is_valid()
        texts = match.fresh.texts.filter(has_key)
        keys = match.fresh.keys.filter(has_key)
        self._pending.append(pa.table({"key": keys, "text_min": texts, "text_max": texts}))
        self._pending_rows += len(keys)
        if self._pending_rows > max(_COMPACTED, len(self._keys)):
            self._compact()

    def _compact(self) -> None:
        grouped = (
            pa.concat_tables([self._keys, *self._pending])
            .group_by("key")
            .aggregate([("text_min", "min"), ("text_max", "max")])
        )
        self._keys = pa.table(
            {
                "key": grouped["key"],
                "text_min": grouped["text_min_min"],
                "text_max": grouped["text_max_max"],
            }
        )
        self._pending, self._pending_rows = [], 0

    def coverage(self) -> Coverage:
        self._compact()
        label_keys = self._matcher.label_keys
        matched = pc.is_in(self._keys["key"], value_set=label_keys)
        unmatched = self._keys["key"].filter(pc.invert(matched))
        stale = label_keys.filter(pc.invert(pc.is_in(label_keys, value_set=self._keys["key"])))
        folds = self._keys.filter(
            pc.not_equal(self._keys["text_min"], self._keys["text_max"])
        ).sort_by("key")
        return Coverage(
            rows=self._rows,
            matched_rows=self._matched_rows,
            keyless=self._keyless,
            keys=len(self._keys),
            matched_keys=len(self._keys) - len(unmatched),
            folded_keys=len(folds),
            folded_sample=tuple(
                (row["key"], row["text_min"], row["text_max"])
                for row in folds.slice(0, SAMPLE).to_pylist()
            ),
            unmatched_sample=_first(unmatched),
            stale_keys=len(stale),
            stale_sample=_first(stale),
        )


def _first(keys: pa.Array | pa.ChunkedArray) -> tuple[str, ...]:
    """The first keys by name, in any run the same."""
    if isinstance(keys, pa.ChunkedArray):
        keys = keys.combine_chunks()
    order = pc.sort_indices(keys)[:SAMPLE]
    return tuple(keys.take(order).to_pylist())
