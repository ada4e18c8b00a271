"""Members around learned centres: RBF and Laplace kernels, with their widths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

from moshead.heads.closed_form.additive import CentreKernel, CentreTerm, centre_kernel, project
from moshead.heads.closed_form.centres import cluster_means, squared_distances
from moshead.heads.closed_form.fitting import MOST_QUADRATIC_INPUTS, Fitting, Member
from moshead.heads.closed_form.leave_out import PENALTIES, LeastSquares
from moshead.heads.closed_form.transforms import float32

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moshead.features.domain import Array
    from moshead.heads.closed_form.transforms import TransformName

WIDTHS: dict[CentreKernel, tuple[float, ...]] = {"rbf": (0.7, 1.4), "laplace": (1.0, 3.0)}
"""Kernel widths that are tried, relative to the median distance between rows and centres."""

MANY_ROWS = 6_000
"""Above so many rows, kernel and width are chosen on :data:`CHOOSING_ROWS` of them."""
CHOOSING_ROWS = 4_000

_MOST_CENTRES = 320
_MOST_CENTRES_BESIDE = 160
"""Centres beside a quadratic member, which leaves them little to add."""
_MOST_CENTRES_OF_MANY = 128
_ROWS_PER_CENTRE = 3
_FEWEST_CENTRES = 8
_MOST_AXES = 64
_AXES_NUMBERS = 32_000
_JITTER = 1e-2
"""Added to the kernel between centres: it bounds the coefficients, and so what float32 loses."""
LARGEST_COEFFICIENTS = 20.0
"""Largest length of the coefficients, for the same reason."""


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


def expansion_members(
    fitting: Fitting, transforms: Sequence[TransformName], *, alone: bool
) -> list[Member]:
    """Members around centres of each transform: the best width of each kernel.

    Args:
        fitting: The training rows.
        transforms: Which inputs.
        alone: Whether no quadratic member stands beside them; then they have more centres.
    """
    many = len(fitting.target) > MANY_ROWS
    choosing = fitting.thinned(CHOOSING_ROWS) if many else fitting
    count = _centre_count(
        fitting, len(transforms), _MOST_CENTRES if alone else _MOST_CENTRES_BESIDE
    )
    found: list[Member] = []
    for name in transforms:
        tried = _centre_members(choosing, name, count)
        if many:
            best = min(tried, key=lambda pair: pair[1].error, default=None)
            found += [] if best is None else [_centre_member(fitting, best[0])]
        else:
            found += [member for _, member in tried]
    return found


def _centre_count(fitting: Fitting, transforms: int, most: int) -> int:
    """How many centres each transform may have: by rows, and by the size of the ONNX file."""
    rows, width = next(iter(fitting.inputs.values())).shape
    rows, width = int(rows), int(width)
    many = rows > MANY_ROWS
    axes = _axis_count(width)
    numbers = width * (width if width <= MOST_QUADRATIC_INPUTS else 0) * transforms
    numbers += len(fitting.inputs) * width * 8 + (width * axes * transforms if axes else 0)
    room = fitting.size_limit // 4 - numbers
    return min(
        _MOST_CENTRES_OF_MANY if many else most,
        rows // _ROWS_PER_CENTRE,
        max(0, room) // ((axes or width) * transforms),
    )


def _axis_count(width: int) -> int:
    """Principal axes that many inputs are projected on; 0 for inputs as they are."""
    if width <= MOST_QUADRATIC_INPUTS:
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
    typical = float(np.sqrt(np.median(towards[:: math.ceil(len(towards) / 256)])))
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
    root, phi = spanned(plan, inputs, towards)
    problem = _problem(phi, len(inputs), len(plan.centres), fitting.weights)
    penalties = None
    while True:
        fit = problem.fit(fitting.target, fitting.units, penalties)
        coefficients = coefficients_of(root, fit.weights)
        penalties = PENALTIES[fit.relative_penalty < PENALTIES]
        # Large coefficients of opposite signs would cancel, and float32 lose what remains.
        if np.linalg.norm(coefficients) <= LARGEST_COEFFICIENTS or not len(penalties):
            break
    term = CentreTerm(plan.kind, plan.width, plan.axes, plan.centres, coefficients)
    chosen = {"penalty": fit.penalty, "width": plan.width, "centres": len(plan.centres)}
    return Member(plan.kind, plan.transform, term, fit.intercept, fit.leave_out, fit.error, chosen)


def coefficients_of(root: Array, weights: Array) -> Array:
    """Coefficients of the kernels around the centres, from weights of their functions."""
    return np.asarray(
        scipy.linalg.solve_triangular(root, weights, lower=True, trans=1, check_finite=False)
    )


def spanned(
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
