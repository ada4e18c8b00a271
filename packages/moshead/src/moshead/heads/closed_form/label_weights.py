"""What the labels of rows are worth: weights from their standard errors.

A label is the quality of the clip plus the noise of its ratings. Where f predicts quality with an
error of variance s^2, the label of row i is f(x_i) plus noise of variance s^2 + SE_i^2, and the
estimate of least variance weights each row by the inverse of that: least squares with a
measurement error in the response (Fuller 1987, "Measurement Error Models", 3.1; Aitken 1935).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from moshead.heads.closed_form.additive import link, unlink
from moshead.heads.closed_form.leave_out import LeastSquares, Units
from moshead.heads.closed_form.transforms import Inputs

if TYPE_CHECKING:
    from moshead.features.domain import Array
    from moshead.heads.protocol import TrainingRows

LEAST_SHARE = 0.05
"""Least share of the residual variance that is not put down to label noise. It bounds the weights
where the standard errors claim more noise than there is."""

_MOST_ROWS = 4_000
"""Rows, evenly spaced, that the residual variance is estimated on."""


def label_error_weights(rows: TrainingRows, standard_error: Array) -> Array | None:
    """Weight rows by 1 / (s^2 + SE^2), scaled to a mean of 1.

    Args:
        rows: The training rows of one head, and nothing else.
        standard_error: Of the MOS of each, (N,), NaN where unknown: such a row gets the mean SE^2.

    Returns:
        (N,), positive; None where no standard error is known.
    """
    variance = standard_error**2
    known = np.isfinite(variance)
    if not known.any():
        return None
    variance = np.where(known, variance, variance[known].mean())
    weights = 1 / (residual_variance(rows, variance) + variance)
    return np.asarray(weights / weights.mean())


def residual_variance(rows: TrainingRows, label_variance: Array) -> float:
    """Estimate s^2, the variance of the residuals that label noise does not explain.

    By the method of moments: the mean squared residual of the exact leave-one-unit-out ridge
    regression of these rows, less the mean variance of their labels; at least
    :data:`LEAST_SHARE` of the former.

    Args:
        rows: Training rows.
        label_variance: SE^2 of each, (N,).

    Returns:
        s^2 in squared MOS, to three digits, so that the weights do not depend on the last bits
        of sums.
    """
    from threadpoolctl import threadpool_limits

    chosen = rows.take(np.arange(0, len(rows.mos), math.ceil(len(rows.mos) / _MOST_ROWS)))
    with threadpool_limits(limits=1, user_api="blas"):
        scores = Inputs.of(chosen.features, ["z-narrow"]).scores(chosen.features)["z-narrow"]
        fit = LeastSquares.from_features(scores).fit(link(chosen.mos), Units(chosen.units))
    squared = float(np.mean((chosen.mos - unlink(fit.leave_out)) ** 2))
    left = max(squared - float(label_variance.mean()), LEAST_SHARE * squared, 1e-9)
    return float(f"{left:.3g}")
