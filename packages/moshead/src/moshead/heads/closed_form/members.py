"""Members: single closed-form fits with their leave-out predictions, from which families choose.

Everything is chosen on the training rows alone, by the exact leave-one-unit-out error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from moshead.heads.closed_form.additive import (
    CentreKernel,
    CentreTerm,
    LinearTerm,
    QuadraticTerm,
    Term,
    centre_kernel,
    project,
)
from moshead.heads.closed_form.centres import cluster_means, squared_distances
from moshead.heads.closed_form.leave_out import PENALTIES, LeastSquares, LeastSquaresFit, Units
from moshead.heads.closed_form.transforms import float32

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.heads.closed_form.transforms import TransformName

WIDTHS: dict[CentreKernel, tuple[float, ...]] = {"rbf": (0.7, 1.4), "laplace": (1.0, 3.0)}
"""Kernel widths that are tried, relative to the median distance between rows and centres."""

MANY_ROWS = 6_000
"""Above so many rows, kernel and width are chosen on :data:`CHOOSING_ROWS` of them."""
CHOOSING_ROWS = 4_000

BLENDING_ROWS = 16_000
"""About so many rows choose penalties and weights, if there are twice as many or more."""

_BLOCK = 8192
"""Rows worked on at a time."""

_REACH = 5.0
_MOST_DUAL = 2_500
_MOST_MONOMIALS = 400
_MOST_QUADRATIC_INPUTS = 128
MOST_RANKED_INPUTS = 512

_MOST_CENTRES = 320
_MOST_CENTRES_OF_MANY = 128
_ROWS_PER_CENTRE = 3
_FEWEST_CENTRES = 8
_MOST_AXES = 64
_AXES_NUMBERS = 32_000
_JITTER = 1e-2
"""Added to the kernel between centres: it bounds the coefficients, and so what float32 loses."""
_LARGEST_COEFFICIENTS = 20.0
"""Largest length of the coefficients, for the same reason."""


@dataclass(frozen=True)
class Member:
    """One fit that a family can choose or blend.

    Attributes:
        name: What it is, for people: e.g. ``rbf``.
        transform: The transform that its inputs come from.
        term: The fitted term, constant aside.
        intercept: Its constant.
        leave_out: Prediction for each training row by the fit without its unit, (N,).
        error: Mean squared error of ``leave_out``.
        chosen: Penalty, width, and the number of centres.
    """

    name: str
    transform: TransformName
    term: Term
    intercept: float
    leave_out: Array
    error: float
    chosen: dict[str, Any]


@dataclass(frozen=True)
class Fitting:
    """What members of one training set share.

    Attributes:
        inputs: The inputs of each transform, (N, D).
        target: Labels on the link scale, (N,).
        of_row: Unit of each row, (N,).
        units: The same, prepared.
        size_limit: Bytes that the weights may take in the ONNX file.
        weights: How much each row counts, (N,); None where all count alike.
    """

    inputs: dict[TransformName, Array]
    target: Array
    of_row: NDArray[np.int64]
    units: Units
    size_limit: int
    weights: Array | None = None

    @property
    def mean(self) -> float:
        """Mean label, weighted as the rows are."""
        if self.weights is None:
            return float(self.target.mean())
        return float(np.average(self.target, weights=self.weights))

    def thinned(self, wanted: int) -> Fitting:
        """About so many rows, evenly spaced."""
        rows = np.arange(0, len(self.target), max(1, len(self.target) // wanted))
        of_row = self.of_row[rows]
        inputs = {name: values[rows] for name, values in self.inputs.items()}
        weights = None if self.weights is None else self.weights[rows]
        if weights is not None:
            weights = weights / weights.mean()
        return Fitting(inputs, self.target[rows], of_row, Units(of_row), self.size_limit, weights)

    @property
    def chooses_on_some(self) -> bool:
        """Whether there are rows enough to choose on a part of them."""
        return len(self.target) >= 2 * BLENDING_ROWS

    def choosing(self) -> Fitting:
        """The rows that choose penalties and weights: all of them, or evenly spaced ones."""
        return self.thinned(BLENDING_ROWS) if self.chooses_on_some else self


@dataclass(frozen=True)
class CentrePlan:
    """A kernel expansion before it is fitted.

    Attributes:
        transform: Which inputs.
        kind: The kernel.
        width: Its width.
        axes: What inputs are projected on, or None.
        centres: Cluster means, (M, P).
    """

    transform: TransformName
    kind: CentreKernel
    width: float
    axes: Array | None
    centres: Array


@dataclass(frozen=True)
class _Moments:
    """Sums over all rows, weighted as they are: penalised least squares follows at any penalty.

    Attributes:
        gram: Products of the centred features, (P, P).
        along: Their products with the labels around the mean, (P,).
        means: Column means of the features, (P,).
        level: Mean label.
    """

    gram: Array
    along: Array
    means: Array
    level: float

    @classmethod
    def of(cls, phi: Callable[[slice], Array], fitting: Fitting, width: int) -> _Moments:
        """Add the rows up, a block of features at a time."""
        target, level = fitting.target, fitting.mean
        gram, along, sums = np.zeros((width, width)), np.zeros(width), np.zeros(width)
        for at in range(0, len(target), _BLOCK):
            rows = slice(at, min(at + _BLOCK, len(target)))
            part = phi(rows)
            weighted = part if fitting.weights is None else part * fitting.weights[rows, None]
            gram += weighted.T @ part
            along += (target[rows] - level) @ weighted
            sums += weighted.sum(axis=0)
        means = sums / len(target)
        return cls(gram - len(target) * np.outer(means, means), along, means, level)

    def solve(self, penalty: float) -> tuple[Array, float]:
        """Weights, (P,), and intercept."""
        system = self.gram.copy()
        system[np.diag_indices_from(system)] += penalty
        factor = scipy.linalg.cho_factor(system, overwrite_a=True, check_finite=False)
        weights = scipy.linalg.cho_solve(factor, self.along, check_finite=False)
        return weights, self.level - float(self.means @ weights)


def on_all_rows(fitting: Fitting, member: Member) -> Member:
    """Fit a member that some rows chose to all rows, with the penalty and centres it has.

    Its leave-out predictions stay those of the rows that chose it. One pass over the rows, a
    block at a time, gives the normal equations.
    """
    x = fitting.inputs[member.transform]
    penalty = float(member.chosen["penalty"])
    term: Term
    if isinstance(member.term, CentreTerm):
        old = member.term
        plan = CentrePlan(member.transform, old.kind, old.width, old.axes, old.centres)
        root, phi = _spanned(plan, x, None)
        moments = _Moments.of(phi, fitting, len(plan.centres))
        while True:
            weights, intercept = moments.solve(penalty)
            coefficients = _coefficients(root, weights)
            if np.linalg.norm(coefficients) <= _LARGEST_COEFFICIENTS:
                break
            penalty *= 2
        term = replace(old, coefficients=coefficients)
    elif isinstance(member.term, QuadraticTerm):
        phi, written = _monomials(x)
        width = x.shape[1] + x.shape[1] * (x.shape[1] + 1) // 2
        weights, intercept = _Moments.of(phi, fitting, width).solve(penalty)
        term = written(weights)
    else:
        moments = _Moments.of(lambda rows: x[rows], fitting, x.shape[1])
        weights, intercept = moments.solve(penalty)
        term = LinearTerm(weights)
    chosen = member.chosen | {"penalty": penalty}
    return replace(member, term=term, intercept=intercept, chosen=chosen)


def linear_member(fitting: Fitting, transform: TransformName) -> Member:
    """Ridge regression (Hoerl and Kennard 1970) on one transform."""
    problem = LeastSquares.from_features(fitting.inputs[transform], fitting.weights)
    fit = problem.fit(fitting.target, fitting.units)
    return Member(
        "linear",
        transform,
        LinearTerm(fit.weights),
        fit.intercept,
        fit.leave_out,
        fit.error,
        {"penalty": fit.penalty},
    )


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
    if rows > _MOST_DUAL or width > _MOST_QUADRATIC_INPUTS:
        return None
    scale = _REACH * width
    gram = x @ x.T
    gram /= scale
    gram += 1
    gram *= gram
    problem = LeastSquares.from_gram(gram, fitting.weights, fast=True)
    fit = problem.fit(fitting.target, fitting.units)
    dual = fit.weights
    # sum_i dual_i (1 + 2 x . x_i / s + (x . x_i)^2 / s^2); dual sums to 0.
    term = QuadraticTerm(2 / scale * (dual @ x), (x * dual[:, None]).T @ x / scale**2)
    return _quadratic(transform, term, fit.intercept + float(dual.sum()), fit)


def _quadratic_in_monomials(fitting: Fitting, transform: TransformName, monomials: int) -> Member:
    x = fitting.inputs[transform]
    phi, written = _monomials(x)
    problem = LeastSquares.from_map(phi, len(x), monomials, fitting.weights)
    fit = problem.fit(fitting.target, fitting.units)
    return _quadratic(transform, written(fit.weights), fit.intercept, fit)


def _monomials(
    x: Array,
) -> tuple[Callable[[slice], Array], Callable[[Array], QuadraticTerm]]:
    """What makes the monomials of some rows, and what writes their weights as a term."""
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


def nonlinear_members(fitting: Fitting) -> list[Member]:
    """Quadratic, RBF and Laplace members of the transforms that suit them."""
    transforms: list[TransformName] = [
        name for name in ("z-narrow", "rank-normal") if name in fitting.inputs
    ]
    members = [quadratic_member(fitting, name) for name in transforms]
    found = [member for member in members if member is not None]
    many = len(fitting.target) > MANY_ROWS
    choosing = fitting.thinned(CHOOSING_ROWS) if many else fitting
    for name in transforms:
        tried = _centre_members(choosing, name, _centre_count(fitting, len(transforms)))
        if many:
            best = min(tried, key=lambda pair: pair[1].error, default=None)
            found += [] if best is None else [_centre_member(fitting, best[0])]
        else:
            found += [member for _, member in tried]
    return found


def _centre_count(fitting: Fitting, transforms: int) -> int:
    """How many centres each transform may have: by rows, and by the size of the ONNX file."""
    rows, width = next(iter(fitting.inputs.values())).shape
    rows, width = int(rows), int(width)
    many = rows > MANY_ROWS
    axes = _axis_count(width)
    numbers = width * (width if width <= _MOST_QUADRATIC_INPUTS else 0) * transforms
    numbers += len(fitting.inputs) * width * 8 + (width * axes * transforms if axes else 0)
    room = fitting.size_limit // 4 - numbers
    return min(
        _MOST_CENTRES_OF_MANY if many else _MOST_CENTRES,
        rows // _ROWS_PER_CENTRE,
        max(0, room) // ((axes or width) * transforms),
    )


def _axis_count(width: int) -> int:
    """Principal axes that many inputs are projected on; 0 for inputs as they are."""
    if width <= _MOST_QUADRATIC_INPUTS:
        return 0
    return max(1, min(_MOST_AXES, _AXES_NUMBERS // width))


def _centre_members(
    fitting: Fitting, transform: TransformName, count: int
) -> list[tuple[CentrePlan, Member]]:
    """The best width of each kernel around cluster means of one transform's inputs."""
    inputs = fitting.inputs[transform]
    axes = _principal_axes(inputs, _axis_count(inputs.shape[1]))
    points = project(inputs, axes)
    if count < _FEWEST_CENTRES:
        return []
    means = cluster_means(points, count, fitting.of_row)
    if len(means) < 2:
        return []
    towards = squared_distances(points, means)
    typical = float(np.sqrt(np.median(towards)))
    if typical <= 0:
        return []
    best = []
    for kind, widths in WIDTHS.items():
        if kind == "laplace" and transform != "rank-normal":
            continue  # no gain beside the others, measured on twelve tables
        plans = [CentrePlan(transform, kind, w * typical, axes, means) for w in widths]
        tried = [(plan, _centre_member(fitting, plan, towards)) for plan in plans]
        best.append(min(tried, key=lambda pair: pair[1].error))
    return best


def _principal_axes(inputs: Array, count: int) -> Array | None:
    if not count:
        return None
    centred = inputs - inputs.mean(axis=0)
    _, _, axes = scipy.linalg.svd(centred[:CHOOSING_ROWS], full_matrices=False, check_finite=False)
    return float32(axes[:count].T)


def _centre_member(fitting: Fitting, plan: CentrePlan, towards: Array | None = None) -> Member:
    """Fit a kernel expansion.

    Args:
        fitting: The training rows.
        plan: What to fit.
        towards: Squared distances from rows to centres, (N, M), where they are known.
    """
    inputs = fitting.inputs[plan.transform]
    root, phi = _spanned(plan, inputs, towards)
    problem = _problem(phi, len(inputs), len(plan.centres), fitting.weights)
    penalties = None
    while True:
        fit = problem.fit(fitting.target, fitting.units, penalties)
        coefficients = _coefficients(root, fit.weights)
        penalties = PENALTIES[fit.relative_penalty < PENALTIES]
        # Large coefficients of opposite signs would cancel, and float32 lose what remains.
        if np.linalg.norm(coefficients) <= _LARGEST_COEFFICIENTS or not len(penalties):
            break
    term = CentreTerm(plan.kind, plan.width, plan.axes, plan.centres, coefficients)
    chosen = {"penalty": fit.penalty, "width": plan.width, "centres": len(plan.centres)}
    return Member(plan.kind, plan.transform, term, fit.intercept, fit.leave_out, fit.error, chosen)


def _coefficients(root: Array, weights: Array) -> Array:
    """Coefficients of the kernels around the centres, from weights of their functions."""
    return np.asarray(
        scipy.linalg.solve_triangular(root, weights, lower=True, trans=1, check_finite=False)
    )


def _spanned(
    plan: CentrePlan, inputs: Array, towards: Array | None
) -> tuple[Array, Callable[[slice], Array]]:
    """The root of the kernel between centres, and what makes the functions that they span."""
    inner = centre_kernel(plan.kind, squared_distances(plan.centres, plan.centres) / plan.width**2)
    inner[np.diag_indices_from(inner)] += _JITTER
    root = scipy.linalg.cholesky(inner, lower=True, check_finite=False)

    def phi(rows: slice) -> Array:
        """The functions of the kernel's space that the centres span (Williams, Seeger 2001)."""
        if towards is None:
            squared = squared_distances(project(inputs[rows], plan.axes), plan.centres)
        else:
            squared = towards[rows]
        outer = centre_kernel(plan.kind, squared / plan.width**2)
        solved = scipy.linalg.solve_triangular(root, outer.T, lower=True, check_finite=False)
        return np.ascontiguousarray(solved.T)

    return root, phi


def _problem(
    phi: Callable[[slice], Array], rows: int, width: int, weights: Array | None
) -> LeastSquares:
    """Least squares on features that are made twice where they are too many to keep."""
    if rows > MANY_ROWS:
        return LeastSquares.from_map(phi, rows, width, weights)
    return LeastSquares.from_features(phi(slice(0, rows)), weights)
