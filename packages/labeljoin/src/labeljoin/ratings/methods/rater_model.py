"""The rater model of ITU-T P.910: score = quality + rater bias + rater inconsistency x noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from labeljoin.ratings.votes import divided

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labeljoin.ratings.votes import Floats, Votes

MAX_ITERATIONS = 1000
TOLERANCE = 1e-9
"""The fit has converged when no quality moves by more than this share of the scale's range."""

FEW_VOTES = 8
"""Votes a clip, on average, below which inconsistencies are estimated by restricted likelihood."""

LEAST_VOTES = 4
"""Raters with fewer votes get the pooled inconsistency: their own cannot be told from chance."""

FLOOR = 0.1
"""The least inconsistency, as a share of the pooled one."""

PRIOR_FREEDOM = 1.0
"""Degrees of freedom with which the pooled variance enters each rater's restricted estimate."""

_EPSILON = 1e-8
_CLOSE = 1e-6


@dataclass(frozen=True)
class RaterModel:
    """A fitted rater model.

    Attributes:
        quality: The quality of each clip, in the units of the scale, (J,); NaN without votes.
        bias: How far each rater votes above the others, (I,); mean zero over raters that have
            :data:`LEAST_VOTES` votes.
        inconsistency: Standard deviation of each rater's votes about quality plus bias, (I,).
        weights: The weight of each rater's votes in ``quality``, 1 / inconsistency^2, (I,).
        floored: Raters whose inconsistency was raised to the floor, (I,).
        pooled: Raters with too few votes for an inconsistency of their own, (I,).
        likelihood: How inconsistencies were estimated.
        iterations: Iterations of the fit.
        change: The largest change of a quality in the last one.
        converged: Whether ``change`` got below the tolerance.
    """

    quality: Floats
    bias: Floats
    inconsistency: Floats
    weights: Floats
    floored: NDArray[np.bool_]
    pooled: NDArray[np.bool_]
    likelihood: Literal["maximum", "restricted"]
    iterations: int
    change: float
    converged: bool


def fit_rater_model(votes: Votes, span: float) -> RaterModel:
    """Fit quality, bias and inconsistency by alternating projection.

    The model is x_ij = q_j + b_i + v_i e_ij with e_ij standard normal (ITU-T P.910, 2022, Annex E;
    Li et al., "A Simple Model for Subject Behavior in Subjective Experiments", HVEI 2020). Each
    iteration sets

        v_i = sd_j(x_ij - q_j - b_i)
        q_j = sum_i w_i (x_ij - b_i) / sum_i w_i,    w_i = 1 / v_i^2
        b_i = mean_j(x_ij - q_j)

    until no q_j moves; then the mean of b_i, of raters with votes enough, moves over to q_j.

    Two things keep single raters from taking over. v_i is at least :data:`FLOOR` of the pooled
    value, and is the pooled value below :data:`LEAST_VOTES` votes: of one vote, or of a rater who
    always meets the estimate, v_i would be 0. And with fewer than :data:`FEW_VOTES` votes a clip
    the likelihood of P.910 has no useful maximum: each vote pulls the quality of its clip towards
    itself, so the more a rater weighs the smaller v_i looks, and the more they weigh. There v_i is
    estimated by :func:`noise_variance`, which allows for that pull.

    Args:
        votes: The votes, at least one.
        span: The range of the scale, for the tolerance.
    """
    count = votes.per_rater
    few = count < LEAST_VOTES
    limit = TOLERANCE * span
    restricted = len(votes) < FEW_VOTES * np.count_nonzero(votes.per_clip)
    nobody = np.zeros_like(few)
    weights, total = np.ones(len(count)), votes.per_clip.astype(np.float64)
    quality = votes.clip_mean(votes.score)
    apart = votes.score - votes.of_clips(quality)
    bias = votes.rater_mean(apart)
    change = np.inf
    iteration = 0
    while change > limit and iteration < MAX_ITERATIONS:
        iteration += 1
        squares = _residual_squares(votes, apart, bias)
        if restricted:
            variance = _without_pull(squares, _freedom(votes, weights, total))
            floored = nobody
        else:
            variance, floored = _plain_variance(squares, count, few)
        weights = 1.0 / (variance + _EPSILON)
        weight = votes.of_raters(weights)
        total = votes.clip_sum(weight)
        weight *= votes.score - votes.of_raters(bias)
        former = quality
        quality = divided(votes.clip_sum(weight), total)
        np.subtract(votes.score, votes.of_clips(quality), out=apart)
        bias = votes.rater_mean(apart)
        change = float(np.nanmax(np.abs(quality - former)))
    # A rater of few votes has a bias of mostly noise, which would move all qualities.
    known = (count > 0) if few[count > 0].all() else ~few
    shift = float(bias[known].mean())
    return RaterModel(
        quality=quality + shift,
        bias=bias - shift,
        inconsistency=np.sqrt(variance),
        weights=weights,
        floored=floored,
        pooled=nobody if restricted else few & (count > 0),
        likelihood="restricted" if restricted else "maximum",
        iterations=iteration,
        change=change,
        converged=change <= limit,
    )


def fit_fixed_effects(votes: Votes, span: float) -> tuple[Floats, Floats]:
    """Fit x_ij = q_j + b_i + noise by least squares: the rater model with equal inconsistencies.

    Returns:
        Qualities, (J,), and biases, (I,), NaN without votes.
    """
    quality = votes.clip_mean(votes.score)
    for _ in range(MAX_ITERATIONS):
        bias = votes.rater_mean(votes.score - votes.of_clips(quality))
        former = quality
        quality = votes.clip_mean(votes.score - votes.of_raters(bias))
        if float(np.nanmax(np.abs(quality - former))) <= _CLOSE * span:
            break
    return quality, bias


def noise_variance(votes: Votes, apart: Floats, weights: Floats) -> Floats:
    """Estimate the variance of each rater's noise from residuals, allowing for their own pull.

    Under x_ij = q_j + b_i + e_ij with Var(e_ij) = 1 / w_i and q_j the weighted mean, a residual has
    the variance (1 - h_ij) / w_i, where h_ij = w_i / sum_k w_k is the leverage of the vote; the
    rater's bias takes one degree of freedom more. So

        v_i^2 = (sum_j r_ij^2 + d v^2) / (sum_j (1 - h_ij) - 1 + d)

    is without the bias of the plain variance (a fifth with five votes a clip), and lets the pooled
    v^2 enter with d = :data:`PRIOR_FREEDOM` degrees of freedom, so that a rater of few votes is not
    taken for a precise one by chance.

    Args:
        votes: The votes.
        apart: The votes less the quality of their clip, (N,).
        weights: The weight of each rater's votes in that quality, (I,).

    Returns:
        Variances, (I,).
    """
    squares = _residual_squares(votes, apart, votes.rater_mean(apart))
    return _without_pull(squares, residual_freedom(votes, weights))


def residual_freedom(votes: Votes, weights: Floats) -> Floats:
    """Count the degrees of freedom of each rater's residuals: sum_j (1 - h_ij) - 1, at least 0."""
    return _freedom(votes, weights, votes.clip_sum(votes.of_raters(weights)))


def _freedom(votes: Votes, weights: Floats, total: Floats) -> Floats:
    """The same, where the sums of weights are known for each clip."""
    pull = weights * votes.rater_sum(votes.of_clips(divided(np.ones_like(total), total)))
    return np.maximum(votes.per_rater - pull - 1.0, 0.0)


def _residual_squares(votes: Votes, apart: Floats, bias: Floats) -> Floats:
    residual = apart - votes.of_raters(bias)
    residual *= residual
    return votes.rater_sum(residual)


def _without_pull(squares: Floats, freedom: Floats) -> Floats:
    pooled = squares.sum() / max(freedom.sum(), 1.0)
    variance: Floats = (squares + PRIOR_FREEDOM * pooled) / (freedom + PRIOR_FREEDOM)
    return variance


def _plain_variance(
    squares: Floats, count: NDArray[np.int64], few: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """The variance of each rater's residuals as P.910 has it, pooled or floored where needed."""
    own = divided(squares, count)
    enough = ~few if not few.all() else np.ones_like(few)
    pooled = squares[enough].sum() / max(float(count[enough].sum()), 1.0)
    floor = FLOOR**2 * pooled
    floored = ~few & (own < floor)
    return np.where(few, pooled, np.where(floored, floor, own)), floored
