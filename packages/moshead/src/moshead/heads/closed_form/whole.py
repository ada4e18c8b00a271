"""Fits to all of many rows: what some of them chose, in one pass over all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

from moshead.heads.closed_form.additive import CentreTerm, LinearTerm, QuadraticTerm
from moshead.heads.closed_form.expansion import (
    LARGEST_COEFFICIENTS,
    CentrePlan,
    coefficients_of,
    spanned,
)
from moshead.heads.closed_form.quadratic import monomials_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from moshead.features.domain import Array
    from moshead.heads.closed_form.additive import Term
    from moshead.heads.closed_form.fitting import Fitting, Member

_BLOCK = 8192
"""Rows worked on at a time."""


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
        root, phi = spanned(plan, x, None)
        moments = _Moments.of(phi, fitting, len(plan.centres))
        while True:
            weights, intercept = moments.solve(penalty)
            coefficients = coefficients_of(root, weights)
            if np.linalg.norm(coefficients) <= LARGEST_COEFFICIENTS:
                break
            penalty *= 2
        term = replace(old, coefficients=coefficients)
    elif isinstance(member.term, QuadraticTerm):
        phi, written = monomials_of(x)
        width = x.shape[1] + x.shape[1] * (x.shape[1] + 1) // 2
        weights, intercept = _Moments.of(phi, fitting, width).solve(penalty)
        term = written(weights)
    else:
        moments = _Moments.of(lambda rows: x[rows], fitting, x.shape[1])
        weights, intercept = moments.solve(penalty)
        term = LinearTerm(weights)
    chosen = member.chosen | {"penalty": penalty}
    return replace(member, term=term, intercept=intercept, chosen=chosen)
