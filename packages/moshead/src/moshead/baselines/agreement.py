"""How well predictions agree with MOS: the statistics of ITU-T P.1401 (2020)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from moshead.gate import statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CONFIDENCE = 0.95


def rating_half_width(
    standard_error: Array, ratings: Array, confidence: float = CONFIDENCE
) -> Array:
    """Half width of the confidence interval of each MOS.

        t(confidence, n - 1) * s / sqrt(n)

    with Student's t, because few clips have the thirty ratings that make it normal (P.1401, 7.5).

    Args:
        standard_error: s / sqrt(n) of each clip, (N,), where the standard deviation s of its
            ratings has n - 1 in the denominator.
        ratings: Number of ratings n of each clip, (N,).
        confidence: Level, between 0 and 1.

    Returns:
        In MOS, (N,); NaN where a clip has fewer than two ratings or no deviation.
    """
    usable = np.isfinite(standard_error) & (standard_error >= 0) & (ratings >= 2)
    t = stats.t.ppf((1 + confidence) / 2, np.where(usable, ratings, 2.0) - 1)
    return np.where(usable, t * standard_error, np.nan)


def outlier_ratio(truth: Array, predicted: Array, half_width: Array) -> float:
    """Share of clips predicted outside the confidence interval of their MOS (P.1401, 7.7).

    Args:
        truth: MOS, (N,).
        predicted: Predicted MOS, (N,).
        half_width: From :func:`rating_half_width`, (N,); rows without one are left out.

    Returns:
        In [0, 1]; NaN where no row has an interval.
    """
    known = np.isfinite(half_width)
    if not known.any():
        return math.nan
    return float(np.mean(np.abs(truth[known] - predicted[known]) > half_width[known]))


def rmse_star(truth: Array, predicted: Array, half_width: Array, fitted: int = 0) -> float:
    """Root mean square of the error beyond the confidence interval of each MOS (P.1401, 7.5).

        sqrt(sum(max(0, |truth - predicted| - half_width)^2) / (N - d))

    Args:
        truth: MOS, (N,).
        predicted: Predicted MOS, (N,).
        half_width: From :func:`rating_half_width`, (N,); rows without one are left out.
        fitted: Parameters d of a mapping that was fitted to these very rows.

    Returns:
        In MOS; NaN where too few rows have an interval.
    """
    known = np.isfinite(half_width)
    freedom = int(known.sum()) - fitted
    if freedom < 1:
        return math.nan
    beyond = np.abs(truth[known] - predicted[known]) - half_width[known]
    return float(math.sqrt(float(np.sum(np.maximum(beyond, 0.0) ** 2)) / freedom))


@dataclass(frozen=True)
class Agreement:
    """All statistics of one set of predictions; NaN where one does not exist.

    Attributes:
        plcc: Pearson's correlation.
        srocc: Spearman's rank correlation.
        krocc: Kendall's tau-b.
        rmse: Root mean square error, in MOS.
        rmse_star: The error beyond the raters' own uncertainty, in MOS.
        outlier_ratio: Share of clips outside the raters' own uncertainty.
    """

    plcc: float
    srocc: float
    krocc: float
    rmse: float
    rmse_star: float
    outlier_ratio: float


NAMES = ("plcc", "srocc", "krocc", "rmse", "rmse_star", "outlier_ratio")
"""The statistics of :class:`Agreement`, in order."""


def measure_agreement(
    truth: Array, predicted: Array, half_width: Array, fitted: int = 0
) -> Agreement:
    """Measure the agreement of predictions with MOS.

    Args:
        truth: MOS, (N,).
        predicted: Predicted MOS, (N,).
        half_width: From :func:`rating_half_width`, (N,), NaN where unknown.
        fitted: Parameters of a mapping that was fitted to these very rows.
    """
    return Agreement(
        plcc=statistics.plcc(truth, predicted),
        srocc=statistics.srocc(truth, predicted),
        krocc=statistics.krocc(truth, predicted),
        rmse=statistics.rmse(truth, predicted),
        rmse_star=rmse_star(truth, predicted, half_width, fitted),
        outlier_ratio=outlier_ratio(truth, predicted, half_width),
    )
