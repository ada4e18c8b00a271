"""Map scores to the MOS scale by a logistic fitted on training rows.

A score column has its own scale and direction. The mapping takes both from rows that may be
learned from, so held-out rows are judged by a mapping that has not seen them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import optimize, stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from moshead.documents.shared import MappingDocument

    Array = NDArray[np.float64]

LEAST_ROWS = 10
"""Rows below which the four parameters of the logistic are not fitted and a line is."""

PARAMETERS = 4
"""Parameters that the logistic takes from the rows that it is fitted to."""

LEAST_RISE = 1e-6
"""MOS by which a mapping rises at least over one standard deviation of the score. Scores that say
nothing keep their order, so their correlation is near 0 and not undefined."""

_LOG_SCALE_BOUNDS = (-2.5, 4.0)
"""Widths of the logistic in standard deviations of the score, as logarithms. Narrower ones are
steps that merge clips into two values; wider ones are straight lines."""

Direction = Literal[1, -1]


def direction_of(truth: Array, scores: Array) -> Direction:
    """Return 1 where higher scores go with higher MOS, and -1 otherwise.

    Decided by the sign of Spearman's rank correlation, which no monotone mapping changes.

    Args:
        truth: MOS, (N,).
        scores: Scores, (N,), finite.
    """
    a, b = stats.rankdata(truth), stats.rankdata(scores)
    return -1 if float((a - a.mean()) @ (b - b.mean())) < 0 else 1


@dataclass(frozen=True)
class MonotoneMapping:
    """A mapping of scores to MOS that keeps their order, or turns all of it round.

        m(x) = low + (high - low) / (1 + exp(-(direction * x - centre) / width)),  high >= low

    the four-parameter logistic of VQEG (2003) and ITU-T P.1401 with its slope held positive, and
    tilted by a millionth of a MOS, so that no two scores merge where the logistic is flat. Where a
    straight line fits as well, ``width`` is infinite and m(x) = low + high * direction * x.

    Attributes:
        direction: 1 where higher scores mean better quality on the rows it was fitted to.
        low: Lower end, in MOS.
        high: Upper end, in MOS; the slope of a line.
        centre: Score at half height, times ``direction``.
        width: Width in units of the score; infinite for a line.
        tilt: Slope that is added to the logistic, in MOS per unit of the score.
    """

    direction: Direction
    low: float
    high: float
    centre: float
    width: float
    tilt: float = 0.0

    def __call__(self, scores: Array) -> Array:
        """Map scores (N,) to MOS (N,)."""
        x = self.direction * np.asarray(scores, dtype=np.float64)
        if math.isinf(self.width):
            return np.asarray(self.low + self.high * x)
        bent = (self.high - self.low) * _logistic(x, self.centre, self.width)
        return np.asarray(self.low + bent + self.tilt * (x - self.centre))

    def to_dict(self) -> MappingDocument:
        """As JSON, to nine digits; ``width`` is null for a line."""
        return {
            "direction": self.direction,
            "low": float(f"{self.low:.9g}"),
            "high": float(f"{self.high:.9g}"),
            "centre": float(f"{self.centre:.9g}"),
            "width": None if math.isinf(self.width) else float(f"{self.width:.9g}"),
            "tilt": float(f"{self.tilt:.9g}"),
        }

    @classmethod
    def from_dict(cls, document: MappingDocument) -> MonotoneMapping:
        """Read what :meth:`to_dict` wrote."""
        width = document["width"]
        return cls(
            document["direction"],
            document["low"],
            document["high"],
            document["centre"],
            math.inf if width is None else width,
            document["tilt"],
        )


def fit_mapping(
    truth: Array, scores: Array, *, direction: Direction | None = None
) -> MonotoneMapping:
    """Fit a mapping by least squares.

    Centre and width are searched; for each of them both ends follow in closed form (variable
    projection, Golub and Pereyra 1973), so the result does not hang on initial values.

    Args:
        truth: MOS, (N,).
        scores: Scores of the same rows, (N,), finite.
        direction: Which way is better; from :func:`direction_of` by default. A mapping never
            reverses it: scores that contradict it are mapped to almost one value, in their order.
    """
    direction = direction_of(truth, scores) if direction is None else direction
    x = direction * np.asarray(scores, dtype=np.float64)
    scale = float(x.std())
    level = float(truth.mean())
    if not scale > 1e-12 * max(1.0, float(np.abs(x).max(initial=0.0))):
        return MonotoneMapping(direction, level, 0.0, 0.0, math.inf)
    slope = float((x - x.mean()) @ (truth - level)) / (x.size * scale**2)
    line = _line(direction, x, level, max(slope, LEAST_RISE / scale))
    if truth.size < LEAST_ROWS:
        return line
    middle = float(np.median(x))
    z = (x - middle) / scale

    def residual(parameters: Array) -> Array:
        low, rise, shape = _ends(truth, z, parameters)
        return np.asarray(truth - low - rise * shape)

    found = optimize.least_squares(residual, (0.0, 0.0), method="lm", max_nfev=200)
    low, rise, _ = _ends(truth, z, found.x)
    centre, width = _bounded(found.x)
    if rise <= LEAST_RISE:
        return line
    mapping = MonotoneMapping(
        direction,
        low,
        low + rise,
        middle + scale * centre,
        scale * width,
        LEAST_RISE / scale,
    )
    error = float(np.sum((truth - mapping(scores)) ** 2))
    return mapping if error <= float(np.sum((truth - line(scores)) ** 2)) else line


def _line(direction: Direction, x: Array, level: float, slope: float) -> MonotoneMapping:
    return MonotoneMapping(direction, level - slope * float(x.mean()), slope, 0.0, math.inf)


def _ends(truth: Array, z: Array, parameters: Array) -> tuple[float, float, Array]:
    """Lower end and rise that fit best, and the logistic between 0 and 1."""
    centre, width = _bounded(parameters)
    shape = _logistic(z, centre, width)
    centred = shape - shape.mean()
    spread = float(centred @ centred)
    rise = max(0.0, float(centred @ truth) / spread) if spread > 1e-18 else 0.0
    return float(truth.mean() - rise * shape.mean()), rise, shape


def _bounded(parameters: Array) -> tuple[float, float]:
    centre = float(np.clip(parameters[0], -8, 8))
    return centre, math.exp(float(np.clip(parameters[1], *_LOG_SCALE_BOUNDS)))


def _logistic(x: Array, centre: float, width: float) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip((x - centre) / width, -500, 500))))
