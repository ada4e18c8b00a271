"""What recalibration brought, and what fewer labels would have brought."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.gate import statistics
from moshead.gate.report import number
from moshead.scales.mapping import fit_map

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moshead.features.domain import Array

CURVE_SIZES = (25, 50, 100, 200)
CURVE_DRAWS = 60
_LEAST_LEFT = 10
"""Labels that must be left to judge a subsample."""

_WORTH_IT = 0.02
"""A doubling that lowers the RMSE by less than this share hardly helps."""


@dataclass(frozen=True)
class Figures:
    """Predictions of the new corpus against its ratings; RMSE, bias and widths in MOS."""

    plcc: float
    srocc: float
    rmse: float
    bias: float
    covered: float | None
    mean_width: float | None

    @classmethod
    def of(cls, mos: Array, predicted: Array, ends: tuple[Array, Array] | None) -> Figures:
        """Measure predictions, with the intervals of the same rows."""
        covered = width = None
        if ends is not None:
            covered = float(np.mean((ends[0] <= mos) & (mos <= ends[1])))
            width = float(np.mean(ends[1] - ends[0]))
        return cls(
            statistics.plcc(mos, predicted),
            statistics.srocc(mos, predicted),
            statistics.rmse(mos, predicted),
            float(np.mean(predicted - mos)),
            covered,
            width,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON; null where a number does not exist."""
        return {
            "plcc": number(self.plcc),
            "srocc": number(self.srocc),
            "rmse": number(self.rmse),
            "bias": number(self.bias),
            "covered": number(self.covered),
            "mean_width": number(self.mean_width),
        }


@dataclass(frozen=True)
class CurvePoint:
    """What some labels bring, over random subsamples judged on the labels that they leave.

    Attributes:
        labels: Labels that the map was fitted to.
        rmse: Mean over subsamples, in MOS.
        low: 2.5th percentile over subsamples.
        high: 97.5th percentile.
    """

    labels: int
    rmse: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "labels": self.labels,
            "rmse": number(self.rmse),
            "low": number(self.low),
            "high": number(self.high),
        }


def learning_curve(
    x: Array,
    mos: Array,
    *,
    scores: bool,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[CurvePoint]:
    """Fit maps to subsamples of 25, 50, 100 and 200 labels, as far as there are enough.

    Args:
        x: Predictions or scores, (N,).
        mos: Labels, (N,).
        scores: Whether ``x`` are scores.
        seed: Seed of the draws.
        progress: Called with draws done and draws in all.
    """
    sizes = [size for size in CURVE_SIZES if size <= len(mos) - _LEAST_LEFT]
    rng = np.random.Generator(np.random.PCG64([seed, 160]))
    points, done = [], 0
    for size in sizes:
        errors = []
        for _ in range(CURVE_DRAWS):
            order = rng.permutation(len(mos))
            drawn, left = order[:size], order[size:]
            mapping = fit_map(x[drawn], mos[drawn], scores=scores)
            errors.append(statistics.rmse(mos[left], mapping(x[left])))
            done += 1
            if progress is not None:
                progress(done, len(sizes) * CURVE_DRAWS)
        low, high = np.percentile(errors, [2.5, 97.5])
        points.append(CurvePoint(size, float(np.mean(errors)), float(low), float(high)))
    return points


def curve_sentence(points: Sequence[CurvePoint], labels: int, rmse: float) -> str:
    """Say whether more labels would help.

    Args:
        points: The curve.
        labels: All labels.
        rmse: RMSE of maps fitted to nearly all of them, by cross-validation.
    """
    if not points:
        return (
            f"{labels} labels are too few for a learning curve, which takes "
            f"{CURVE_SIZES[0] + _LEAST_LEFT}."
        )
    before = next((p for p in reversed(points) if p.labels <= 0.6 * labels), points[0])
    if not math.isfinite(before.rmse) or before.rmse <= 0:
        return "Whether more labels would help cannot be told."
    gained = 1 - rmse / before.rmse
    if gained < _WORTH_IT:
        return (
            f"{before.labels} labels bring an RMSE of {before.rmse:.3f} [{before.low:.3f}, "
            f"{before.high:.3f}], all {labels} bring {rmse:.3f}: more labels hardly help, so you "
            "can stop rating."
        )
    return (
        f"{before.labels} labels bring an RMSE of {before.rmse:.3f} [{before.low:.3f}, "
        f"{before.high:.3f}], all {labels} bring {rmse:.3f}: more labels still help."
    )
