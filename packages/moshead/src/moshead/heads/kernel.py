"""The family ``kernel``: the one kernel (degree 2, RBF or Laplace) that predicts best unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moshead.heads.closed_form.assembly import combined, fit_each, prepare
from moshead.heads.closed_form.members import linear_member, nonlinear_members
from moshead.heads.closed_form.whole import on_all_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moshead.heads.closed_form.additive import AdditiveHead
    from moshead.heads.protocol import FitOptions, FittedHead, Plan, TrainingRows


class Kernel:
    """Kernel ridge regression; kernel, width, transform and penalty by leave-one-out."""

    name = "kernel"
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
        # Too few rows for centres and too many inputs for products leave a line.
        choosing = fitting.choosing()
        members = nonlinear_members(choosing) or [linear_member(choosing, "z-narrow")]
        best = min(members, key=lambda member: member.error)
        if fitting.chooses_on_some:
            best = on_all_rows(fitting, best)
        return combined(self.name, inputs, fitting, [(1.0, best)])


FAMILY = Kernel()
