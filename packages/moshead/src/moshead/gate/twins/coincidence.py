"""How often the labels of neighbours are equal by coincidence.

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
    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.gate.twins.neighbours import Neighbours

    Indices = NDArray[np.int64]

FEWEST_TWINS = 3
"""Twins below which nothing is concluded."""

_LABEL_GRID = 1e-3
_REACH = 0.05
_LEAST_LEVELS = 2


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
