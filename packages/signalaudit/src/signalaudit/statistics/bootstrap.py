"""Correlations within folds, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signalaudit.statistics.correlation import average_ranks, pearson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Vector = NDArray[np.float64]

DRAWS = 500
"""How many bootstrap draws each interval uses."""

LEAST_UNITS = 20


@dataclass
class Scores:
    """Fold-averaged PLCC and SROCC.

    Attributes:
        point: On the data, shape (predictions, 2).
        draws: On each bootstrap draw, shape (draws, predictions, 2).
    """

    point: Matrix
    draws: NDArray[np.float64]

    @staticmethod
    def interval(draws: Vector) -> list[float | None]:
        """Return the 95 % percentile interval of draws."""
        known = draws[np.isfinite(draws)]
        if known.size < draws.size // 2:
            return [None, None]
        low, high = np.quantile(known, (0.025, 0.975))
        return [float(low), float(high)]


def score_folds(
    predictions: Matrix,
    target: Vector,
    folds: NDArray[np.intp],
    units: NDArray[np.intp],
    generator: np.random.Generator,
) -> Scores:
    """Compute PLCC and SROCC within folds, and their bootstrap distribution.

    Each unit is drawn as often as a Poisson variable with mean 1, which is the bootstrap in the
    limit of many units (Hanley and MacGibbon 2006).

    Args:
        predictions: Shape (rows, predictions); each column is compared with the target.
        target: Shape (rows,).
        folds: The fold of each row, from 0.
        units: A number per row: rows with the same number stay together in a draw. With fewer
            than :data:`LEAST_UNITS` units, rows are drawn one by one.
        generator: Source of the draws.
    """
    count = int(folds.max()) + 1
    width = predictions.shape[1]
    points = np.full((count, width, 2), np.nan)
    draws = np.full((count, DRAWS, width, 2), np.nan)
    by_unit = np.unique(units).size >= LEAST_UNITS
    for fold in range(count):
        held = np.flatnonzero(folds == fold)
        y = target[held]
        _, codes = np.unique(units[held], return_inverse=True)
        if not by_unit:
            codes = np.arange(held.size)
        weights = generator.poisson(1.0, (DRAWS, int(codes.max()) + 1))[:, codes].astype(np.float64)
        ranked = WeightedRanks(y, weights)
        for place in range(width):
            p = predictions[held, place]
            points[fold, place] = pearson(p, y), pearson(average_ranks(p), average_ranks(y))
            if float(p.min()) == float(p.max()):
                continue
            draws[fold, :, place, 0] = weighted_pearson(p, y, weights)
            draws[fold, :, place, 1] = ranked.correlation(p)
    with np.errstate(invalid="ignore"):
        return Scores(_mean(points), _mean(draws))


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over folds, NaN if no fold has a value."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    result: NDArray[np.float64] = np.divide(
        total, known.sum(axis=0), out=np.full(total.shape, np.nan), where=known.any(axis=0)
    )
    return result


def weighted_pearson(x: Vector, y: Vector, weights: Matrix) -> Vector:
    """Return Pearson's r under each row of ``weights``, shape (draws, N)."""
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / (y.std() or 1.0)
    sums = weights @ np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    n, sx, sy, sxx, syy, sxy = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Vector = (sxy - sx * sy / n) / np.sqrt((sxx - sx**2 / n) * (syy - sy**2 / n))
    return result


class WeightedRanks:
    """Spearman's rho with a fixed target under many weightings of its rows."""

    def __init__(self, target: Vector, weights: Matrix) -> None:
        self._weights = weights
        self._total = weights.sum(axis=1, keepdims=True)
        self._target = self._centred(target)
        self._spread = np.einsum("ij,ij,ij->i", weights, self._target, self._target)

    def correlation(self, values: Vector) -> Vector:
        """Return rho of ``values`` with the target under each weighting."""
        ranks = self._centred(values)
        weighted = self._weights * ranks
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Vector = np.einsum("ij,ij->i", weighted, self._target) / np.sqrt(
                np.einsum("ij,ij->i", weighted, ranks) * self._spread
            )
        return result

    def _centred(self, values: Vector) -> Matrix:
        """Return average ranks, minus their mean, of rows that count as often as their weight."""
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        sizes = np.add.reduceat(self._weights[:, order], starts, axis=1)
        middle = np.cumsum(sizes, axis=1) - sizes / 2
        ranks = np.empty_like(self._weights)
        ranks[:, order] = np.repeat(middle, np.diff(starts, append=values.size), axis=1)
        ranks -= self._total / 2
        return ranks
