"""Monotone maps from predictions, or scores, to the MOS of a corpus, learned from few labels.

The map is the identity plus an offset, a tilt and two bends. How far each may go is not one choice:
maps under many pairs of prior deviations, none at all included, are averaged by the marginal
likelihood of the labels (Bayesian linear regression; Bishop 2006, 3.3 and 3.5), so that labels that
show no shift leave the identity nearly as it is. The average is made monotone by isotonic
regression, and kept as a few knots with straight lines between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moshead.features.domain import MOS_RANGE

Array = NDArray[np.float64]

KNOTS = 9
"""Knots of a map."""

_IDENTITY_PRIOR = 0.15
"""Prior weight of the identity itself."""

_OFFSETS = (1.0, 3.0)
_TILTS = (0.1, 0.3, 1.0)
"""Prior deviations of offset, tilt and bends, in units of the noise of one label."""

_BENDS = (0.0, 0.3, 1.0)


@dataclass(frozen=True)
class MonotoneMap:
    """A monotone map with straight lines between knots, and beyond the outer ones.

    Attributes:
        x: Knots, ascending, (K,), K at least 2.
        y: Values there, all ascending or all descending, (K,).
    """

    x: Array
    y: Array

    def __call__(self, values: NDArray[Any]) -> Array:
        """Map values, (N,) to (N,), cut to the MOS range."""
        v = np.asarray(values, dtype=np.float64)
        inner = np.interp(v, self.x, self.y)
        left, right = self.slopes[0], self.slopes[-1]
        inner += np.where(v < self.x[0], (v - self.x[0]) * left, 0.0)
        inner += np.where(v > self.x[-1], (v - self.x[-1]) * right, 0.0)
        return np.asarray(np.clip(inner, *MOS_RANGE))

    @property
    def slopes(self) -> Array:
        """Slope between neighbouring knots, (K - 1,)."""
        return np.asarray(np.diff(self.y) / np.diff(self.x))

    def inverse(self) -> MonotoneMap:
        """The map back; only of a map that rises strictly."""
        return MonotoneMap(self.y, self.x)

    def rounded(self) -> MonotoneMap:
        """The map that a graph of float32 computes."""
        return MonotoneMap(*(v.astype(np.float32).astype(np.float64) for v in (self.x, self.y)))

    def to_dict(self) -> dict[str, list[float]]:
        """As JSON: ``x, y``."""
        return {
            "x": [round(float(v), 6) for v in self.x],
            "y": [round(float(v), 6) for v in self.y],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> MonotoneMap:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: It is no monotone map.
        """
        x, y = (np.asarray(document[name], dtype=np.float64) for name in ("x", "y"))
        steps = np.diff(y)
        monotone = (steps >= 0).all() or (steps <= 0).all()
        if len(x) != len(y) or len(x) < 2 or not (np.diff(x) > 0).all() or not monotone:
            raise ValueError("the map is not monotone")
        return cls(x, y)


def identity() -> MonotoneMap:
    """The map that changes no MOS."""
    ends = np.array(MOS_RANGE)
    return MonotoneMap(ends, ends)


def line(offset: float, slope: float) -> MonotoneMap:
    """The straight map ``offset + slope x``."""
    ends = np.array(MOS_RANGE)
    return MonotoneMap(ends, offset + slope * ends)


def rising(mapping: MonotoneMap, least: float) -> MonotoneMap:
    """The map with slopes of at least ``least``, so that it has an inverse."""
    steps = np.maximum(np.diff(mapping.y), least * np.diff(mapping.x))
    y = np.concatenate([[0.0], np.cumsum(steps)])
    return MonotoneMap(mapping.x, y + np.mean(mapping.y) - np.mean(y))


def fit_map(x: Array, mos: Array, *, scores: bool = False) -> MonotoneMap:
    """Fit a monotone map to labels.

    Args:
        x: Predictions of a head, in MOS; or scores of any unit and direction, (N,), finite.
        mos: Labels, (N,).
        scores: Whether ``x`` are scores: nothing is known of offset and slope then, and only the
            bends are shrunk.

    Returns:
        The map; the identity, or the mean MOS for scores, where ``x`` does not vary.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(1.5, 4.5, 50)
        >>> shifted = fit_map(x, x - 0.4 + 0.1 * np.sin(np.arange(50.0)))
        >>> bool(abs(shifted(np.array([3.0]))[0] - 2.6) < 0.05)
        True
    """
    spread = float(x.std())
    if spread <= 1e-9 * max(1.0, float(np.abs(x).max())):
        if scores:
            ends = np.array([x[0] - 0.5, x[0] + 0.5])
            return MonotoneMap(ends, np.full(2, float(np.mean(mos))))
        return identity()
    centre = float(x.mean())
    bends = np.quantile(x, (1 / 3, 2 / 3))
    low, high = (float(v) for v in (x.min(), x.max()))
    margin = 0.25 * (high - low)
    knots = np.linspace(low - margin, high + margin, KNOTS)
    if not scores:
        knots = np.linspace(min(knots[0], MOS_RANGE[0]), max(knots[-1], MOS_RANGE[1]), KNOTS)
    target = mos if scores else mos - x
    basis, grid = (_basis(v, centre, spread, bends) for v in (x, knots))
    shape = _averaged(basis, target, grid, scores=scores)
    values = shape if scores else knots + shape
    return MonotoneMap(knots, _monotone(values, knots, x, scores=scores)).rounded()


def _basis(x: Array, centre: float, spread: float, bends: Array) -> Array:
    """Offset, tilt, and bends that are free of both on average, (N, 4)."""
    z = (x - centre) / spread
    hinges = [np.maximum(z - (b - centre) / spread, 0) for b in bends]
    return np.column_stack([np.ones(len(x)), z, *hinges])


def _averaged(basis: Array, target: Array, grid: Array, *, scores: bool) -> Array:
    """The posterior mean on a grid, averaged over priors by their marginal likelihood."""
    deviations = [(3e2, 3e2)] if scores else [(0.0, 0.0), *product(_OFFSETS, _TILTS)]
    logs, shapes = [], []
    for (offset, tilt), bend in product(deviations, _BENDS):
        if offset == 0 and bend > 0:
            continue
        prior = np.array([offset, tilt, bend, bend])
        log, weights = _posterior(basis, target, prior)
        rest = len(_OFFSETS) * len(_TILTS) * len(_BENDS)
        share = _IDENTITY_PRIOR if offset == 0 else (1 - _IDENTITY_PRIOR) / rest
        logs.append(log + np.log(share))
        shapes.append(grid @ weights)
    chance = np.exp(np.asarray(logs) - max(logs))
    return np.asarray(chance @ np.asarray(shapes) / chance.sum())


def _posterior(basis: Array, target: Array, prior: Array) -> tuple[float, Array]:
    """Log marginal likelihood and mean weights, the noise variance integrated out (Jeffreys)."""
    n, scaled = len(target), basis * prior
    inner = np.eye(scaled.shape[1]) + scaled.T @ scaled
    weights = np.linalg.solve(inner, scaled.T @ target)
    # y' (I + S S')^-1 y by Woodbury's identity.
    squares = float(target @ target - (scaled.T @ target) @ weights)
    _, volume = np.linalg.slogdet(inner)
    return -0.5 * volume - 0.5 * n * np.log(max(squares, 1e-12)), prior * weights


def _monotone(values: Array, knots: Array, x: Array, *, scores: bool) -> Array:
    """Values made monotone by isotonic regression, each knot by the rows that lie close to it."""
    from scipy.optimize import isotonic_regression

    near = np.histogram(x, bins=np.concatenate([[-np.inf], (knots[1:] + knots[:-1]) / 2, [np.inf]]))
    rising = not scores or float(np.polyfit(knots, values, 1, w=near[0] + 0.5)[0]) >= 0
    found = isotonic_regression(values, weights=near[0] + 0.5, increasing=rising).x
    return np.asarray(found, dtype=np.float64)
