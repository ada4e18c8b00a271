"""Prediction intervals by CV+ (Barber, Candes, Ramdas, Tibshirani 2021, Annals of Statistics 49).

With K folds, mu_k the net trained without fold k, and R_i = |y_i - mu_k(i)(x_i)| the residual of
clip i under the net that had not seen it, the interval for a new clip x at level alpha is

    [ r-th largest of { mu_k(i)(x) - R_i },  r-th smallest of { mu_k(i)(x) + R_i } ]

over the n clips, r = ceil((1 - alpha)(n + 1)). It needs the nets of the folds, not only their
residuals: a head carries both. If the clips and the new one are exchangeable, it covers the MOS
with the probability of :meth:`CrossConformal.guarantee`, whatever the distribution: about
1 - 2 alpha. In practice it covers about 1 - alpha, which nothing guarantees.

A row beyond the edge of the training rows has a wider interval: residuals are divided by a factor
of their own row under its fold and multiplied by that of the new row, at least 1 and made without
the labels of either (normalised cross-conformal prediction). The same theorem holds for them.

Residuals and fold predictions are rounded outwards to steps of 0.001 MOS, so an interval is wider
than the exact one by at most 0.002 on each side and never narrower. It is cut to the MOS range,
and widened to hold the head's own prediction where it lies outside; neither loses coverage.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from provenance.toolkit import InputError

from moshead.features.domain import MOS_RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ALPHA = 0.1
REPORTED_ALPHAS = (0.05, 0.1, 0.2)
STEPS_PER_MOS = 1000
_SPAN = int((MOS_RANGE[1] - MOS_RANGE[0]) * STEPS_PER_MOS)
METHOD = "cv+"
_SMALL = 50_000
"""Up to so many shifted residuals, sorting them out one by one is faster than bisecting."""

Array = NDArray[np.float64]


def check_alpha(alpha: float) -> None:
    """Refuse a level for which CV+ promises nothing.

    Raises:
        InputError: ``alpha`` is not between 0 and 0.5, both excluded.
    """
    if not 0 < alpha < 0.5:
        raise InputError(
            f"alpha is {alpha}, and a CV+ interval needs 0 < alpha < 0.5",
            fix="Give a level such as 0.1",
            code="interval.alpha",
        )


@dataclass(frozen=True)
class CrossConformal:
    """The residuals of the folds, from which CV+ intervals of any level are made.

    Attributes:
        residual_steps: Per fold, the sorted absolute residuals in steps of 0.001 MOS, rounded up.
    """

    residual_steps: tuple[NDArray[np.uint16], ...]

    @classmethod
    def from_residuals(cls, residuals: Array, fold_of_row: NDArray[np.int64]) -> CrossConformal:
        """Sort residuals by fold.

        Args:
            residuals: Absolute residual of each row under the net of its fold, MOS, (N,).
            fold_of_row: Fold that evaluated the row, (N,), -1 where none did.
        """
        n_folds = int(fold_of_row.max(initial=-1)) + 1
        steps = np.ceil(np.clip(residuals * STEPS_PER_MOS, 0, _SPAN))
        return cls(
            tuple(np.sort(steps[fold_of_row == fold]).astype(np.uint16) for fold in range(n_folds))
        )

    @property
    def n_folds(self) -> int:
        """Number of folds, K."""
        return len(self.residual_steps)

    @cached_property
    def n_residuals(self) -> int:
        """Number of residuals, n."""
        return sum(len(steps) for steps in self.residual_steps)

    def rank(self, alpha: float) -> int:
        """ceil((1 - alpha)(n + 1)), in exact arithmetic; above n the interval is the MOS range."""
        n = self.n_residuals
        return n + 1 - math.floor(Fraction(str(alpha)) * (n + 1))

    def residual_quantile(self, alpha: float) -> float:
        """The rank-th smallest residual of all folds, MOS: about half an interval's width."""
        rank = self.rank(alpha)
        if rank > self.n_residuals:
            return float(MOS_RANGE[1] - MOS_RANGE[0])
        return float(np.partition(self._pooled, rank - 1)[rank - 1]) / STEPS_PER_MOS

    def guarantee(self, alpha: float) -> float:
        """The least probability that an interval covers the MOS of an exchangeable clip.

        Theorem 4 of Barber et al., for folds of about equal size; with one fold this is split
        conformal prediction, whose bound is 1 - alpha.
        """
        n, k = self.n_residuals, self.n_folds
        if k == 1:
            return 1 - alpha
        loss = min(2 * (1 - 1 / k) / (n / k + 1), (1 - k / n) / (k + 1))
        return max(0.0, 1 - 2 * alpha - loss)

    def interval(
        self,
        mos: Array,
        mos_folds: NDArray[np.floating[Any]],
        alpha: float,
        scales: NDArray[np.floating[Any]] | None = None,
    ) -> tuple[Array, Array]:
        """Intervals for rows.

        Args:
            mos: The head's predictions, (N,).
            mos_folds: Predictions of the nets of the folds, (N, K).
            alpha: Level: the share of clips that may lie outside.
            scales: Factor of each row's residuals under each fold, (N, K), at least 1; the
                residuals here were divided by that of their own row. 1 by default.

        Returns:
            Lower and upper ends, (N,) each, in [1, 5].

        Raises:
            InputError: ``alpha`` is out of range.
        """
        check_alpha(alpha)
        low, high = MOS_RANGE
        rank = self.rank(alpha)
        if rank > self.n_residuals:
            return np.full(len(mos), low), np.full(len(mos), high)
        steps = np.asarray(mos_folds, dtype=np.float64) * STEPS_PER_MOS
        up, down = np.ceil(steps).astype(np.int32), -np.floor(steps).astype(np.int32)
        upper, lower = self._rank_th_smallest(up, rank), -self._rank_th_smallest(down, rank)
        if scales is not None and (far := np.flatnonzero((scales > 1).any(axis=1))).size:
            factors = np.asarray(scales, dtype=np.float64)[far]
            upper[far] = self._scaled_rank_th_smallest(up[far], factors, rank)
            lower[far] = -self._scaled_rank_th_smallest(down[far], factors, rank)
        mos = np.asarray(mos, dtype=np.float64)
        return (
            np.clip(np.minimum(lower / STEPS_PER_MOS, mos), low, high),
            np.clip(np.maximum(upper / STEPS_PER_MOS, mos), low, high),
        )

    def _rank_th_smallest(self, offsets: NDArray[np.int32], rank: int) -> NDArray[np.int32]:
        """Per row, the rank-th smallest of all residuals, each shifted by its fold's offset.

        ``offsets`` is (N, K). The answer lies between the pooled residual of that rank shifted by
        the row's smallest and by its largest offset, so bisecting there takes few rounds.
        """
        if len(offsets) * self.n_residuals <= _SMALL:
            shifted = offsets[:, self._fold_of_pooled] + self._pooled
            ranked: NDArray[np.int32] = np.partition(shifted, rank - 1, axis=1)[:, rank - 1]
            return ranked
        centre = np.partition(self._pooled, rank - 1)[rank - 1]
        low: NDArray[np.int32] = offsets.min(axis=1) + centre
        high = offsets.max(axis=1) + centre
        columns = [np.ascontiguousarray(offsets[:, fold]) - _SPAN for fold in range(self.n_folds)]
        while np.any(low < high):
            middle = (low + high) >> 1
            count = np.zeros(len(middle), dtype=np.int32)
            for table, offset in zip(self._cumulative, columns, strict=True):
                count += table.take(middle - offset, mode="clip")
            enough = count >= rank
            high = np.where(enough, middle, high)
            low = np.where(enough, low, middle + 1)
        return low

    def _scaled_rank_th_smallest(
        self, offsets: NDArray[np.int32], scales: Array, rank: int
    ) -> NDArray[np.int32]:
        """As :meth:`_rank_th_smallest`, each residual times its fold's scale, (N, K), rounded up.

        ``offset + scale * residual <= m`` where ``residual <= floor((m - offset) / scale)``.
        """
        centre = np.partition(self._pooled, rank - 1)[rank - 1]
        low: NDArray[np.int32] = offsets.min(axis=1) + np.floor(centre * scales.min(axis=1)).astype(
            np.int32
        )
        high = offsets.max(axis=1) + np.ceil(centre * scales.max(axis=1)).astype(np.int32)
        while np.any(low < high):
            middle = (low + high) >> 1
            count = np.zeros(len(middle), dtype=np.int32)
            for fold, table in enumerate(self._cumulative):
                most = np.floor((middle - offsets[:, fold]) / scales[:, fold])
                count += table.take(most.astype(np.int64) + _SPAN, mode="clip")
            enough = count >= rank
            high = np.where(enough, middle, high)
            low = np.where(enough, low, middle + 1)
        return low

    @cached_property
    def _pooled(self) -> NDArray[np.int32]:
        """The residuals of all folds, fold by fold."""
        return np.concatenate(self.residual_steps).astype(np.int32)

    @cached_property
    def _fold_of_pooled(self) -> NDArray[np.intp]:
        """The fold of each of them."""
        return np.repeat(np.arange(self.n_folds), [len(steps) for steps in self.residual_steps])

    @cached_property
    def _cumulative(self) -> list[NDArray[np.int32]]:
        """Per fold, how many residuals are at most ``index - _SPAN`` steps."""
        edges = np.arange(-_SPAN, _SPAN + 1)
        return [
            np.searchsorted(steps, edges, side="right").astype(np.int32)
            for steps in self.residual_steps
        ]

    def summary(self) -> dict[str, Any]:
        """What the intervals are, for manifest, card and metadata: JSON without the residuals."""
        return {
            "method": METHOD if self.n_folds > 1 else "split",
            "folds": self.n_folds,
            "residuals": self.n_residuals,
            "residual_quantiles": {
                str(alpha): self.residual_quantile(alpha) for alpha in REPORTED_ALPHAS
            },
            "guaranteed_coverage": {
                str(alpha): round(self.guarantee(alpha), 4) for alpha in REPORTED_ALPHAS
            },
        }

    def to_dict(self) -> dict[str, Any]:
        """The residuals as JSON; :meth:`from_dict` reads them back."""
        return {
            "step": 1 / STEPS_PER_MOS,
            "folds": [
                base64.b64encode(steps.astype("<u2").tobytes()).decode()
                for steps in self.residual_steps
            ],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> CrossConformal:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: The document is malformed.
        """
        if document["step"] != 1 / STEPS_PER_MOS:
            raise ValueError("unknown residual step")
        return cls(
            tuple(
                np.frombuffer(base64.b64decode(text, validate=True), dtype="<u2").astype(np.uint16)
                for text in document["folds"]
            )
        )
