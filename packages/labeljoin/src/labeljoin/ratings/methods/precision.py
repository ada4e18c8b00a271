"""How precise MOS are: standard errors, and the correlation that their noise leaves to reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labeljoin.ratings.methods.rater_model import PRIOR_FREEDOM, noise_variance, residual_freedom

if TYPE_CHECKING:
    from labeljoin.ratings.votes import Floats, Votes

LEAST_CLIPS = 20
"""Clips below which a ceiling has no interval."""


def label_errors(
    votes: Votes,
    quality: Floats,
    bias: Floats,
    weights: Floats,
    *,
    removed: Floats | None,
    estimated_weights: bool,
) -> Floats:
    """Standard errors of MOS that are weighted means of votes, against each other.

    With the shares a_ij = w_i / sum_k w_k of the votes in their clip's MOS and the noise variance
    v_i^2 of each rater (see ``noise_variance`` of the rater model) it is the root of

        sum_i a_ij^2 (v_i^2 + D u_i^2)

    u_i^2 is what each rater's bias adds: the variance over raters of the bias that the method left
    in, and v_i^2 / n_i, the error of the bias that it took out. D is the share of it
    that differs between clips: 1 where every clip has raters of its own, 0 where all clips have the
    same raters, whose biases then move all MOS alike. Where the weights are estimates themselves
    the sum is larger by 1 + 4 sum_i a_ij (1 - a_ij) / f_i (Meier, "Variance of a weighted mean",
    Biometrics 9, 1953), f_i the degrees of freedom of v_i^2.

    Args:
        votes: The votes that count.
        quality: Quality of each clip with the raters' biases taken out, (J,).
        bias: Bias of each rater, (I,).
        weights: The weight of each rater's votes, (I,).
        removed: What the method took from each rater's votes, (I,), None for nothing.
        estimated_weights: Whether the weights were made of the same votes.

    Returns:
        Standard errors, (J,); NaN for a clip without votes, and for all clips where no clip has
        two votes.
    """
    if (votes.per_clip < 2).all():
        return np.full(len(votes.clips), np.nan)
    variance = noise_variance(votes, votes.score - votes.of_clips(quality), weights)
    share = votes.of_raters(weights)
    share /= votes.of_clips(votes.clip_sum(share))
    square = share * share
    error = variance / np.maximum(votes.per_rater, 1)
    heard = votes.per_rater > 0
    if removed is None:
        extra = np.full_like(error, max(float(np.var(bias[heard]) - error[heard].mean()), 0.0))
    else:
        extra = error + float(np.var((bias - removed)[heard]))
    rated = votes.per_clip > 0
    common = votes.rater_sum(share) / np.count_nonzero(rated)
    differing = 1.0 - float(np.sum(common**2) / np.mean(votes.clip_sum(square)[rated]))
    total = votes.clip_sum(square * votes.of_raters(variance + max(differing, 0.0) * extra))
    if estimated_weights:
        freedom = residual_freedom(votes, weights) + PRIOR_FREEDOM
        total *= 1.0 + 4.0 * votes.clip_sum(share * (1.0 - share) / votes.of_raters(freedom))
    return np.where(rated, np.sqrt(total), np.nan)


@dataclass(frozen=True)
class Ceiling:
    """The highest correlation that noisy labels allow.

    Attributes:
        plcc: The PLCC that perfect predictions would measure.
        low: Lower end of its 95 % interval, None below :data:`LEAST_CLIPS` clips.
        high: Upper end.
        clips: The clips that it was taken from.
    """

    plcc: float
    low: float | None
    high: float | None
    clips: int


def noise_ceiling(mos: Floats, standard_error: Floats) -> Ceiling | None:
    """Compute sqrt(1 - mean(SE^2) / Var(MOS)), the PLCC that perfect predictions would measure.

    Labels are truth plus error, so Var(MOS) = Var(truth) + mean(SE^2), and the correlation of truth
    with them is the root of the reliability. The interval is the delta method's, over clips.

    Args:
        mos: The MOS, (J,).
        standard_error: Their standard errors, (J,). Clips where either is NaN are left out.

    Returns:
        The ceiling, or None for fewer than two clips or without spread.
    """
    known = np.isfinite(mos) & np.isfinite(standard_error)
    clips = int(np.count_nonzero(known))
    if clips < 2 or float(np.ptp(mos[known])) == 0:
        return None
    apart = mos[known] - mos[known].mean()
    squared = standard_error[known] ** 2
    variance = float(np.sum(apart**2) / (clips - 1))
    noise = float(squared.mean())
    reliability = 1.0 - noise / variance
    plcc = float(np.sqrt(max(reliability, 0.0)))
    if clips < LEAST_CLIPS:
        return Ceiling(plcc, None, None, clips)
    # What one clip contributes to noise / variance, to first order.
    influence = (squared - noise) / variance - noise * (apart**2 - variance) / variance**2
    reach = 1.959964 * float(np.std(influence, ddof=1)) / np.sqrt(clips)
    low, high = np.sqrt(np.clip([reliability - reach, reliability + reach], 0.0, 1.0))
    return Ceiling(plcc, float(low), float(high), clips)
