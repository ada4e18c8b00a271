"""Penalised least squares with exact leave-one-unit-out predictions.

A unit is a clip or a group: its rows are left out together. For any penalised least-squares fit
the predictions of a training row are a fixed linear map of the labels, ``H y``, and the prediction
for a unit ``g`` by the fit without its rows follows from the fit with them:

    y_g - (I - H_gg)^-1 (y_g - (H y)_g)

(Allen 1974 for single rows; Hastie, Tibshirani and Friedman 2009, 7.10; the block form follows
from the Sherman-Morrison-Woodbury identity). One eigendecomposition gives ``H`` for every penalty,
so the penalty is chosen at almost no cost, on the training rows alone.

Weighted rows are the same problem with every row of features and labels times the root of its
weight: residuals without a unit are computed there, and divided by the root again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from moshead.features.domain import Array

PENALTIES = np.logspace(-4, 3, 22)
"""Penalties that are tried, relative to the mean squared length of the centred feature vectors."""

_BLOCK = 8192
"""Rows worked on at a time."""

_FEW_ROWS = 512
"""Above so many rows, leave-out predictions are computed in float32."""

_NEGLIGIBLE = 1e-10
"""Eigenvalues below this share of the largest one carry rounding errors only."""


@dataclass(frozen=True)
class LeastSquaresFit:
    """A penalised fit and what it predicts for the units that it leaves out.

    The fitted function is ``intercept + phi(x) . weights``, or ``intercept + k(x) . weights`` for
    a kernel between x and the rows.

    Attributes:
        penalty: The penalty, on the scale of the squared features.
        relative_penalty: The same, relative to the mean squared length of a feature vector.
        weights: Weights of the features, (P,), or of the rows, (N,); these sum to 0.
        intercept: The constant, given that features are not centred.
        leave_out: Prediction for each training row by the fit without its unit, (N,).
        error: Mean squared error of ``leave_out``, weighted as the rows are.
    """

    penalty: float
    relative_penalty: float
    weights: Array
    intercept: float
    leave_out: Array
    error: float


class Units:
    """Which rows are left out together.

    Args:
        of_row: Unit of each row, (N,), any integers.
    """

    def __init__(self, of_row: NDArray[np.int64]) -> None:
        _, numbers, sizes = np.unique(of_row, return_inverse=True, return_counts=True)
        self.count = len(sizes)
        self.single = bool(sizes.max(initial=0) <= 1)
        order = np.argsort(numbers, kind="stable")
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.blocks: list[NDArray[np.int64]] = []
        """Row indices of the units of one size, (units, size), for each size."""
        for size in np.unique(sizes):
            members = np.flatnonzero(sizes == size)
            self.blocks.append(order[starts[members][:, None] + np.arange(size)])


class LeastSquares:
    """Least squares with every penalty at once, from features or from a Gram matrix.

    The intercept is not penalised. With ``C`` the centred features and ``C C' = L S L'``, ``L`` is
    ``left``, ``S`` is ``values`` and ``C' L`` is ``back``.

    Args:
        left: Orthonormal directions over the rows, each orthogonal to the constant, (N, R).
        values: Eigenvalues of the centred Gram matrix that belong to them, (R,).
        means: Column means of the features, (P,), or of the Gram matrix, (N,).
        back: From directions to features, (P, R); None where only a Gram matrix is known.
        roots: Square roots of the weights of the rows, (N,), whose squares have a mean of 1; None
            where all rows count alike. Then the centred features are those around the weighted
            means, each row times its root; ``left`` is orthogonal to ``roots``, and ``means`` are
            weighted.
    """

    def __init__(
        self,
        left: Array,
        values: Array,
        means: Array,
        back: Array | None,
        roots: Array | None = None,
    ) -> None:
        self._left, self._values, self._means, self._back = left, values, means, back
        self._roots = roots
        self._rows = len(left)
        self._scale = max(float(values.sum()) / max(self._rows, 1), 1e-12)

    @classmethod
    def from_features(cls, phi: Array, weights: Array | None = None) -> LeastSquares:
        """Prepare a fit on explicit features, (N, P), and weights of rows, (N,)."""
        if phi.shape[1] <= len(phi):
            count, width = phi.shape
            return cls.from_map(lambda rows: phi[rows], count, width, weights)
        means = phi.mean(axis=0) if weights is None else np.average(phi, axis=0, weights=weights)
        centred = phi - means
        fit = cls.from_gram(centred @ centred.T, weights)
        if fit._roots is not None:
            centred *= fit._roots[:, None]
        return cls(fit._left, fit._values, means, centred.T @ fit._left, fit._roots)

    @classmethod
    def from_map(
        cls,
        phi: Callable[[slice], Array],
        rows: int,
        width: int,
        weights: Array | None = None,
    ) -> LeastSquares:
        """Prepare a fit on features that are made for a block of rows at a time.

        Args:
            phi: Makes the features of some rows, (n, P); called twice for each block.
            rows: Rows in all, N.
            width: Features, P <= N.
            weights: How much each row counts, (N,), positive; None where all count alike.
        """
        roots = _roots(weights)
        blocks = [slice(at, min(at + _BLOCK, rows)) for at in range(0, rows, _BLOCK)]
        gram, sums = np.zeros((width, width)), np.zeros(width)
        for block in blocks:
            part = phi(block)
            scaled = part if roots is None else part * roots[block, None]
            gram += scaled.T @ scaled
            sums += part.sum(axis=0) if roots is None else roots[block] @ scaled
        means = sums / max(rows, 1)
        gram -= rows * np.outer(means, means)
        values, vectors = scipy.linalg.eigh(gram, check_finite=False, driver="evd")
        keep = values > _NEGLIGIBLE * max(values[-1], 1e-300)
        values, vectors = values[keep], vectors[:, keep]
        basis = vectors / np.sqrt(values)
        # float32 is plenty for a leave-out prediction, and halves what many rows take.
        left = np.empty((rows, len(values)), np.float64 if rows <= _FEW_ROWS else np.float32)
        basis = basis.astype(left.dtype)
        for block in blocks:
            centred = phi(block) - means
            if roots is not None:
                centred *= roots[block, None]
            left[block] = centred.astype(left.dtype) @ basis
        return cls(left, values, means, vectors * np.sqrt(values), roots)

    @classmethod
    def from_gram(cls, gram: Array, weights: Array | None = None) -> LeastSquares:
        """Prepare a fit in a kernel's space, from its Gram matrix over the rows, (N, N).

        Args:
            gram: The kernel between the rows, (N, N).
            weights: How much each row counts, (N,), positive; None where all count alike.
        """
        roots = _roots(weights)
        means, centred = _centred(gram, roots)
        values, left = scipy.linalg.eigh(centred, check_finite=False, driver="evd")
        keep = values > _NEGLIGIBLE * max(values[-1], 1e-300)
        return cls(left[:, keep], values[keep], means, None, roots)

    def fit(self, target: Array, units: Units, penalties: Array | None = None) -> LeastSquaresFit:
        """Fit with the penalty whose leave-one-unit-out error is least.

        Args:
            target: (N,).
            units: Rows that are left out together; at least two units.
            penalties: Relative penalties to choose from; :data:`PENALTIES`, or every third of
                them for many rows, whose fit hardly depends on it.
        """
        if penalties is None:
            penalties = PENALTIES if self._rows <= _BLOCK else PENALTIES[::3]
        roots = self._roots
        mean, deviation = _around_mean(target, roots)
        along = (deviation.astype(self._left.dtype) @ self._left).astype(np.float64)
        shrink = self._values[:, None] / (self._values[:, None] + penalties * self._scale)
        shrink = shrink.astype(self._left.dtype)
        explained = self._left @ (along[:, None] * shrink).astype(self._left.dtype)
        if roots is None:
            left_out = self._leave_out(target, mean + explained, shrink, units)
            errors = np.mean((left_out - target[:, None]) ** 2, axis=0)
        else:
            fitted = mean * roots[:, None] + explained
            left_out = self._leave_out(target * roots, fitted, shrink, units) / roots[:, None]
            errors = roots**2 @ (left_out - target[:, None]) ** 2 / self._rows
        best = int(np.argmin(errors))
        penalty = float(penalties[best] * self._scale)
        shrunk = along / (self._values + penalty)
        weights = self._left @ shrunk if self._back is None else self._back @ shrunk
        if roots is not None and self._back is None:
            weights = weights * roots
        return LeastSquaresFit(
            penalty=penalty,
            relative_penalty=float(penalties[best]),
            weights=weights,
            intercept=mean - float(self._means @ weights),
            leave_out=left_out[:, best],
            error=float(errors[best]),
        )

    def _leave_out(self, target: Array, fitted: Array, shrink: Array, units: Units) -> Array:
        """Predictions without each row's unit, (N, penalties), times the roots of weights.

        Args:
            target: Labels times the roots, (N,).
            fitted: Fitted values times the roots, (N, penalties).
            shrink: What remains of each direction, (R, penalties).
            units: Rows that are left out together.
        """
        result = np.empty_like(fitted)
        if units.single:
            for at in range(0, self._rows, _BLOCK):
                rows = slice(at, at + _BLOCK)
                share = 1.0 if self._roots is None else self._roots[rows, None] ** 2
                own = share / self._rows + self._left[rows] ** 2 @ shrink
                # A row that alone decides its fit (own = 1) has no prediction without it.
                residual = (target[rows, None] - fitted[rows]) / np.maximum(1 - own, 1e-9)
                result[rows] = target[rows, None] - residual
            return result
        for members in units.blocks:
            for at in range(0, len(members), max(1, _BLOCK // members.shape[1])):
                chosen = members[at : at + max(1, _BLOCK // members.shape[1])]
                self._leave_units_out(chosen, target, fitted, shrink, result)
        return result

    def _leave_units_out(
        self,
        rows: NDArray[np.int64],
        target: Array,
        fitted: Array,
        shrink: Array,
        result: Array,
    ) -> None:
        """Fill ``result`` for units of one size, whose row indices are (units, size)."""
        size = rows.shape[1]
        left = self._left[rows].astype(np.float64)
        roots = None if self._roots is None else self._roots[rows]
        residual = target[rows][:, :, None] - fitted[rows]
        for number in range(shrink.shape[1]):
            if size <= left.shape[2]:
                constant = 1.0 if roots is None else roots[:, :, None] * roots[:, None, :]
                own = (left * shrink[:, number]) @ left.swapaxes(1, 2) + constant / self._rows
                system = (1 + 1e-12) * np.eye(size) - own
                out = np.linalg.solve(system, residual[:, :, number, None])[:, :, 0]
            else:
                out = self._large_units(left, shrink[:, number], residual[:, :, number], roots)
            result[rows, number] = target[rows] - out

    def _large_units(
        self, left: Array, shrink: Array, residual: Array, roots: Array | None
    ) -> Array:
        """(I - H_gg)^-1 r for units of more rows than directions, by Woodbury's identity."""
        members, size, _ = left.shape
        constant = np.full((members, size, 1), 1.0) if roots is None else roots[:, :, None]
        wide = np.concatenate([left, constant], axis=2)
        weights = np.append(shrink, 1 / self._rows)
        scaled = wide * np.sqrt(weights)
        inner = np.eye(len(weights)) * (1 + 1e-12) - scaled.swapaxes(1, 2) @ scaled
        along = np.linalg.solve(inner, scaled.swapaxes(1, 2) @ residual[:, :, None])
        return np.asarray(residual + (scaled @ along)[:, :, 0])


def fit_gram(
    gram: Array, penalty: float, target: Array, units: Units, weights: Array | None = None
) -> LeastSquaresFit:
    """Fit in a kernel's space at one penalty that is known.

    One Cholesky factor takes the place of an eigendecomposition, in a fifth of the time: with
    ``R = I - H = penalty (C C' + penalty)^-1 - 1 1' / N`` the residuals without a unit ``g`` are
    ``R_gg^-1 (R y)_g``.

    Args:
        gram: The kernel between the rows, (N, N).
        penalty: The penalty, on the scale of the kernel.
        target: (N,).
        units: Rows that are left out together; at least two units.
        weights: How much each row counts, (N,), positive; None where all count alike.
    """
    roots = _roots(weights)
    means, system = _centred(gram, roots)
    relative = penalty / max(float(np.trace(system)) / len(system), 1e-12)
    mean, deviation = _around_mean(target, roots)
    system[np.diag_indices_from(system)] += penalty
    factor, _ = scipy.linalg.lapack.dpotrf(system, lower=1, overwrite_a=1)
    solved = scipy.linalg.cho_solve((factor, True), deviation, check_finite=False)
    inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    constant = np.ones(len(gram)) if roots is None else roots
    residual = penalty * solved
    if units.single:
        out = residual / np.maximum(penalty * np.diag(inverse) - constant**2 / len(gram), 1e-9)
    else:
        out = np.empty_like(residual)
        for rows in units.blocks:
            # dpotri fills the lower triangle alone.
            first, second = rows[:, :, None], rows[:, None, :]
            own = penalty * inverse[np.maximum(first, second), np.minimum(first, second)]
            own -= constant[first] * constant[second] / len(gram)
            own[:, np.arange(rows.shape[1]), np.arange(rows.shape[1])] += 1e-12
            out[rows] = np.linalg.solve(own, residual[rows][:, :, None])[:, :, 0]
    if roots is not None:
        solved, out = solved * roots, out / roots
    return LeastSquaresFit(
        penalty=penalty,
        relative_penalty=relative,
        weights=solved,
        intercept=mean - float(means @ solved),
        leave_out=target - out,
        error=float(np.average(out**2, weights=None if roots is None else roots**2)),
    )


def _centred(gram: Array, roots: Array | None) -> tuple[Array, Array]:
    """Means of a Gram matrix, (N,), and the one around them, times the roots, (N, N)."""
    if roots is None:
        means = gram.mean(axis=0)
        centred = gram - means
        centred += means.mean() - means[:, None]
        return means, centred
    means = roots**2 @ gram / len(gram)
    centred = gram - means
    centred += roots**2 @ means / len(gram) - means[:, None]
    centred *= roots
    centred *= roots[:, None]
    return means, centred


def _around_mean(target: Array, roots: Array | None) -> tuple[float, Array]:
    """The weighted mean of the labels, and what is left of each, times the roots, (N,)."""
    if roots is None:
        mean = float(target.mean())
        return mean, target - mean
    mean = float(np.average(target, weights=roots**2))
    return mean, (target - mean) * roots


def _roots(weights: Array | None) -> Array | None:
    """Square roots of weights scaled to a mean of 1."""
    return None if weights is None else np.sqrt(weights / weights.mean())
