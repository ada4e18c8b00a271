"""Members: single closed-form fits with their leave-out predictions, from which families choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moshead.heads.closed_form.additive import LinearTerm
from moshead.heads.closed_form.expansion import expansion_members
from moshead.heads.closed_form.fitting import Member
from moshead.heads.closed_form.leave_out import LeastSquares
from moshead.heads.closed_form.quadratic import quadratic_member

if TYPE_CHECKING:
    from moshead.heads.closed_form.fitting import Fitting
    from moshead.heads.closed_form.transforms import TransformName


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


def nonlinear_members(fitting: Fitting) -> list[Member]:
    """Quadratic, RBF and Laplace members of the transforms that suit them."""
    transforms: list[TransformName] = [
        name for name in ("z-narrow", "rank-normal") if name in fitting.inputs
    ]
    members = [quadratic_member(fitting, name) for name in transforms]
    found = [member for member in members if member is not None]
    return found + expansion_members(fitting, transforms, alone=not found)
