"""The methods that make MOS of votes, each after its recommendation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from labeljoin.ratings.methods.precision import label_errors
from labeljoin.ratings.methods.rater_model import fit_fixed_effects, fit_rater_model
from labeljoin.ratings.votes import divided

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labeljoin.ratings.methods.rater_model import RaterModel
    from labeljoin.ratings.options import Method
    from labeljoin.ratings.votes import Floats, Votes


CONFIDENCE = 0.95
REJECTED_SHARE = 0.05
REJECTED_SIDEDNESS = 0.3

# A vote on the limit itself is beyond it. With five votes a clip, four of them equal, the fifth is
# exactly two standard deviations away, and rounding must not decide.
_ON_THE_LIMIT = 1e-9


@dataclass(frozen=True)
class Estimate:
    """What a method makes of votes. Units are those of the scale.

    Attributes:
        method: The method.
        mos: The MOS of each clip, (J,); NaN where no accepted rater voted.
        deviation: Sample standard deviation (n - 1) of the votes as the method takes them, (J,);
            NaN below two.
        ratings: Votes that count for each clip, (J,).
        low: Lower end of the 95 % interval, (J,); NaN without a standard error.
        high: Upper end, (J,).
        standard_error: Standard error of the MOS against those of the other clips, (J,): an error
            that all clips share moves no correlation, and is left out.
        bias: How far each rater votes above the others, (I,).
        inconsistency: Standard deviation of each rater's votes about MOS plus bias, (I,).
        rejected: Whether a rater's votes were left out, (I,).
        beyond: Share of each rater's votes beyond the limits of BT.500, (I,), or None.
        model: The fit of ``p910``, or None.
    """

    method: Method
    mos: Floats
    deviation: Floats
    ratings: NDArray[np.int64]
    low: Floats
    high: Floats
    standard_error: Floats
    bias: Floats
    inconsistency: Floats
    rejected: NDArray[np.bool_]
    beyond: Floats | None = None
    model: RaterModel | None = None


def estimate(votes: Votes, method: Method, span: float) -> Estimate:
    """Make MOS of votes.

    Args:
        votes: The votes, at least one.
        method: The method.
        span: The range of the scale, for the tolerance of ``p910``.
    """
    if method == "p910":
        return p910(votes, span)
    if method == "p913":
        return p913(votes, span)
    if method == "bt500":
        return bt500(votes, span)
    return plain_mean(votes, span)


def plain_mean(votes: Votes, span: float) -> Estimate:
    """Average the votes of each clip (ITU-T P.800.1, ITU-R BT.500-15 clause A1-2.2).

    mos_j = sum_i x_ij / n_j with the interval mos_j -+ t s_j / sqrt(n_j), where s_j is the sample
    standard deviation and t Student's 0.975 quantile at n_j - 1 degrees of freedom.
    """
    nobody = np.zeros(len(votes.raters), dtype=bool)
    return _average(votes, span, "mean", nobody, np.zeros(len(votes.raters)))


def bt500(votes: Votes, span: float) -> Estimate:
    """Average the votes of the raters that BT.500 accepts (ITU-R BT.500-15, clause A1-2.3).

    See :func:`outlying_raters` for the rejection, :func:`plain_mean` for the rest.
    """
    rejected, beyond = outlying_raters(votes, votes.score)
    return _average(votes, span, "bt500", rejected, np.zeros(len(votes.raters)), beyond)


def p913(votes: Votes, span: float) -> Estimate:
    """Remove each rater's bias, reject outlying raters, and average (ITU-T P.913, clause 12.4).

    b_i = mean_j(x_ij - mos_j) over the clips that rater i voted on, mos_j the plain mean; then the
    rejection of BT.500 and the mean on x_ij - b_i.
    """
    bias = votes.rater_mean(votes.score - votes.of_clips(votes.clip_mean(votes.score)))
    bias = np.nan_to_num(bias)
    rejected, beyond = outlying_raters(votes, votes.score - votes.of_raters(bias))
    return _average(votes, span, "p913", rejected, bias, beyond)


def p910(votes: Votes, span: float) -> Estimate:
    """Fit the rater model of ITU-T P.910 (2022), Annex E.

    See :func:`labeljoin.ratings.methods.rater_model.fit_rater_model` for the model. An estimate may
    leave the scale. The interval is q_j -+ 1.96 standard errors; see
    :func:`labeljoin.ratings.methods.precision.label_errors`.
    """
    model = fit_rater_model(votes, span)
    unbiased = votes.score - votes.of_raters(model.bias)
    error = label_errors(
        votes,
        model.quality,
        model.bias,
        model.weights,
        removed=model.bias,
        estimated_weights=True,
    )
    reach = stdtrit(np.inf, (1 + CONFIDENCE) / 2) * error
    return Estimate(
        method="p910",
        mos=model.quality,
        deviation=votes.clip_deviation(unbiased),
        ratings=votes.per_clip,
        low=model.quality - reach,
        high=model.quality + reach,
        standard_error=error,
        bias=model.bias,
        inconsistency=model.inconsistency,
        rejected=np.zeros(len(votes.raters), dtype=bool),
        model=model,
    )


def outlying_raters(votes: Votes, scores: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Find the raters that BT.500 rejects (ITU-R BT.500-15, clause A1-2.3.1).

    A vote is beyond the limits of its clip at mean +- 2 s where the kurtosis of the clip's votes is
    in [2, 4], else at mean +- sqrt(20) s, with s the standard deviation (n). With P_i and Q_i of a
    rater's n_i votes above and below, the rater is rejected where (P_i + Q_i) / n_i > 0.05 and
    |P_i - Q_i| / (P_i + Q_i) < 0.3. On a clip whose votes are all equal nobody is beyond. Where
    all raters would be rejected, none is.

    Args:
        votes: The votes.
        scores: What they count as, (N,).

    Returns:
        Whether each rater is rejected, (I,), and their share of votes beyond the limits, (I,).
    """
    apart = scores - votes.of_clips(votes.clip_mean(scores))
    square = apart * apart
    second = votes.clip_mean(square)
    fourth = votes.clip_mean(square * square)
    spread = np.sqrt(second)
    even = spread > _ON_THE_LIMIT * np.maximum(1.0, np.abs(votes.clip_mean(scores)))
    kurtosis = divided(fourth, np.where(even, second * second, 0.0))
    normal = (kurtosis >= 2) & (kurtosis <= 4)
    limit = np.where(even, np.where(normal, 2.0, np.sqrt(20.0)) * spread, np.inf)
    reach = votes.of_clips(limit * (1 - _ON_THE_LIMIT))
    above = votes.rater_sum((apart >= reach).astype(np.float64))
    below = votes.rater_sum((apart <= -reach).astype(np.float64))
    share = divided(above + below, votes.per_rater)
    one_sided = divided(np.abs(above - below), above + below)
    rejected = (share > REJECTED_SHARE) & (one_sided < REJECTED_SIDEDNESS)
    if rejected[votes.per_rater > 0].all():
        rejected[:] = False
    return rejected, share


def _average(
    votes: Votes,
    span: float,
    method: Method,
    rejected: NDArray[np.bool_],
    removed: Floats,
    beyond: Floats | None = None,
) -> Estimate:
    """Average the votes of accepted raters after ``removed`` was taken from each rater's, (I,)."""
    unbiased = votes.score - votes.of_raters(removed)
    kept = ~rejected[votes.rater]
    counted = votes.only(kept)
    scores = unbiased[kept]
    mos = counted.clip_mean(scores)
    count = counted.per_clip
    deviation = counted.clip_deviation(scores)
    freedom = np.where(count > 1, count - 1.0, np.nan)
    reach = stdtrit(freedom, (1 + CONFIDENCE) / 2) * divided(deviation, np.sqrt(count))
    # Rejected raters are compared with the others, too.
    apart = votes.score - votes.of_clips(mos)
    bias = votes.rater_mean(np.nan_to_num(apart))
    residual = np.nan_to_num(apart - votes.of_raters(bias))
    return Estimate(
        method=method,
        mos=mos,
        deviation=deviation,
        ratings=count,
        low=mos - reach,
        high=mos + reach,
        standard_error=label_errors(
            counted,
            *fit_fixed_effects(counted, span),
            np.ones(len(votes.raters)),
            removed=removed if method == "p913" else None,
            estimated_weights=False,
        ),
        bias=removed if method == "p913" else bias,
        inconsistency=np.sqrt(votes.rater_mean(residual * residual)),
        rejected=rejected,
        beyond=beyond,
    )
