"""Predictions: a MOS, its source, and its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from moshead.domain.domain import THRESHOLD
from moshead.features.arrow import float_column, repeated_text
from moshead.features.domain import Array

if TYPE_CHECKING:
    from moshead.predict.foreign import Foreign

Source = Literal["head", "vmaf-linear"]
Likeness = Callable[[], NDArray[np.float32]]
"""Computes the distance of some rows from the training rows."""

Intervals = Callable[[float | None], tuple[Array, Array]]
"""Computes the intervals of some predictions at level alpha, or at the predictor's own level."""


class Prediction:
    """The MOS of one clip; ``float(prediction)`` is its MOS.

    Attributes:
        mos: Predicted MOS, in [1, 5].
        source: ``head``, or ``vmaf-linear`` where the head was missing.
        imputed: Features that were not finite and took the training median.
    """

    __slots__ = ("_intervals", "_likeness", "imputed", "mos", "source")

    def __init__(
        self,
        mos: float,
        source: Source,
        intervals: Intervals | None = None,
        imputed: tuple[str, ...] = (),
        likeness: Likeness | None = None,
    ) -> None:
        self.mos = mos
        self.source: Source = source
        self.imputed = imputed
        self._intervals = intervals
        self._likeness = likeness

    @property
    def distance(self) -> float | None:
        """Distance from the training rows, where 1 is their edge; None where the head knows none.

        See :class:`moshead.domain.Domain`.
        """
        return None if self._likeness is None else float(self._likeness()[0])

    @property
    def in_domain(self) -> bool | None:
        """Whether the row is like the training rows; None where the head cannot tell."""
        distance = self.distance
        return None if distance is None else distance <= THRESHOLD

    def interval(self, alpha: float | None = None) -> tuple[float, float] | None:
        """The CV+ prediction interval; see :meth:`Predictions.interval`."""
        if self._intervals is None:
            return None
        low, high = self._intervals(alpha)
        return float(low[0]), float(high[0])

    @property
    def lo(self) -> float | None:
        """Lower end of the interval, or None without one."""
        ends = self.interval()
        return None if ends is None else ends[0]

    @property
    def hi(self) -> float | None:
        """Upper end of the interval, or None without one."""
        ends = self.interval()
        return None if ends is None else ends[1]

    def __float__(self) -> float:
        return self.mos

    def __repr__(self) -> str:
        return f"Prediction(mos={self.mos:.4f}, source={self.source!r})"


class Predictions:
    """The MOS of the rows of a table; ``numpy.asarray(predictions)`` is their MOS.

    Attributes:
        mos: Predicted MOS, float64 in [1, 5], (N,).
        source: ``head``, or ``vmaf-linear`` where the head was missing.
        imputed: Rows whose value was not finite and took the training median, by feature.
        filled: Rows that took the schema's fill value, by feature.
        distance: Distance of each row from the training rows, (N,), where 1 is their edge; None
            where the head knows none. See :class:`moshead.domain.Domain`.
        foreign: What makes rows foreign; None where the head cannot tell.
    """

    def __init__(
        self,
        mos: Array,
        source: Source,
        intervals: Intervals | None = None,
        imputed: Mapping[str, int] | None = None,
        filled: Mapping[str, int] | None = None,
        distance: NDArray[np.float32] | None = None,
        foreign: Foreign | None = None,
    ) -> None:
        self.mos = mos
        self.source: Source = source
        self.imputed = dict(imputed or {})
        self.filled = dict(filled or {})
        self.distance = distance
        self.foreign = foreign
        self._intervals = intervals

    @property
    def in_domain(self) -> NDArray[np.bool_] | None:
        """Which rows are like the training rows, (N,); None where the head cannot tell."""
        return None if self.distance is None else self.distance <= THRESHOLD

    def interval(self, alpha: float | None = None) -> tuple[Array, Array] | None:
        """Return the CV+ prediction intervals, computed on first use.

        Args:
            alpha: Share of clips that may lie outside; the predictor's own by default. See
                :meth:`moshead.heads.CrossConformal.guarantee` for what is guaranteed.

        Returns:
            Lower and upper ends, (N,) each, in [1, 5]; None for ``vmaf-linear`` and for a head
            without folds.

        Raises:
            InputError: ``alpha`` is not between 0 and 0.5.
        """
        return None if self._intervals is None else self._intervals(alpha)

    @property
    def lo(self) -> Array | None:
        """Lower ends of the intervals, or None without any."""
        ends = self.interval()
        return None if ends is None else ends[0]

    @property
    def hi(self) -> Array | None:
        """Upper ends of the intervals, or None without any."""
        ends = self.interval()
        return None if ends is None else ends[1]

    def __len__(self) -> int:
        return len(self.mos)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.mos, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"Predictions({len(self)} rows, source={self.source!r})"

    def to_table(self) -> pa.Table:
        """Columns ``mos_pred, mos_pred_lo, mos_pred_hi, source, in_domain, distance``."""
        ends = self.interval()
        if ends is None:
            low = high = pa.nulls(len(self), pa.float64())
        else:
            low, high = map(float_column, ends)
        return pa.table(
            {
                "mos_pred": float_column(self.mos),
                "mos_pred_lo": low,
                "mos_pred_hi": high,
                "source": repeated_text(self.source, len(self)),
                "in_domain": pa.nulls(len(self), pa.bool_())
                if self.in_domain is None
                else pa.array(self.in_domain),
                "distance": pa.nulls(len(self), pa.float64())
                if self.distance is None
                else float_column(np.round(self.distance.astype(np.float64), 3)),
            }
        )
