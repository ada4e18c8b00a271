"""What each rater is like: agreement with the rest, and what stands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labeljoin.ratings.methods.estimates import REJECTED_SHARE
from labeljoin.ratings.methods.rater_model import FLOOR, LEAST_VOTES
from labeljoin.ratings.votes import divided

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labeljoin.ratings.methods.estimates import Estimate
    from labeljoin.ratings.votes import Floats, Votes

LEAST_CORRELATED = 3
"""Votes on clips that others rated, too, below which a rater has no correlation."""

UNUSUAL = 3.5
"""Robust standard deviations from the median beyond which a rater stands out."""

LOW_CORRELATION = 0.3


@dataclass(frozen=True)
class Remarks:
    """What stands out about raters.

    Attributes:
        reasons: Why each rater was rejected, or what its estimate rests on; None for most, (I,).
        unusual: Raters worth a look, with one sentence each, the most unusual first.
    """

    reasons: list[str | None]
    unusual: list[tuple[int, str]]


def correlation_with_rest(votes: Votes) -> Floats:
    """Pearson correlation of each rater's votes with the mean vote of the others on the same clips.

    Returns:
        Correlations, (I,); NaN below :data:`LEAST_CORRELATED` votes or without spread.
    """
    shared = votes.per_clip[votes.clip] > 1
    some = votes.only(shared)
    total = votes.of_clips(votes.clip_sum(votes.score))[shared]
    rest = (total - some.score) / (votes.per_clip[some.clip] - 1)
    own = some.score - some.of_raters(np.nan_to_num(some.rater_mean(some.score)))
    other = rest - some.of_raters(np.nan_to_num(some.rater_mean(rest)))
    product = some.rater_sum(own * other)
    size = np.sqrt(some.rater_sum(own * own) * some.rater_sum(other * other))
    noise = 1e-12 * np.maximum(some.rater_sum(some.score**2), 1.0)
    enough = (some.per_rater >= LEAST_CORRELATED) & (size > noise)
    return np.clip(divided(product, np.where(enough, size, 0.0)), -1.0, 1.0)


def remark(votes: Votes, estimate: Estimate, correlation: Floats) -> Remarks:
    """Say why raters were rejected, and which of them stand out."""
    reasons: list[str | None] = [None] * len(votes.raters)
    if estimate.beyond is not None:
        for place in np.flatnonzero(estimate.rejected):
            reasons[place] = (
                f"{100 * estimate.beyond[place]:.1f} % of the votes are beyond the limits of "
                f"BT.500, on both sides; {100 * REJECTED_SHARE:.0f} % are allowed"
            )
    if estimate.model is not None:
        for place in np.flatnonzero(estimate.model.floored):
            reasons[place] = f"inconsistency raised to {100 * FLOOR:.0f} % of the pooled one"
        for place in np.flatnonzero(estimate.model.pooled):
            reasons[place] = f"fewer than {LEAST_VOTES} votes: inconsistency pooled"
    return Remarks(reasons, _unusual(votes, estimate, correlation))


def _unusual(votes: Votes, estimate: Estimate, correlation: Floats) -> list[tuple[int, str]]:
    enough = votes.per_rater >= LEAST_VOTES
    bias = _robust(estimate.bias, enough)
    inconsistency = _robust(estimate.inconsistency, enough)
    strength = np.maximum(np.abs(bias), inconsistency)
    loose = enough & (np.nan_to_num(correlation, nan=1.0) < LOW_CORRELATION)
    chosen = np.flatnonzero(estimate.rejected | (enough & (strength > UNUSUAL)) | loose)
    found = []
    for place in sorted(chosen.tolist(), key=lambda i: (not estimate.rejected[i], -strength[i], i)):
        said = []
        if estimate.rejected[place]:
            said.append("rejected")
        if abs(bias[place]) > UNUSUAL:
            side = "above" if estimate.bias[place] > 0 else "below"
            said.append(f"votes {abs(estimate.bias[place]):.2f} {side} the others")
        if inconsistency[place] > UNUSUAL:
            said.append(f"scatters by {estimate.inconsistency[place]:.2f}")
        if loose[place]:
            said.append(f"correlates {correlation[place]:.2f} with the rest")
        found.append((place, ", ".join(said)))
    return found


def _robust(values: Floats, among: NDArray[np.bool_]) -> Floats:
    """Distance from the median in units of 1.4826 median absolute deviations."""
    if not among.any():
        return np.zeros_like(values)
    median = np.median(values[among])
    spread = 1.4826 * np.median(np.abs(values[among] - median))
    return (values - median) / spread if spread > 0 else np.zeros_like(values)
