"""Starts of nets: what is fitted to a net's rows in closed form before it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from moshead.features.domain import MOS_RANGE, Array
from moshead.features.matrix import column_medians, impute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.heads.neural.recipe import Recipe

_LOGIT_MARGIN = 0.01
_CLOSED_FORM_COST = 2e10


@dataclass(frozen=True)
class NetPlan:
    """One net to train.

    Attributes:
        rows: Indices of its training rows.
        seed: Entropy of its initial weights and its shuffling.
        row_weights: How much each row counts, (n,), mean 1; None where all count alike.
    """

    rows: NDArray[np.int64]
    seed: tuple[int, ...]
    row_weights: Array | None = None

    @property
    def identity(self) -> bytes:
        """What decides its start: rows and weights."""
        weights = b"" if self.row_weights is None else self.row_weights.tobytes()
        return self.rows.tobytes() + weights


@dataclass(frozen=True)
class Start:
    """What is fitted to a net's rows before it is trained; nets of the same rows share it.

    Attributes:
        mean: Mean of each feature, (F,).
        std: Its standard deviation, (F,); 1 where it is constant.
        constant: Which features do not vary, (F,).
        medians: Median of each feature, (F,).
        form: The function that the net starts as.
        bend: Quadratic part of the logit of all rows of the corpus, (N,).
    """

    mean: Array
    std: Array
    constant: NDArray[np.bool_]
    medians: Array
    form: ClosedForm
    bend: Array

    @property
    def median_scores(self) -> Array:
        """The medians as z-scores."""
        return (self.medians - self.mean) / self.std


def _start(features: Array, mos: Array, plan: NetPlan, recipe: Recipe) -> Start:
    rows = plan.rows
    medians = column_medians(features[rows])
    everywhere = impute(features, medians)
    own = everywhere[rows]
    # Means keep all of float32: they are subtracted from values that may be close to them.
    mean = own.mean(axis=0).astype(np.float32).astype(np.float64)
    spread = own.std(axis=0)
    # What varies by less than float32 can tell apart is constant to the graph.
    constant = spread <= 1e-7 * np.maximum(np.abs(own).max(axis=0), 1e-30)
    std = np.where(constant, 1.0, spread).astype(np.float32).astype(np.float64)
    # A constant feature is scaled to 0, so that it gets no weight and no gradient.
    z = np.where(constant, 0.0, (everywhere - mean) / std)
    z = np.clip(z, -recipe.clip, recipe.clip)
    form = closed_form_start(z[rows], mos[rows], recipe.ridge_alpha, recipe.reach, plan.row_weights)
    bend = np.zeros(len(features))
    if form.quadratic is not None:
        # The quadratic part is not trained further, so it is computed once.
        bend = np.einsum("ni,ni->n", z @ form.quadratic, z)
    return Start(mean, std, constant, medians, form, bend)


def starts_of(features: Array, mos: Array, plans: Sequence[NetPlan], recipe: Recipe) -> list[Start]:
    """The start of each net, in the order of ``plans``."""
    made: dict[bytes, Start] = {}
    for plan in plans:
        if plan.identity not in made:
            made[plan.identity] = _start(features, mos, plan, recipe)
    return [made[plan.identity] for plan in plans]


@dataclass(frozen=True)
class ClosedForm:
    """Where a net starts: logit = intercept + z . linear + z quadratic z.

    Attributes:
        intercept: The constant.
        linear: (F,).
        quadratic: (F, F), symmetric; None without quadratic terms.
    """

    intercept: float
    linear: Array
    quadratic: Array | None


def closed_form_start(
    z: Array, mos: Array, alpha: float, reach: float, weights: Array | None = None
) -> ClosedForm:
    """Kernel ridge regression of logit((MOS - 1) / 4) on z-scores, of degree 2.

    The kernel is k(x, x') = (1 + x . x' / d)^2 with d = reach * F, whose functions are the
    quadratic ones: k = 1 + 2 x . x' / d + (x . x')^2 / d^2. With the penalty 2 alpha / d the linear
    part is penalised as by ridge regression with ``alpha`` (Hoerl and Kennard 1970), products
    of two inputs far more. Solved in the rows or in the monomials,
    whichever are fewer (Saunders, Gammerman and Vovk 1998); where both are too many, ridge
    regression on the inputs alone.

    Args:
        z: Clipped z-scores, (N, F).
        mos: Labels in [1, 5], (N,); the logit is bounded near the ends of the scale.
        alpha: Penalty of linear weights.
        reach: See above; 0 gives ridge regression.
        weights: How much each row counts, (N,), mean 1; None where all count alike.
    """
    low, high = MOS_RANGE
    share = np.clip((mos - low) / (high - low), _LOGIT_MARGIN, 1 - _LOGIT_MARGIN)
    target = np.log(share / (1 - share))
    mean = float(target.mean() if weights is None else np.average(target, weights=weights))
    target = target - mean
    rows, width = z.shape
    monomials = 1 + width + width * (width + 1) // 2
    if reach == 0 or min(rows**3, rows * monomials**2 + monomials**3) > _CLOSED_FORM_COST:
        centre = z.mean(axis=0) if weights is None else weights @ z / weights.sum()
        centred = z - centre
        left = centred.T if weights is None else centred.T * weights
        linear: Array = np.linalg.solve(left @ centred + alpha * np.eye(width), left @ target)
        return ClosedForm(mean - float(centre @ linear), linear, None)
    scale = reach * width
    penalty = 2 * alpha / scale
    if rows <= monomials:
        kernel = (1 + z @ z.T / scale) ** 2
        inverse = np.eye(rows) if weights is None else np.diag(1 / weights)
        dual = np.linalg.solve(kernel + penalty * inverse, target)
        quadratic = (z * dual[:, None]).T @ z / scale**2
        return ClosedForm(mean + float(dual.sum()), 2 / scale * (dual @ z), quadratic)
    first, second = np.triu_indices(width)
    pair_scale = np.where(first == second, 1.0, math.sqrt(2)) / scale
    phi = np.empty((rows, monomials))
    phi[:, 0] = 1.0
    phi[:, 1 : width + 1] = math.sqrt(2 / scale) * z
    np.multiply(z[:, first], z[:, second], out=phi[:, width + 1 :])
    phi[:, width + 1 :] *= pair_scale
    left = phi.T if weights is None else phi.T * weights
    solved = np.linalg.solve(left @ phi + penalty * np.eye(monomials), left @ target)
    half = np.zeros((width, width))
    half[first, second] = solved[width + 1 :] * pair_scale
    return ClosedForm(
        mean + float(solved[0]),
        math.sqrt(2 / scale) * solved[1 : width + 1],
        (half + half.T) / 2,
    )
