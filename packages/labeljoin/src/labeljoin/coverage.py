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
    from collections.abc import Iterable, Iterator

    from labeljoin.keys import Derivation

SAMPLE = 20
"""How many keys of a kind an audit shows."""

_COMPACTED = 1 << 20
_GATHERED = 1 << 14


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
    for some in _gathered(values):
        census.add(some)
    return census.coverage()


def _gathered(
    values: Iterable[pa.Array | pa.ChunkedArray],
) -> Iterator[pa.Array | pa.ChunkedArray]:
    """``values`` in fewer pieces: a call costs as much for a thousand rows as for many more."""
    pending: list[pa.Array] = []
    for some in values:
        gathers = isinstance(some, pa.Array) and pa.types.is_string(some.type)
        if gathers:
            pending.append(some)
        if pending and (not gathers or sum(map(len, pending)) >= _GATHERED):
            yield pa.concat_arrays(pending)
            pending = []
        if not gathers:
            yield some
    if pending:
        yield pa.concat_arrays(pending)


class _Census:
    def __init__(self, matcher: KeyMatcher) -> None:
        self._matcher = matcher
        self._rows = 0
        self._matched_rows = 0
        self._keyless = dict.fromkeys(KEYLESS_REASONS, 0)
        # The distinct keys, the first text of each, and whether another text yields it too.
        self._keys = pa.array([], pa.string())
        self._texts = pa.array([], pa.string())
        self._folded = np.empty(0, np.bool_)
        self._fold_sample: dict[str, tuple[str, str]] = {}
        self._pending: list[Derivation] = []
        self._pending_size = 0

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        match = self._matcher.match(values)
        self._rows += len(match.indices)
        per_value = np.bincount(
            match.indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(match.labels)
        )
        self._matched_rows += int(per_value[match.labels != NO_LABEL].sum())
        for reason, count in count_reasons(match.reasons, match.indices).items():
            self._keyless[reason] += count
        self._pending.append(match.fresh)
        self._pending_size += len(match.fresh.keys)
        if self._pending_size > max(_COMPACTED, len(self._keys)):
            self._compact()

    def _compact(self) -> None:
        has_key = [fresh.keys.is_valid() for fresh in self._pending]
        pairs = list(zip(self._pending, has_key, strict=True))
        keys = pa.concat_arrays([self._keys, *(f.keys.filter(mask) for f, mask in pairs)])
        texts = pa.concat_arrays([self._texts, *(f.texts.filter(mask) for f, mask in pairs)])
        self._pending, self._pending_size = [], 0
        encoded = pc.dictionary_encode(keys)
        places = encoded.indices.to_numpy()
        # Entries are in the order of their first row, so those of before keep their places.
        first = np.empty(len(encoded.dictionary), np.int64)
        first[places[::-1]] = np.arange(len(places))[::-1]
        firsts = texts.take(pa.array(first))
        differing = pc.not_equal(texts, firsts.take(encoded.indices)).to_numpy(zero_copy_only=False)
        folded = np.zeros(len(first), np.bool_)
        folded[: len(self._folded)] = self._folded
        folded[places[differing]] = True
        for row in np.flatnonzero(differing)[:SAMPLE].tolist():
            pair = sorted((firsts[int(places[row])].as_py(), texts[row].as_py()))
            self._fold_sample.setdefault(keys[row].as_py(), (pair[0], pair[1]))
        self._keys, self._texts, self._folded = encoded.dictionary, firsts, folded

    def coverage(self) -> Coverage:
        self._compact()
        label_keys = self._matcher.label_keys
        matched = pc.is_in(self._keys, value_set=label_keys)
        unmatched = self._keys.filter(pc.invert(matched))
        stale = label_keys.filter(pc.invert(pc.is_in(label_keys, value_set=self._keys)))
        return Coverage(
            rows=self._rows,
            matched_rows=self._matched_rows,
            keyless=self._keyless,
            keys=len(self._keys),
            matched_keys=len(self._keys) - len(unmatched),
            folded_keys=int(self._folded.sum()),
            folded_sample=tuple((key, *pair) for key, pair in sorted(self._fold_sample.items())),
            unmatched_sample=_first(unmatched),
            stale_keys=len(stale),
            stale_sample=_first(stale),
        )


def _first(keys: pa.StringArray) -> tuple[str, ...]:
    """The first keys by name, in any run the same."""
    order = pc.sort_indices(keys)[:SAMPLE]
    return tuple(keys.take(order).to_pylist())
