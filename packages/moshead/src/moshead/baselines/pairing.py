"""How sure a difference is between two predictors of the same clips.

Two predictors judged on the same clips err on the same clips, so their intervals overlap even
where one is surely better. What counts is the interval of the difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_UNITS = 20
"""Clips or groups that a bootstrap needs; with fewer its interval is too narrow to be believed."""


@dataclass(frozen=True)
class Difference:
    """A difference between two predictors, a - b.

    Attributes:
        difference: The measured difference.
        low: Lower end of its 95 % interval; NaN without an interval.
        high: Upper end.
        p: Two-sided p value of the difference being 0; NaN if it does not exist.
    """

    difference: float
    low: float
    high: float
    p: float

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0


def bootstrap_difference(a: float, b: float, draws_a: Array, draws_b: Array) -> Difference:
    """Percentile interval and p value of a paired difference (Efron and Tibshirani 1993, 13, 16).

    Args:
        a: Measured number of the first.
        b: Measured number of the second.
        draws_a: The same number under B resamples, (B,), NaN where a resample has none.
        draws_b: The second's under the same resamples, (B,).

    Returns:
        The difference; interval and p are NaN where a tenth of the resamples have no number. The
        smallest p value that B resamples can give is 2 / (B + 1).
    """
    draws = draws_a - draws_b
    finite = draws[np.isfinite(draws)]
    if not finite.size or finite.size < 0.9 * draws.size:
        return Difference(float(a - b), math.nan, math.nan, math.nan)
    low, high = np.percentile(finite, [2.5, 97.5])
    tail = min(int((finite <= 0).sum()), int((finite >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (finite.size + 1))
    return Difference(float(a - b), float(low), float(high), p)


def fisher_interval(r: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of one correlation by Fisher's z (Fisher 1921).

    Args:
        r: Correlation, in (-1, 1).
        n: Clips, more than three.
        confidence: Level, between 0 and 1.
    """
    z = math.atanh(float(np.clip(r, -1 + 1e-15, 1 - 1e-15)))
    half = float(stats.norm.ppf((1 + confidence) / 2)) / math.sqrt(n - 3)
    return math.tanh(z - half), math.tanh(z + half)


def zou_interval(
    r1: float, r2: float, r12: float, n: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Confidence interval of r1 - r2, two correlations with one variable on the same clips.

    Zou (2007), "Toward using confidence intervals to compare correlations", Psychological
    Methods 12(4), for dependent overlapping correlations:

        L = r1 - r2 - sqrt((r1 - l1)^2 + (u2 - r2)^2 - 2 c (r1 - l1) (u2 - r2))
        U = r1 - r2 + sqrt((u1 - r1)^2 + (r2 - l2)^2 - 2 c (u1 - r1) (r2 - l2))
        c = ((r12 - r1 r2 / 2) (1 - r1^2 - r2^2 - r12^2) + r12^3) / ((1 - r1^2) (1 - r2^2))

    with l and u the Fisher intervals of each. Predictors must be turned so that higher is better
    in both: the sign of ``r12`` counts.

    Args:
        r1: Correlation of the first predictor with MOS.
        r2: Correlation of the second predictor with MOS.
        r12: Correlation of the two predictors.
        n: Independent clips.
        confidence: Level, between 0 and 1.

    Returns:
        Lower and upper end, within [-2, 2]; NaN for fewer than four clips or a correlation that
        does not exist.

    Example:
        >>> low, high = zou_interval(0.396, 0.179, 0.088, 66)
        >>> print(f"{low:.3f} {high:.3f}")
        -0.093 0.517
    """
    if n < 4 or not all(map(math.isfinite, (r1, r2, r12))):
        return math.nan, math.nan
    l1, u1 = fisher_interval(r1, n, confidence)
    l2, u2 = fisher_interval(r2, n, confidence)
    denominator = (1 - r1 * r1) * (1 - r2 * r2)
    if denominator <= 1e-15:
        return r1 - r2, r1 - r2
    shared = (r12 - r1 * r2 / 2) * (1 - r1 * r1 - r2 * r2 - r12 * r12) + r12**3
    c = float(np.clip(shared / denominator, -1, 1))
    below = (r1 - l1) ** 2 + (u2 - r2) ** 2 - 2 * c * (r1 - l1) * (u2 - r2)
    above = (u1 - r1) ** 2 + (r2 - l2) ** 2 - 2 * c * (u1 - r1) * (r2 - l2)
    # Rounding can leave a difference of equals a hair below 0.
    return (
        r1 - r2 - math.sqrt(max(0.0, below)),
        r1 - r2 + math.sqrt(max(0.0, above)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for several comparisons by Holm's step-down method (Holm 1979).

    Args:
        p_values: In [0, 1]; a NaN stays NaN and is not counted.

    Returns:
        Adjusted p values in the same order: never below the raw one, never above 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.maximum.accumulate(p[order] * (len(order) - np.arange(len(order))))
    adjusted[order] = np.minimum(1.0, steps)
    return [float(value) for value in adjusted]
