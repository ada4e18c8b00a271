"""Feature transforms: from raw feature values to what a family computes with, and their ONNX nodes.

Two steps. :class:`MissingValues` turns raw values into finite ones and, where more than 2 % of a
column is missing, adds an indicator. :class:`Scaling` maps those to clipped z-scores or to normal
scores of ranks. All constants are exact in float32, so that graph and numpy agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtri

from moshead.features.matrix import column_medians, impute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.heads.protocol import GraphWriter

TransformName = Literal["z-narrow", "z-wide", "rank-normal"]
TRANSFORMS: dict[TransformName, str] = {
    "z-narrow": "z-scores clipped at 2.5",
    "z-wide": "z-scores clipped at 8",
    "rank-normal": "normal scores of ranks, piecewise linear",
}
_CLIP: dict[TransformName, float] = {"z-narrow": 2.5, "z-wide": 8.0}

MISSING_SHARE = 0.02
"""A column with a larger share of missing values gets an indicator."""
_BOUND = 1e37
"""Values are cut here first: infinity times 0 would be NaN."""
_STEEP = 1e30
_SEGMENTS = 12
_FLAT = 1e-7


def float32(values: Any) -> Array:
    """``values`` rounded to float32, as float64."""
    return np.asarray(values, dtype=np.float64).astype(np.float32).astype(np.float64)


@dataclass(frozen=True)
class MissingValues:
    """What stands in for a value that is not there, and which columns say that it was not.

    The operator list has no IsNaN, so the value itself has to tell: where a column has an
    indicator, the predictor puts a number far beyond the training range in place of a missing
    value (``imputation``, which stands in the metadata), and the graph recognises it, sets the
    indicator, and goes on with the median. Elsewhere ``imputation`` is the median.

    Attributes:
        imputation: Value for a missing one, (F,).
        medians: Median of each column, (F,).
        limits: Larger values count as missing, (F,); infinity where no value is missing.
        tops: Largest training value of the columns where one is missing, else infinity, (F,).
        indicators: Columns whose indicators are inputs, (I,); of columns that are missing in the
            same rows, the first.
        shares: Share of training rows without a value in those columns, (I,).
    """

    imputation: Array
    medians: Array
    limits: Array
    tops: Array
    indicators: NDArray[np.int64]
    shares: Array

    @classmethod
    def of(cls, features: Array) -> MissingValues:
        """Measure training rows, (N, F), NaN where a value is missing."""
        missing = np.isnan(features)
        medians = float32(column_medians(features))
        share = missing.mean(axis=0)
        flagged = set(np.flatnonzero((share > MISSING_SHARE) & (share < 1)))
        imputation, limits = medians.copy(), np.full(len(medians), np.inf)
        tops = limits.copy()
        first: dict[bytes, int] = {}
        # A head of fewer rows recognises what the head of all rows imputes, whatever its share.
        for column in np.flatnonzero((share > 0) & (share < 1)):
            known = features[~missing[:, column], column]
            top = float(known.max())
            reach = max(float(np.ptp(known)), 1e-6 * float(np.abs(known).max()), 1e-6)
            tops[column] = float32(top)
            limits[column] = float32(top + 500 * reach)
            if column not in flagged:
                continue
            imputation[column] = float32(top + 1000 * reach)
            first.setdefault(missing[:, column].tobytes(), int(column))
        indicators = np.array(sorted(first.values()), dtype=np.int64)
        return cls(imputation, medians, limits, tops, indicators, float32(share[indicators]))

    @property
    def flagged(self) -> NDArray[np.int64]:
        """Columns whose missing values the graph recognises."""
        return np.flatnonzero(np.isfinite(self.limits))

    def split(self, features: Array) -> tuple[Array, Array]:
        """Finite values (N, F) and indicators (N, I), of imputed or raw features (N, F)."""
        values = np.clip(impute(features, self.imputation), -_BOUND, _BOUND)
        absent = values > self.limits
        return np.where(absent, self.medians, values), absent[:, self.indicators].astype(np.float64)

    def indicator_scores(self, indicators: Array) -> Array:
        """Indicators around their training mean, at most 4 standard deviations to the unit."""
        return (indicators - self.shares) * self.indicator_scale

    @property
    def indicator_scale(self) -> Array:
        """What an indicator is multiplied by, (I,)."""
        spread = np.sqrt(self.shares * (1 - self.shares))
        return float32(1 / np.maximum(spread, 0.25))

    def write(self, graph: GraphWriter) -> tuple[Any, Any]:
        """Nodes for the finite values (N, F) and the indicator scores (N, I), or None."""
        op = graph.op
        values = op.Clip(graph.features, graph.constant(-_BOUND), graph.constant(_BOUND))
        if not len(self.flagged):
            return values, None
        finite = np.isfinite(self.limits)
        limits = np.where(finite, self.limits, _BOUND)
        tops = np.where(finite, self.tops, _BOUND)
        away = np.where(finite, self.medians - self.tops, 0.0)
        above = op.Mul(op.Sub(values, graph.constant(limits)), graph.constant(_STEEP))
        absent = op.Clip(above, graph.constant(0.0), graph.constant(1.0))
        known = op.Min(values, graph.constant(tops))
        values = op.Add(known, op.Mul(absent, graph.constant(away)))
        chosen = op.Gather(absent, graph.constant(self.indicators), axis=1)
        scores = op.Mul(
            op.Sub(chosen, graph.constant(self.shares)), graph.constant(self.indicator_scale)
        )
        return values, scores


@dataclass(frozen=True)
class Scaling:
    """One transform, fitted to training rows.

    Attributes:
        name: Which.
        mean: Mean of each column, (F,).
        inverse: 1 / standard deviation, (F,); 0 where a column is constant.
        lows: Where each linear piece of a rank transform begins, (F, S); None for z-scores.
        steepness: 1 / its width, (F, S); 0 without such a piece.
        rises: How much the normal score rises over it, (F, S).
        floors: Normal score below the first piece, (F,).
    """

    name: TransformName
    mean: Array
    inverse: Array
    lows: Array | None = None
    steepness: Array | None = None
    rises: Array | None = None
    floors: Array | None = None

    @classmethod
    def of(cls, name: TransformName, values: Array) -> Scaling:
        """Fit a transform to finite training values, (N, F)."""
        mean = float32(values.mean(axis=0))
        spread = values.std(axis=0)
        constant = spread <= _FLAT * np.maximum(np.abs(values).max(axis=0), 1e-30)
        inverse = float32(np.where(constant, 0.0, 1 / np.where(constant, 1.0, spread)))
        if name != "rank-normal":
            return cls(name, mean, inverse)
        shape = (values.shape[1], _SEGMENTS)
        lows, steepness, rises = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        floors = np.zeros(len(mean))
        shares = np.linspace(0, 1, _SEGMENTS + 1)
        scores = ndtri(np.clip(shares, 0.5 / len(values), 1 - 0.5 / len(values)))
        nodes = float32(np.quantile(values, shares, axis=0))
        for column in np.flatnonzero(~constant):
            places, which = np.unique(nodes[:, column], return_inverse=True)
            if len(places) < 2:
                continue
            # Ties share the mean of their scores.
            heights = np.bincount(which, scores) / np.bincount(which)
            pieces = len(places) - 1
            lows[column, :pieces] = places[:-1]
            steepness[column, :pieces] = 1 / np.diff(places)
            rises[column, :pieces] = np.diff(heights)
            floors[column] = heights[0]
        return cls(name, mean, inverse, lows, float32(steepness), float32(rises), float32(floors))

    @property
    def clip(self) -> float:
        """Bound of the z-scores."""
        return _CLIP.get(self.name, 0.0)

    def scores(self, values: Array) -> Array:
        """Transformed values, (N, F)."""
        if self.lows is None:
            return np.clip((values - self.mean) * self.inverse, -self.clip, self.clip)
        assert self.steepness is not None
        assert self.rises is not None
        assert self.floors is not None
        result = np.repeat(self.floors[None], len(values), axis=0)
        for piece in range(self.lows.shape[1]):
            share = (values - self.lows[:, piece]) * self.steepness[:, piece]
            result += np.clip(share, 0, 1) * self.rises[:, piece]
        return result

    def write(self, graph: GraphWriter, values: Any) -> Any:
        """Nodes for the transformed values, (N, F)."""
        op = graph.op
        if self.lows is None:
            z = op.Mul(op.Sub(values, graph.constant(self.mean)), graph.constant(self.inverse))
            return op.Clip(z, graph.constant(-self.clip), graph.constant(self.clip))
        wide = op.Unsqueeze(values, graph.constant(np.array([2])))
        share = op.Mul(op.Sub(wide, graph.constant(self.lows)), graph.constant(self.steepness))
        share = op.Clip(share, graph.constant(0.0), graph.constant(1.0))
        rise = op.ReduceSum(
            op.Mul(share, graph.constant(self.rises)), graph.constant(np.array([2])), keepdims=0
        )
        return op.Add(rise, graph.constant(self.floors))


@dataclass(frozen=True)
class Inputs:
    """Raw features to the inputs of each transform, as one fitted step.

    Attributes:
        missing: How missing values are treated.
        scalings: The transforms, by name.
    """

    missing: MissingValues
    scalings: dict[TransformName, Scaling]

    @classmethod
    def of(cls, features: Array, names: Sequence[TransformName]) -> Inputs:
        """Fit transforms to training rows, (N, F), NaN where a value is missing."""
        missing = MissingValues.of(features)
        values, _ = missing.split(features)
        return cls(missing, {name: Scaling.of(name, values) for name in names})

    def scores(self, features: Array) -> dict[TransformName, Array]:
        """The inputs of each transform, (N, F + I): transformed values, then indicators."""
        values, indicators = self.missing.split(features)
        extra = self.missing.indicator_scores(indicators)
        return {
            name: np.concatenate([scaling.scores(values), extra], axis=1)
            for name, scaling in self.scalings.items()
        }

    def only(self, names: Sequence[TransformName]) -> Inputs:
        """The same with fewer transforms."""
        return Inputs(self.missing, {name: self.scalings[name] for name in names})

    def write(self, graph: GraphWriter) -> dict[TransformName, Any]:
        """Nodes for what :meth:`scores` computes."""
        values, extra = self.missing.write(graph)
        nodes = {name: scaling.write(graph, values) for name, scaling in self.scalings.items()}
        if extra is None:
            return nodes
        return {name: graph.op.Concat(node, extra, axis=1) for name, node in nodes.items()}
