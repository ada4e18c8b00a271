"""Nearest training rows of held-out rows, and how often their labels are equal by coincidence.

Two different clips have the same label only by coincidence, and how often that happens can be read
from the labels that lie close by. The expected count comes from a conditional logit model (McFadden
1974): the label of a neighbour is v with probability proportional to n(v) exp(-b |v - y|), where
n(v) is the number of training rows with that label and v runs over the labels near y. The decay b
says how well similar features predict similar labels. It is fitted to the nearest training rows
with a *different* label, so that twins cannot influence it. Differences of honest labels have
log-concave densities, and of those the Laplace density extrapolates to the highest peak at zero:
the expected count is rather too large than too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special, stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array

    Indices = NDArray[np.int64]

NEAR_DUPLICATE = 1e-3
"""Distance below which two rows are equal, as a share of the typical nearest distance."""

FEWEST_TWINS = 3
"""Twins below which nothing is concluded."""

_QUERIES = 2000
_MANY_ROWS = 20_000
_BLOCK_VALUES = 2_000_000
_LABEL_GRID = 1e-3
_CLIP = 4.0
_REACH = 0.05
_LEAST_LEVELS = 2


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


@dataclass(frozen=True)
class Count:
    """Equal labels among nearest rows: observed, expected, and of how many clips."""

    same: float
    expected: float
    within: float
    clips: int

    @property
    def statistic(self) -> float:
        """Standard score of the binomial tail.

        Two clips are often each other's nearest, and then count twice: half of the count is
        taken as independent.
        """
        if self.same <= self.expected or not self.within:
            return 0.0
        share = max(self.expected / self.within, 1e-12)
        n, k = self.within / 2, self.same / 2
        tail = special.betainc(k, max(n - k, 0.0) + 1, min(share, 1.0))
        return float(min(stats.norm.isf(max(tail, 1e-300)), 37.0))

    @property
    def effect(self) -> float:
        """Estimated share of clips with a twin: those not explained by coincidence."""
        return float(max(0.0, self.same - self.expected) / max(self.clips - self.expected, 1e-12))

    def fails(self, bound: float, effect: float) -> bool:
        """Whether statistic and effect reach their bounds, with enough twins to speak of."""
        enough = self.same - self.expected >= FEWEST_TWINS
        return enough and self.statistic >= bound and self.effect >= effect


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


@dataclass(frozen=True)
class Labels:
    """Labels as identities: equal where MOS and, if known, its standard error are equal.

    Attributes:
        mos: (N,).
        identity: (N,), numbered in the order of their MOS.
        value: MOS of each identity, (L,).
        fold: Fold of each row, (N,).
        training: Training rows of each fold with each identity, (K, L).
        low: First identity near each one, (L,).
        high: Last one, (L,).
        scale: Largest distance of near labels.
    """

    mos: Array
    identity: Indices
    value: Array
    fold: Indices
    training: Array
    low: Indices
    high: Indices
    scale: float

    @classmethod
    def from_ratings(cls, mos: Array, standard_error: Array | None, fold: Indices) -> Labels:
        """Number the labels, and find which of them are near each other.

        Args:
            mos: (N,).
            standard_error: (N,), NaN where unknown; rows of one clip share it with their MOS.
            fold: Fold of each row, from :func:`fold_of_row`.
        """
        grid = np.round(mos / _LABEL_GRID)
        error = np.zeros(len(mos)) if standard_error is None else np.nan_to_num(standard_error)
        found, identity = np.unique(
            np.stack([grid, np.round(error / _LABEL_GRID)], axis=1), axis=0, return_inverse=True
        )
        identity = identity.reshape(-1)
        value = found[:, 0] * _LABEL_GRID
        held = np.zeros((int(fold.max()) + 1, len(value)))
        np.add.at(held, (fold, identity), 1.0)
        total = held.sum(axis=0)
        training = total - held
        # Near: enough labels on each side to hold 5 % of the rows, and two other labels.
        below = np.concatenate([[0.0], np.cumsum(total)])
        reach = _REACH * len(mos)
        at = np.arange(len(value))
        low = np.searchsorted(below, below[:-1] - reach, side="right") - 1
        high = np.searchsorted(below, below[1:] + reach, side="left") - 1
        low = np.clip(np.minimum(low, at - _LEAST_LEVELS), 0, None)
        high = np.clip(np.maximum(high, at + _LEAST_LEVELS), None, len(value) - 1)
        scale = float(max((value[high] - value).max(), (value - value[low]).max(), _LABEL_GRID))
        return cls(mos, identity, value, fold, training, low, high, scale)

    def weights(self, rows: Indices, units: Indices) -> Array:
        """Weight of each row, so that all rows of one clip count as one."""
        _, own, counts = np.unique(units[rows], return_inverse=True, return_counts=True)
        return np.asarray(1.0 / counts[own.reshape(-1)])

    def near(self, rows: Indices, others: Indices) -> NDArray[np.bool_]:
        """Whether the label of ``others`` is near that of ``rows``."""
        own, theirs = self.identity[rows], self.identity[others]
        return np.asarray((theirs >= self.low[own]) & (theirs <= self.high[own]) & (others >= 0))

    def _windows(self, rows: Indices) -> tuple[Array, Array, NDArray[np.bool_], Indices]:
        """Counts and distances of the labels near each distinct (fold, label) of ``rows``."""
        cases, which = np.unique(
            np.stack([self.fold[rows], self.identity[rows]]), axis=1, return_inverse=True
        )
        folds, labels = cases
        width = int((self.high - self.low)[labels].max()) + 1
        at = self.low[labels][:, None] + np.arange(width)
        inside = at <= self.high[labels][:, None]
        at = np.minimum(at, len(self.value) - 1)
        counts = np.where(inside, self.training[folds[:, None], at], 0.0)
        far = np.abs(self.value[at] - self.value[labels][:, None]) / self.scale
        return counts, far, at == labels[:, None], which.reshape(-1)

    def decay(self, neighbours: Neighbours, units: Indices) -> float:
        """Fit the decay b >= 0 by maximum likelihood to neighbours with another label."""
        near = self.near(neighbours.rows, neighbours.unlike)
        rows, others = neighbours.rows[near], neighbours.unlike[near]
        if not len(rows):
            return 0.0
        weight = self.weights(neighbours.rows, units)[near]
        counts, far, own, which = self._windows(rows)
        counts = np.where(own, 0.0, counts)
        cases = np.bincount(which, weight, minlength=len(counts))
        total = float(weight @ np.abs(self.mos[rows] - self.mos[others])) / self.scale

        def loss(b: float) -> float:
            return float(b * total + cases @ np.log((counts * np.exp(-b * far)).sum(axis=1)))

        best = optimize.minimize_scalar(loss, bounds=(0.0, 200.0), method="bounded")
        return float(best.x) if best.fun < loss(0.0) else 0.0

    def expected(self, rows: Indices, decay: float) -> Array:
        """Probability that a neighbour whose label is near has exactly the same label."""
        counts, far, own, which = self._windows(rows)
        weight = counts * np.exp(-decay * far)
        share = (weight * own).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-300)
        return np.asarray(share[which])

    def count(self, rows: Indices, others: Indices, weight: Array, expected: Array) -> Count:
        """Count equal labels between rows and their neighbours.

        Args:
            rows: (Q,).
            others: A neighbour of each, (Q,).
            weight: Weight of each row, from :meth:`weights`.
            expected: Probability of an equal label, from :meth:`expected`.
        """
        near = self.near(rows, others)
        same = self.identity[rows] == self.identity[others]
        return Count(
            same=float(weight @ (near & same)),
            expected=float(weight @ np.where(near, expected, 0.0)),
            within=float(weight @ near),
            clips=round(float(weight.sum())),
        )


@dataclass(frozen=True)
class TwinSearch:
    """Held-out rows of a run beside their nearest training rows.

    Attributes:
        z: Standardised features, (N, F).
        labels: Labels of all rows.
        units: Clip or group of each row, (N,).
        neighbours: Nearest training rows of the examined rows.
        weight: Weight of each examined row, (Q,): all rows of one clip count as one.
        seed: What chose the examined rows.
    """

    z: NDArray[np.float32]
    labels: Labels
    units: Indices
    neighbours: Neighbours
    weight: Array
    seed: int


def search_twins(
    features: Array,
    mos: Array,
    held_out: Sequence[Indices],
    units: Indices,
    *,
    standard_error: Array | None = None,
    seed: int = 0,
) -> TwinSearch:
    """Find the nearest training rows of held-out rows, of at most 2,000.

    Args:
        features: Feature values, (N, F); NaN where missing.
        mos: Labels, (N,).
        held_out: Held-out rows of each fold.
        units: Clip or group of each row, (N,): rows that are known to belong together.
        standard_error: Of each label, (N,), NaN where unknown: rows of one clip share it too.
        seed: Chooses which held-out rows are examined.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 78]))
    fold = fold_of_row(held_out, len(mos))
    labels = Labels.from_ratings(mos, standard_error, fold)
    z = standardised(features)
    rows = examined_rows(fold, units, rng)
    neighbours = nearest_rows(z, rows, labels.identity, fold)
    return TwinSearch(z, labels, units, neighbours, labels.weights(rows, units), seed)
