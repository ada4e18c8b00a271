"""The statistics of subjective quality: agreement, its noise, and its ceiling.

Definitions follow ITU-T P.1401 (2020), "Methods, metrics and procedures for statistical
evaluation, qualification and comparison of objective quality prediction models", and the VQEG
final report on the validation of objective models (2000, 2003).
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, stats

if TYPE_CHECKING:
    from moshead.features.domain import Array

EXPECTED_RANGE_OF_5 = 2.326
"""Mean of max - min over five standard normal draws (Tippett 1925, d2 of control charts)."""


def plcc(truth: Array, predicted: Array) -> float:
    """Return Pearson's linear correlation, on raw predictions.

    Args:
        truth: MOS, (N,).
        predicted: Predicted MOS, (N,).

    Returns:
        In [-1, 1]; NaN for fewer than three rows, non-finite values, or a constant side.

    Example:
        >>> plcc(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
        1.0
    """
    if not _usable(truth, predicted):
        return math.nan
    a, b = truth - truth.mean(), predicted - predicted.mean()
    return float(np.clip(a @ b / math.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def srocc(truth: Array, predicted: Array) -> float:
    """Return Spearman's rank correlation: Pearson's of the ranks, ties share their average rank.

    Arguments and result as in :func:`plcc`.

    Example:
        >>> srocc(np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0, 9.0]))
        1.0
    """
    if not _usable(truth, predicted):
        return math.nan
    return plcc(stats.rankdata(truth), stats.rankdata(predicted))


def krocc(truth: Array, predicted: Array) -> float:
    """Return Kendall's tau-b, which corrects for ties (Kendall 1945).

    Arguments and result as in :func:`plcc`.

    Example:
        >>> round(krocc(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 4)
        0.3333
    """
    if not _usable(truth, predicted):
        return math.nan
    return float(stats.kendalltau(truth, predicted).statistic)


def rmse(truth: Array, predicted: Array) -> float:
    """Return the root mean square error in MOS: sqrt(sum(e^2) / N), raw predictions.

    NaN without rows, or if a value is not finite.

    Example:
        >>> rmse(np.array([1.0, 2.0]), np.array([1.5, 2.5]))
        0.5
    """
    if not truth.size or not (np.isfinite(truth).all() and np.isfinite(predicted).all()):
        return math.nan
    return float(np.sqrt(np.mean((truth - predicted) ** 2)))


def _usable(truth: Array, predicted: Array) -> bool:
    if truth.size < 3 or not (np.isfinite(truth).all() and np.isfinite(predicted).all()):
        return False
    return bool(_varies(truth) and _varies(predicted))


def _varies(values: Array) -> bool:
    # A constant computed in floating point differs from itself by rounding.
    return float(np.ptp(values)) > 1e-12 * max(1.0, float(np.abs(values).max()))


def logistic_map(truth: Array, predicted: Array) -> Array:
    """Map predictions to the MOS scale by the four-parameter logistic of VQEG.

        m(x) = b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|)),  b1 >= b2

    fitted to ``truth`` by least squares (VQEG 2003; P.1401, 7.5). The mapping never decreases: it
    corrects the shape of a scale and must not turn a reversed prediction round. A straight line
    is used where the logistic does not fit better, for fewer than five rows, and where the
    predictions do not correlate with ``truth`` beyond chance (p > .05): four parameters would
    find a shape in noise.

    Args:
        truth: MOS, (N,).
        predicted: Raw predictions, (N,).

    Returns:
        Mapped predictions, (N,); constant where the best line that does not fall is flat.
    """
    slope, intercept = np.polyfit(predicted, truth, 1)
    if slope <= 0:
        return np.full(len(truth), float(truth.mean()))
    linear = np.asarray(slope * predicted + intercept)
    if truth.size < 5 or not _beyond_chance(plcc(truth, predicted), truth.size):
        return linear

    def logistic(x: Array, b2: float, height: float, b3: float, b4: float) -> Array:
        z = np.clip((x - b3) / max(abs(b4), 1e-9), -500, 500)
        return np.asarray(b2 + abs(height) / (1 + np.exp(-z)))

    spread = max(float(predicted.std()), 1e-3)
    start = (truth.min(), float(np.ptp(truth)), predicted.mean(), spread)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optimize.OptimizeWarning)
        try:
            parameters, _ = optimize.curve_fit(logistic, predicted, truth, start, maxfev=2000)
        except RuntimeError:
            return linear
    mapped = logistic(predicted, *parameters)
    better = np.isfinite(mapped).all() and rmse(truth, mapped) <= rmse(truth, linear)
    return mapped if better else linear


def _beyond_chance(r: float, rows: int) -> bool:
    """Whether the 95 % interval of a correlation by Fisher's z lies above 0."""
    return bool(math.atanh(min(r, 1 - 1e-12)) > 1.96 / math.sqrt(rows - 3))


def mapped_plcc(truth: Array, predicted: Array) -> float:
    """PLCC after :func:`logistic_map`; never gated. Arguments and result as in :func:`plcc`.

    Where the predictions are reversed, a mapping that never decreases cannot improve them: this is
    their raw PLCC then, with its sign.
    """
    if not _usable(truth, predicted):
        return math.nan
    raw = plcc(truth, predicted)
    if raw <= 0:
        return raw
    mapped = plcc(truth, logistic_map(truth, predicted))
    return raw if math.isnan(mapped) else mapped


def outlier_ratio(truth: Array, predicted: Array, standard_error: Array) -> float:
    """Return the share of clips predicted outside the 95 % interval of their MOS (P.1401, 7.5.3).

    Args:
        truth: MOS, (N,).
        predicted: Predicted MOS, (N,).
        standard_error: sigma / sqrt(ratings) of each MOS, (N,); rows without one are left out.

    Returns:
        In [0, 1], NaN if no row has a standard error.

    Example:
        >>> outlier_ratio(np.array([3.0, 4.0]), np.array([3.1, 5.0]), np.array([0.2, 0.2]))
        0.5
    """
    known = np.isfinite(standard_error)
    if not known.any():
        return math.nan
    error = np.abs(truth[known] - predicted[known])
    return float(np.mean(error > 1.96 * standard_error[known]))


LEAST_CLIPS_OF_A_CEILING = 20


def label_noise_ceiling(mos_variance: float, mean_squared_error: float) -> float:
    """Return the highest PLCC that perfect predictions can measure against noisy labels.

    sqrt(1 - mean(SE^2) / Var(MOS)), the square root of the labels' reliability (Spearman 1904;
    the variance of the measured MOS includes the rating noise).

    Args:
        mos_variance: Variance of the measured MOS over clips.
        mean_squared_error: Mean over clips of SE^2 = rating variance / ratings.

    Returns:
        In [0, 1]; 0 if the labels are all noise.

    Example:
        >>> round(label_noise_ceiling(0.64**2, 0.7**2 / 5), 3)
        0.872
    """
    return math.sqrt(max(0.0, 1.0 - mean_squared_error / mos_variance))


def label_noise_interval(mos: Array, standard_error: Array) -> tuple[float, float]:
    """Return the 95 % interval of the label-noise ceiling, by the delta method over clips.

    Args:
        mos: Measured MOS, (N,), all finite.
        standard_error: Of each, (N,), all finite.

    Returns:
        Ends in [0, 1]; NaN below 20 clips or without spread.
    """
    apart = mos - mos.mean()
    squared = standard_error**2
    variance = float(np.mean(apart**2))
    if len(mos) < LEAST_CLIPS_OF_A_CEILING or variance <= 0:
        return math.nan, math.nan
    noise = float(squared.mean())
    influence = (squared - noise) / variance - noise * (apart**2 - variance) / variance**2
    reach = 1.96 * float(influence.std(ddof=1)) / math.sqrt(len(mos))
    low, high = (min(max(1 - noise / variance + sign * reach, 0.0), 1.0) for sign in (-1, 1))
    return math.sqrt(low), math.sqrt(high)


def plcc_standard_error(r: float, n: float) -> float:
    """Return the large-sample standard error of a PLCC: (1 - r^2) / sqrt(n) (Fisher 1915).

    Example:
        >>> round(plcc_standard_error(0.9, 400), 4)
        0.0095
    """
    return (1.0 - r * r) / math.sqrt(n)


def clips_for_spread(r: float, spread: float) -> int:
    """Return the clips per fold at which sampling keeps the range over five folds in ``spread``.

    The range of five draws averages 2.326 standard errors, so n = (2.326 (1 - r^2) / spread)^2.

    Example:
        >>> clips_for_spread(0.96, 0.005)
        1331
    """
    return math.ceil((EXPECTED_RANGE_OF_5 * (1.0 - r * r) / spread) ** 2)
