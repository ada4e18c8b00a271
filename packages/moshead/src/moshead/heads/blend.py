"""The family ``blend``: all members, weighted by what they predict for rows they left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from moshead.heads.closed_form.assembly import combined, fit_each, prepare
from moshead.heads.closed_form.members import linear_member, nonlinear_members
from moshead.heads.closed_form.whole import on_all_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moshead.features.domain import Array
    from moshead.heads.closed_form.additive import AdditiveHead
    from moshead.heads.closed_form.fitting import Fitting, Member
    from moshead.heads.protocol import FitOptions, FittedHead, Plan, TrainingRows

EVENNESS = 5.0
"""How many units the pull of the weights towards equal ones counts for."""


class Blend:
    """Every member, weighted by non-negative least squares on their leave-one-out predictions.

    Stacking (Wolpert 1992; Breiman 1996), with a pull towards equal weights that matters only
    where units are few.
    """

    name = "blend"
    deterministic = True

    def fit(
        self,
        rows: TrainingRows,
        plans: Sequence[Plan],
        options: FitOptions,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[FittedHead]:
        """Fit one head for each plan; see :class:`moshead.heads.protocol.Family`."""
        return fit_each(rows, plans, self._fit, options, progress)

    def _fit(self, rows: TrainingRows, size_limit: int) -> AdditiveHead:
        inputs, fitting = prepare(rows, size_limit)
        choosing = fitting.choosing()
        members = [linear_member(choosing, name) for name in fitting.inputs]
        members += nonlinear_members(choosing)
        weighted = list(zip(blend_weights(members, choosing), members, strict=True))
        if fitting.chooses_on_some:
            weighted = [(w, on_all_rows(fitting, each)) for w, each in weighted if w > 0]
        return combined(self.name, inputs, fitting, weighted)


def blend_weights(members: Sequence[Member], fitting: Fitting) -> list[float]:
    """Non-negative weights whose sum of leave-out predictions is closest to the labels."""
    mean = fitting.mean
    unseen = np.stack([member.leave_out for member in members], axis=1) - mean
    deviation, spread = fitting.target - mean, fitting.target.var()
    if fitting.weights is not None:
        spread = np.average(deviation**2, weights=fitting.weights)
        roots = np.sqrt(fitting.weights)
        unseen, deviation = unseen * roots[:, None], deviation * roots
    count = len(members)
    # The pull: as if so many rows more wanted all weights to be 1 / count.
    rows_per_unit = len(unseen) / fitting.units.count
    pull = np.sqrt(EVENNESS * rows_per_unit * spread) * np.eye(count)
    system: Array = np.concatenate([unseen, pull])
    wanted = np.concatenate([deviation, pull.sum(axis=1) / count])
    weights, _ = nnls(system, wanted)
    weights[weights < 1e-3] = 0.0
    if not weights.any():
        weights[int(np.argmin([member.error for member in members]))] = 1.0
    return [float(weight) for weight in weights]


FAMILY = Blend()
