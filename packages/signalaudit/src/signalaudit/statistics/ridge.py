"""Closed-form ridge regression from which blocks of columns can be removed without a new fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Vector = NDArray[np.float64]

CLIP = 2.5
"""Standardised values are clipped here: long tails of real features distort a linear fit."""

PENALTIES = np.logspace(-1, 5, 13)
"""Penalties that generalised cross-validation chooses from."""


@dataclass(frozen=True)
class Standardiser:
    """Mean and standard deviation of training rows; missing values become the mean.

    Attributes:
        mean: Shape (K,).
        std: Shape (K,); 1 for a constant column.
    """

    mean: Vector
    std: Vector

    @classmethod
    def fit(cls, rows: Matrix) -> Standardiser:
        """Fit to training rows, shape (N, K), without non-finite values."""
        finite = np.isfinite(rows)
        count = np.maximum(finite.sum(axis=0), 1)
        filled = np.where(finite, rows, 0.0)
        mean = filled.sum(axis=0) / count
        spread = np.sqrt((np.where(finite, rows - mean, 0.0) ** 2).sum(axis=0) / count)
        return cls(mean, np.where(spread > 0, spread, 1.0))

    def apply(self, rows: Matrix) -> Matrix:
        """Standardise rows, clip them at ±:data:`CLIP`, and write 0 for non-finite values."""
        with np.errstate(invalid="ignore"):
            z = (rows - self.mean) / self.std
        z[~np.isfinite(z)] = 0.0
        return np.clip(z, -CLIP, CLIP, out=z)


@dataclass(frozen=True)
class Ridge:
    """A ridge regression: y = offset + Z w, minimising ‖y − offset − Zw‖² + penalty ‖w‖².

    Hoerl and Kennard (1970). The penalty minimises generalised cross-validation, n·RSS / (n − 1 −
    df)² (Golub, Heath and Wahba 1979), over :data:`PENALTIES`.

    Attributes:
        weights: Shape (K,).
        centre: Training means of Z, shape (K,).
        level: Training mean of y.
        penalty: The chosen penalty.
        inverse: (ZᵀZ + penalty I)⁻¹ of centred Z, shape (K, K).
    """

    weights: Vector
    centre: Vector
    level: float
    penalty: float
    inverse: Matrix

    @classmethod
    def fit(cls, z: Matrix, y: Vector, penalty: float | None = None) -> Ridge:
        """Fit to standardised training rows ``z``, shape (N, K), and targets, shape (N,).

        Args:
            z: Standardised rows.
            y: Targets.
            penalty: The penalty; None chooses it by an eigendecomposition, which costs several
                times as much as the fit.
        """
        centre = z.mean(axis=0)
        level = float(y.mean())
        rest = y - level
        # Centring by sums instead of by a copy of z.
        gram = z.T @ z - len(y) * np.outer(centre, centre)
        moment = z.T @ rest
        if penalty is not None:
            gram[np.diag_indices_from(gram)] += penalty
            inverse = np.linalg.inv(gram)
            return cls(inverse @ moment, centre, level, penalty, inverse)
        values, vectors = np.linalg.eigh(gram)
        values = np.maximum(values, 0.0)
        turned = vectors.T @ moment
        penalty = _choose_penalty(values, turned, float(rest @ rest), len(y))
        shrunk = 1.0 / (values + penalty)
        return cls(
            weights=vectors @ (shrunk * turned),
            centre=centre,
            level=level,
            penalty=penalty,
            inverse=(vectors * shrunk) @ vectors.T,
        )

    def without(self, block: NDArray[np.intp]) -> Vector:
        """Return the weights of the fit without the columns of ``block``, at the same penalty.

        With P the inverse above and w the weights, removing block B leaves
        w_R − P_RB P_BB⁻¹ w_B: block elimination of the normal equations, exact.

        Returns:
            Shape (K,), zero in the block.
        """
        kept = np.ones(self.weights.size, dtype=bool)
        kept[block] = False
        weights = np.zeros_like(self.weights)
        if kept.any():
            inner = self.inverse[np.ix_(block, block)]
            correction = np.linalg.solve(inner, self.weights[block])
            weights[kept] = self.weights[kept] - self.inverse[np.ix_(kept, block)] @ correction
        return weights


def _choose_penalty(values: Vector, turned: Vector, total: float, rows: int) -> float:
    shrink = 1.0 / (values[None, :] + PENALTIES[:, None])
    residual = total - ((2 - values * shrink) * shrink * turned**2).sum(axis=1)
    freedom = (values * shrink).sum(axis=1)
    left = np.maximum(rows - 1 - freedom, 1e-9)
    score = np.maximum(residual, 0.0) / left**2
    return float(PENALTIES[int(np.argmin(score))])
