"""The rater model of ITU-T P.910: score = quality + rater bias + rater inconsistency x noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from labeljoin.ratings.votes import divided

if TYPE_CHECKING:
    import scipy.sparse
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
    table = _Table.of(votes)
    count = table.per_rater
    few = count < LEAST_VOTES
    limit = TOLERANCE * span
    restricted = len(votes) < FEW_VOTES * np.count_nonzero(votes.per_clip)
    nobody = np.zeros_like(few)
    weights, total = np.ones(len(count)), table.per_clip.astype(np.float64)
    quality = divided(table.clip_total, table.per_clip)
    change = np.inf
    iteration = 0
    while change > limit and iteration < MAX_ITERATIONS:
        iteration += 1
        bias, squares, freedom = table.residuals(quality, weights, total)
        if restricted:
            variance = _without_pull(squares, freedom)
            floored = nobody
        else:
            variance, floored = _plain_variance(squares, count, few)
        weights = 1.0 / (variance + _EPSILON)
        former = quality
        quality, total = table.weighted_quality(weights, bias)
        change = float(np.nanmax(np.abs(quality - former)))
    bias = table.bias(quality)
    quality += table.centre
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
    table = _Table.of(votes)
    quality = divided(table.clip_total, table.per_clip)
    for _ in range(MAX_ITERATIONS):
        bias = table.bias(quality)
        former = quality
        quality = divided(table.clip_total - table.cast @ np.nan_to_num(bias), table.per_clip)
        if float(np.nanmax(np.abs(quality - former))) <= _CLOSE * span:
            break
    return quality + table.centre, bias


@dataclass(frozen=True)
class _Table:
    """Votes as sparse matrices, and their sums: what an iteration needs, in a few products.

    Votes are centred, so that differences of sums of squares keep their digits.
    """

    centre: float
    score: scipy.sparse.csr_array
    cast: scipy.sparse.csr_array
    per_clip: NDArray[np.int64]
    per_rater: NDArray[np.int64]
    clip_total: Floats
    rater_total: Floats
    rater_squares: Floats

    @classmethod
    def of(cls, votes: Votes) -> _Table:
        centre = float(votes.score.mean())
        score = votes.score - centre
        return cls(
            centre=centre,
            score=votes.matrix(score),
            cast=votes.matrix(np.ones_like(score)),
            per_clip=votes.per_clip,
            per_rater=votes.per_rater,
            clip_total=votes.clip_sum(score),
            rater_total=votes.rater_sum(score),
            rater_squares=votes.rater_sum(score * score),
        )

    def bias(self, quality: Floats) -> Floats:
        """mean_j(x_ij - q_j), (I,)."""
        return divided(self.rater_total - self.cast.T @ quality, self.per_rater)

    def residuals(self, quality: Floats, weights: Floats, total: Floats) -> tuple[Floats, ...]:
        """The bias of each rater, sum_j (x_ij - q_j - b_i)^2, and its degrees of freedom.

        Args:
            quality: Of each clip, (J,).
            weights: Of each rater's votes in it, (I,).
            total: The sum of these weights in each clip, (J,).

        Returns:
            Each (I,); see :func:`residual_freedom` for the degrees of freedom.
        """
        per_vote = divided(np.ones_like(total), total)
        sums = self.cast.T @ np.stack([quality, quality * quality, per_vote], axis=1)
        bias = divided(self.rater_total - sums[:, 0], self.per_rater)
        squares = self.rater_squares - 2.0 * (self.score.T @ quality) + sums[:, 1]
        squares -= self.per_rater * np.nan_to_num(bias) ** 2
        freedom = self.per_rater - weights * sums[:, 2] - 1.0
        return bias, np.maximum(squares, 0.0), np.maximum(freedom, 0.0)

    def weighted_quality(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """sum_i w_i (x_ij - b_i) / sum_i w_i, (J,), and the sum of weights, (J,)."""
        sums = self.cast @ np.stack([weights, weights * np.nan_to_num(bias)], axis=1)
        return divided(self.score @ weights - sums[:, 1], sums[:, 0]), sums[:, 0]


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
    residual = apart - votes.of_raters(votes.rater_mean(apart))
    squares = votes.rater_sum(residual * residual)
    return _without_pull(squares, residual_freedom(votes, weights))


def residual_freedom(votes: Votes, weights: Floats) -> Floats:
    """Count the degrees of freedom of each rater's residuals: sum_j (1 - h_ij) - 1, at least 0."""
    total = votes.clip_sum(votes.of_raters(weights))
    pull = weights * votes.rater_sum(votes.of_clips(divided(np.ones_like(total), total)))
    return np.maximum(votes.per_rater - pull - 1.0, 0.0)


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
