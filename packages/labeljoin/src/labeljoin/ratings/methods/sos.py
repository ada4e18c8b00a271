"""The SOS hypothesis: how far votes disagree, given where their mean is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from labeljoin.ratings.votes import Floats, Votes


@dataclass(frozen=True)
class SosFit:
    """The SOS parameter of a test.

    Attributes:
        a: The parameter, from 0 (all raters agree) to 1 (votes at both ends only).
        low: Lower end of its 95 % interval, None below three clips.
        high: Upper end.
        clips: Clips with two votes or more, which it was fitted to.
    """

    a: float
    low: float | None
    high: float | None
    clips: int


def fit_sos(votes: Votes, limits: tuple[float, float]) -> SosFit | None:
    """Fit the SOS parameter (Hossfeld, Schatz, Egger, "SOS: The MOS is not enough!", QoMEX 2011).

    The variance of a clip's votes is a (mos - LOW)(HIGH - mos), a parabola that is 0 at both ends
    of the scale. a is its least-squares fit over clips. The mean of few votes is noisy itself,
    which makes the parabola smaller by s^2 / n on average; that is added back. The interval takes
    clips as independent and their scatter as it is (a sandwich estimate), with Student's t.

    Args:
        votes: The votes as cast.
        limits: The ends of the scale.

    Returns:
        The fit, or None where no clip has two votes, or all means are at the ends of the scale.
    """
    low, high = limits
    deviation = votes.clip_deviation(votes.score)
    known = np.isfinite(deviation)
    variance = deviation[known] ** 2
    mean = votes.clip_mean(votes.score)[known]
    room = parabola(mean, limits) + variance / votes.per_clip[known]
    total = float(np.sum(room**2))
    clips = len(variance)
    if not clips or total <= (1e-9 * (high - low)) ** 4:
        return None
    a = float(np.sum(room * variance)) / total
    if clips < 3:
        return SosFit(a, None, None, clips)
    error = (
        float(np.sqrt(np.sum((room * (variance - a * room)) ** 2) * clips / (clips - 1))) / total
    )
    reach = float(stdtrit(clips - 1, 0.975)) * error
    return SosFit(a, max(a - reach, 0.0), a + reach, clips)


def parabola(mos: Floats, limits: tuple[float, float]) -> Floats:
    """(mos - LOW)(HIGH - mos): the variance of votes that are all at the ends of the scale."""
    low, high = limits
    product: Floats = (mos - low) * (high - mos)
    return product
