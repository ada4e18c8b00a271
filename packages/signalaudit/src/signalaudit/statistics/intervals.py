"""Confidence intervals of correlations, from the number of rows alone."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]


def fisher_interval(
    r: NDArray[np.float64] | float, n: NDArray[np.int64] | int, *, level: float = 0.95
) -> tuple[Matrix, Matrix]:
    """Return the confidence interval of Pearson's r by Fisher's z: tanh(atanh r ± q / √(n − 3)).

    Fisher (1921). Valid for independent rows; NaN for n below 4.

    Args:
        r: Correlations in [-1, 1].
        n: The number of rows behind each.
        level: Confidence, in (0, 1).

    Returns:
        Lower and upper ends, in the shape of ``r``.

    Example:
        >>> low, high = fisher_interval(0.9, 103)
        >>> round(float(low), 3), round(float(high), 3)
        (0.855, 0.931)
    """
    return _interval(np.asarray(r, dtype=np.float64), n, 1.0, level)


def spearman_interval(
    rho: NDArray[np.float64] | float, n: NDArray[np.int64] | int, *, level: float = 0.95
) -> tuple[Matrix, Matrix]:
    """Return the confidence interval of Spearman's rho: variance (1 + rho²/2) / (n − 3).

    Bonett and Wright (2000). Arguments and result as for :func:`fisher_interval`.

    Example:
        >>> low, high = spearman_interval(0.9, 103)
        >>> round(float(low), 3), round(float(high), 3)
        (0.845, 0.936)
    """
    rho = np.asarray(rho, dtype=np.float64)
    return _interval(rho, n, np.sqrt(1 + rho**2 / 2), level)


def _interval(
    r: Matrix, n: NDArray[np.int64] | int, inflation: Matrix | float, level: float
) -> tuple[Matrix, Matrix]:
    quantile = NormalDist().inv_cdf(0.5 + level / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = (
            inflation * quantile / np.sqrt(np.where(np.asarray(n) > 3, np.asarray(n) - 3.0, np.nan))
        )
        centre = np.arctanh(np.clip(r, -1, 1))
        return np.tanh(centre - half), np.tanh(centre + half)
