"""Ridge regression with a penalty chosen on the training rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

PENALTIES = np.logspace(-2, 6, 33)
INNER_FOLDS = 5
_CLIP = 8.0
"""Bound of the z-scores: one absurd value must not decide a linear fit."""


@dataclass(frozen=True)
class Scaling:
    """Medians, means and standard deviations of training rows.

    Attributes:
        median: What stands for a missing value, (F,).
        mean: (F,).
        spread: Standard deviation, (F,); infinite where a column does not vary, so it becomes 0.
    """

    median: Array
    mean: Array
    spread: Array

    @classmethod
    def fit(cls, features: Array) -> Scaling:
        """Measure the training rows (N, F); NaN where a value is missing."""
        known = np.isfinite(features).any(axis=0)
        median = np.zeros(features.shape[1])
        if known.any():
            median[known] = np.nanmedian(features[:, known], axis=0)
        filled = np.where(np.isnan(features), median, features)
        mean, spread = filled.mean(axis=0), filled.std(axis=0)
        still = spread <= 1e-9 * np.maximum(np.abs(filled).max(axis=0), 1e-30)
        return cls(median, mean, np.where(still, np.inf, spread))

    def __call__(self, features: Array) -> Array:
        """Z-scores of rows (N, F), clipped; missing values are at the training median."""
        filled = np.where(np.isnan(features), self.median, features)
        return np.asarray(np.clip((filled - self.mean) / self.spread, -_CLIP, _CLIP))


def inner_folds(units: Indices, folds: int, seed: int) -> Indices:
    """Number of the inner fold of each row; rows of one clip or group share it.

    Args:
        units: Clip or group of each row, (N,), any whole numbers.
        folds: Folds; fewer if there are fewer units.
        seed: Draws them.
    """
    _, own = np.unique(units, return_inverse=True)
    count = int(own.max()) + 1
    order = np.random.Generator(np.random.PCG64([seed, 41])).permutation(count)
    return np.asarray(order[own] % min(folds, count), dtype=np.int64)


def fit_ridge(
    features: Array, mos: Array, units: Indices, test: Array, seed: int
) -> tuple[Array, float]:
    """Fit ridge regression (Hoerl and Kennard 1970) and predict.

    The penalty is the one of 33 (0.01 to 1e6) with the least squared error over five inner folds
    of the training rows. Inner folds never part the rows of a clip or group. Each costs one
    eigendecomposition, whatever the number of rows and penalties.

    Args:
        features: Training rows, (N, F), NaN where a value is missing.
        mos: Their labels, (N,).
        units: Their clips or groups, (N,).
        test: Rows to predict, (M, F).
        seed: Draws the inner folds.

    Returns:
        Predicted MOS of the test rows, (M,), and the penalty.
    """
    scaling = Scaling.fit(features)
    z, held_out = scaling(features), scaling(test)
    folds = inner_folds(units, INNER_FOLDS, seed)
    count = int(folds.max()) + 1
    if count < 2:
        return np.full(len(test), float(mos.mean())), float(PENALTIES[-1])
    parts = [_Moments.of(z[folds == fold], mos[folds == fold]) for fold in range(count)]
    whole = _Moments.total(parts)
    error = np.zeros(len(PENALTIES))
    for fold, part in enumerate(parts):
        weights, intercepts = whole.minus(part).solve(PENALTIES)
        own = folds == fold
        error += np.sum((mos[own, None] - z[own] @ weights - intercepts) ** 2, axis=0)
    best = int(np.argmin(error))
    weights, intercepts = whole.solve(PENALTIES[best : best + 1])
    return held_out @ weights[:, 0] + intercepts[0], float(PENALTIES[best])


@dataclass(frozen=True)
class _Moments:
    """Sums over some rows, from which ridge regression follows."""

    rows: int
    z: Array
    y: float
    zz: Array
    zy: Array

    @classmethod
    def of(cls, z: Array, y: Array) -> _Moments:
        return cls(len(z), z.sum(axis=0), float(y.sum()), z.T @ z, z.T @ y)

    @classmethod
    def total(cls, parts: list[_Moments]) -> _Moments:
        return cls(
            sum(part.rows for part in parts),
            np.sum([part.z for part in parts], axis=0),
            sum(part.y for part in parts),
            np.sum([part.zz for part in parts], axis=0),
            np.sum([part.zy for part in parts], axis=0),
        )

    def minus(self, part: _Moments) -> _Moments:
        return _Moments(
            self.rows - part.rows,
            self.z - part.z,
            self.y - part.y,
            self.zz - part.zz,
            self.zy - part.zy,
        )

    def solve(self, penalties: Array) -> tuple[Array, Array]:
        """Weights (F, P) and intercepts (P,), the level left out of the penalty."""
        mean, level = self.z / self.rows, self.y / self.rows
        gram = self.zz - self.rows * np.outer(mean, mean)
        target = self.zy - self.rows * mean * level
        values, vectors = np.linalg.eigh((gram + gram.T) / 2)
        shrunk = (vectors.T @ target)[:, None] / (np.maximum(values, 0)[:, None] + penalties)
        weights = vectors @ shrunk
        return weights, level - mean @ weights
