"""The member of degree 2: kernel ridge written as explicit weights, so that it keeps no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

from moshead.heads.closed_form.additive import QuadraticTerm
from moshead.heads.closed_form.fitting import MOST_QUADRATIC_INPUTS, Fitting, Member
from moshead.heads.closed_form.leave_out import LeastSquares, LeastSquaresFit, fit_gram

if TYPE_CHECKING:
    from collections.abc import Callable

    from moshead.features.domain import Array
    from moshead.heads.closed_form.transforms import TransformName

_REACH = 5.0
_MOST_DUAL = 2_500
_MOST_MONOMIALS = 400
_LANDMARKS = 256
"""Rows whose functions choose the penalty of a kernel over all rows."""


def quadratic_member(fitting: Fitting, transform: TransformName) -> Member | None:
    """Kernel ridge of degree 2, k(x, x') = (1 + x . x' / (5 D))^2, as explicit weights.

    Its functions are the quadratic ones, so it is written as D + D (D + 1) / 2 weights, and no
    row is kept. It is solved in the rows or in the monomials, whichever are fewer (Saunders,
    Gammerman and Vovk 1998). None where both are too many.
    """
    x = fitting.inputs[transform]
    rows, width = x.shape
    monomials = width + width * (width + 1) // 2
    if monomials <= min(rows, _MOST_MONOMIALS):
        return _quadratic_in_monomials(fitting, transform, monomials)
    if rows > _MOST_DUAL or width > MOST_QUADRATIC_INPUTS:
        return None
    scale = _REACH * width
    gram = x @ x.T
    gram /= scale
    gram += 1
    gram *= gram
    if rows <= 2 * _LANDMARKS:
        problem = LeastSquares.from_gram(gram, fitting.weights)
        fit = problem.fit(fitting.target, fitting.units)
    else:
        penalty = _penalty_of(gram, fitting)
        fit = fit_gram(gram, penalty, fitting.target, fitting.units, fitting.weights)
    dual = fit.weights
    # sum_i dual_i (1 + 2 x . x_i / s + (x . x_i)^2 / s^2); dual sums to 0.
    term = QuadraticTerm(2 / scale * (dual @ x), (x * dual[:, None]).T @ x / scale**2)
    return _quadratic(transform, term, fit.intercept + float(dual.sum()), fit)


def _penalty_of(gram: Array, fitting: Fitting) -> float:
    """The penalty that the functions around a few rows want, which is that of all of them.

    Measured on twelve tables: the same penalty, or the next of those that are tried, and a
    leave-out error at most 1 % above that of the best one (Williams and Seeger 2001).
    """
    some = np.linspace(0, len(gram) - 1, _LANDMARKS).astype(np.int64)
    inner = gram[np.ix_(some, some)]
    inner[np.diag_indices_from(inner)] += 1e-8 * float(np.trace(inner)) / len(inner)
    root = scipy.linalg.cholesky(inner, lower=True, check_finite=False)
    phi = scipy.linalg.solve_triangular(root, gram[some], lower=True, check_finite=False).T
    problem = LeastSquares.from_features(np.ascontiguousarray(phi), fitting.weights)
    return problem.fit(fitting.target, fitting.units).penalty


def _quadratic_in_monomials(fitting: Fitting, transform: TransformName, monomials: int) -> Member:
    x = fitting.inputs[transform]
    phi, written = monomials_of(x)
    problem = LeastSquares.from_map(phi, len(x), monomials, fitting.weights)
    fit = problem.fit(fitting.target, fitting.units)
    return _quadratic(transform, written(fit.weights), fit.intercept, fit)


def monomials_of(
    x: Array,
) -> tuple[Callable[[slice], Array], Callable[[Array], QuadraticTerm]]:
    """What makes the monomials of some rows, and what writes their weights as a term."""
    """What makes the monomials of some rows, and what writes their weights as a term.

    Args:
        x: Inputs of all rows, (N, D).
    """
    width = x.shape[1]
    scale = _REACH * width
    first, second = np.triu_indices(width)
    linear = np.sqrt(2 / scale)
    pair = np.where(first == second, 1.0, np.sqrt(2)) / scale

    def phi(rows: slice) -> Array:
        part = x[rows]
        return np.concatenate([part * linear, part[:, first] * part[:, second] * pair], axis=1)

    def written(weights: Array) -> QuadraticTerm:
        half = np.zeros((width, width))
        half[first, second] = weights[width:] * pair
        return QuadraticTerm(weights[:width] * linear, (half + half.T) / 2)

    return phi, written


def _quadratic(
    transform: TransformName, term: QuadraticTerm, intercept: float, fit: LeastSquaresFit
) -> Member:
    chosen = {"penalty": fit.penalty, "reach": _REACH}
    return Member("quadratic", transform, term, intercept, fit.leave_out, fit.error, chosen)
