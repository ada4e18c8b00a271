"""Nearest training rows of held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array

    Indices = NDArray[np.int64]

NEAR_DUPLICATE = 1e-3
"""Distance below which two rows are equal, as a share of the typical nearest distance."""

_QUERIES = 2000
_MANY_ROWS = 20_000
_BLOCK_VALUES = 2_000_000
_CLIP = 4.0


@dataclass(frozen=True)
class Neighbours:
    """Nearest training rows of some held-out rows.

    Attributes:
        rows: The held-out rows, (Q,).
        nearest: Nearest training row of each, (Q,).
        unlike: Nearest training row with another label, (Q,); -1 where all labels are equal.
        distance: Distance to ``nearest``, (Q,).
        typical: Median distance to ``unlike``.
    """

    rows: Indices
    nearest: Indices
    unlike: Indices
    distance: Array
    typical: float

    @property
    def near_duplicates(self) -> NDArray[np.bool_]:
        """Whether a row and its nearest are equal, or differ by rounding, (Q,).

        Nothing is, where the typical distance is 0: such features cannot tell clips apart.
        """
        return np.asarray(self.distance < NEAR_DUPLICATE * self.typical)


def standardised(features: Array) -> NDArray[np.float32]:
    """Features as z-scores clipped at 4 standard deviations; constant columns are left out.

    Args:
        features: (N, F), NaN where missing; those take the column's median.
    """
    x = np.array(features, dtype=np.float64)
    known = np.isfinite(x)
    if not known.all():
        x = x[:, known.any(axis=0)]
        known = known[:, known.any(axis=0)]
        x[~known] = np.nan
        x = np.where(known, x, np.nanmedian(x, axis=0))
    kept = np.ones(x.shape[1], bool)
    for _ in range(2):
        # Once more after clipping: one outlier would shrink the rest of its column.
        mean, std = x.mean(axis=0), x.std(axis=0)
        kept &= std > 1e-9 * np.maximum(np.abs(x).max(axis=0), 1e-300)
        x = np.clip((x - mean) / np.where(kept, std, 1.0), -_CLIP, _CLIP)
    return np.where(kept, x, 0.0).astype(np.float32)


def fold_of_row(held_out: Sequence[Indices], rows: int) -> Indices:
    """Number of the fold that holds a row out, from 1; 0 for rows that only train.

    Args:
        held_out: Held-out rows of each fold.
        rows: N.
    """
    numbers = np.zeros(rows, dtype=np.int64)
    for number, indices in enumerate(held_out, start=1):
        numbers[indices] = number
    return numbers


def examined_rows(fold: Indices, units: Indices, rng: np.random.Generator) -> Indices:
    """Held-out rows to examine: all, or a sample with as many clips as possible."""
    rows = np.flatnonzero(fold > 0)
    most = _QUERIES if len(fold) <= _MANY_ROWS else _QUERIES // 2
    if len(rows) <= most:
        return rows
    rows = rng.permutation(rows)
    clips, own = np.unique(units[rows], return_inverse=True)
    chosen = rng.permutation(len(clips))[:most]
    each = max(1, most // len(chosen))
    kept = np.isin(own, chosen)
    rows, own = rows[kept], own[kept]
    order = np.argsort(own, kind="stable")
    rank = np.empty(len(own), dtype=np.int64)
    starts = np.searchsorted(own[order], own[order])
    rank[order] = np.arange(len(own)) - starts
    return np.sort(rows[rank < each])


def nearest_rows(
    z: NDArray[np.float32],
    rows: Indices,
    identity: Indices,
    fold: Indices,
) -> Neighbours:
    """Find the nearest training rows, exactly, in any number of columns.

    Args:
        z: Standardised features, (N, F).
        rows: Held-out rows, (Q,).
        identity: Label of each row as a number, (N,).
        fold: Fold of each row, (N,), from :func:`fold_of_row`.
    """
    nearest = np.empty(len(rows), dtype=np.int64)
    unlike = np.full(len(rows), -1, dtype=np.int64)
    for number in np.unique(fold[rows]):
        asked = np.flatnonzero(fold[rows] == number)
        training = np.flatnonzero(fold != number)
        # Sorted by label, so that rows with one label are a slice.
        training = training[np.argsort(identity[training], kind="stable")]
        labels = identity[training]
        candidates = z[training]
        # |a - b|^2 without |a|^2, as one product.
        square = np.einsum("ij,ij->i", candidates, candidates)
        right = np.vstack([-2.0 * candidates.T, square]).astype(np.float32)
        step = max(1, _BLOCK_VALUES // len(training))
        for start in range(0, len(asked), step):
            own = asked[start : start + step]
            left = np.hstack([z[rows[own]], np.ones((len(own), 1), np.float32)])
            distance = left @ right
            nearest[own] = training[distance.argmin(axis=1)]
            low = np.searchsorted(labels, identity[rows[own]], side="left")
            high = np.searchsorted(labels, identity[rows[own]], side="right")
            for line, (first, last) in enumerate(zip(low, high, strict=True)):
                distance[line, first:last] = np.inf
            best = distance.argmin(axis=1)
            some = high - low < len(training)
            unlike[own] = np.where(some, training[best], -1)
    found = unlike >= 0
    other = np.linalg.norm(z[rows[found]] - z[unlike[found]], axis=1)
    return Neighbours(
        rows=rows,
        nearest=nearest,
        unlike=unlike,
        distance=np.linalg.norm(z[rows] - z[nearest], axis=1),
        typical=float(np.median(other)) if found.any() else 0.0,
    )


def nearest_in_column(
    values: NDArray[np.float32], rows: Indices, fold: Indices, rng: np.random.Generator
) -> Indices:
    """Nearest training row in one column alone; equal values in random order.

    Args:
        values: The column, (N,).
        rows: Held-out rows, (Q,).
        fold: Fold of each row, (N,).
        rng: Orders equal values.

    Returns:
        (Q,).
    """
    tie = rng.permutation(len(values))
    order = np.lexsort((tie, values))
    sorted_fold, sorted_values = fold[order], values[order].astype(np.float64)
    # Ends of runs of one fold: the next row of another fold lies right beyond.
    starts = np.flatnonzero(np.diff(sorted_fold, prepend=-1))
    run = np.cumsum(np.diff(sorted_fold, prepend=-1) != 0) - 1
    position = np.empty(len(values), dtype=np.int64)
    position[order] = np.arange(len(values))
    own = position[rows]
    left = starts[run[own]] - 1
    right = np.concatenate([starts, [len(values)]])[run[own] + 1]
    far = np.full(len(rows), np.inf)
    down, up = far.copy(), far.copy()
    has = left >= 0
    down[has] = sorted_values[own[has]] - sorted_values[left[has]]
    has = right < len(values)
    up[has] = sorted_values[right[has]] - sorted_values[own[has]]
    first = np.where(down == up, rng.random(len(rows)) < 0.5, down < up)
    return np.asarray(order[np.where(first, left, right)])
