"""A description of training rows: three numbers for each column, and where their edge is.

The deviation of a row is the mean over columns of its absolute z-scores, each counted by how
strongly the column goes with MOS (Spearman's rank correlation on the training rows). A missing
value counts as the largest z-score, unless the column was often missing in training: a row whose
important columns were imputed is not like the training rows. No row is stored.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

LARGEST = 6.0
"""Absolute z-scores above this count as this, so that no column decides alone."""

EDGE = 0.95
"""Share of the training rows that lie within the edge."""

OFTEN_MISSING = 0.02
"""Share of training rows from which a missing value is nothing new."""

_ENOUGH = 20_000
"""Rows from which a description no longer changes; of more, so many are taken evenly."""

BYTES_A_COLUMN = 20
"""Bytes of text that a described column takes at most."""


@dataclass(frozen=True)
class Description:
    """What training rows look like.

    Attributes:
        columns: Indices of the described feature columns, (C,).
        location: Median of each, (C,).
        spread: Standard deviation of each, (C,), positive.
        weights: How much each counts, (C,), summing to 1.
        often_missing: Columns whose missing values are nothing new, (C,).
        edge: Deviation within which :data:`EDGE` of the training rows lie, positive.
    """

    columns: NDArray[np.int64]
    location: NDArray[np.float32]
    spread: NDArray[np.float32]
    weights: NDArray[np.float32]
    often_missing: NDArray[np.bool_]
    edge: float

    @classmethod
    def of(cls, features: Array, mos: Array, most: int = 1000) -> Description:
        """Describe training rows.

        Args:
            features: (N, F), NaN where a value is missing.
            mos: Labels, (N,).
            most: Columns that are described at most: those that go most strongly with MOS.
        """
        if len(features) > _ENOUGH:
            rows = np.linspace(0, len(features) - 1, _ENOUGH).astype(np.int64)
            features, mos = features[rows], mos[rows]
        missing = np.isnan(features)
        strength = _strength(features, missing, mos)
        columns = np.sort(np.argsort(-strength, kind="stable")[:most])
        kept = features[:, columns]
        with np.errstate(all="ignore"):
            known = ~missing[:, columns].all(axis=0)
            location, spread = np.zeros(len(columns)), np.zeros(len(columns))
            location[known] = np.nanmedian(kept[:, known], axis=0)
            spread[known] = np.nanstd(kept[:, known], axis=0)
        # A column that did not vary in training tells a foreign row by leaving its value.
        floor = 1e-6 * np.maximum(np.abs(location), 1e-6)
        weights = strength[columns]
        made = cls(
            columns,
            _coarse(location),
            _coarse(np.maximum(spread, floor)),
            _coarse(weights / weights.sum()),
            missing[:, columns].mean(axis=0) > OFTEN_MISSING,
            1.0,
        )
        edge = float(np.quantile(made.deviations(features, missing), EDGE))
        return replace(made, edge=max(round(edge, 4), 1e-4))

    def deviations(
        self, features: NDArray[Any], missing: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """How far rows deviate from the training rows, (N,), 0 or more.

        Args:
            features: (N, F).
            missing: Where a value is missing, (N, F); nowhere by default.
        """
        result: NDArray[np.float32] = self.z_scores(features, missing) @ self.weights
        return result

    def z_scores(
        self, features: NDArray[Any], missing: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Absolute z-scores of the described columns as they count, (N, C), at most 6."""
        z = np.asarray(features, dtype=np.float32)
        if not self._all_of(z.shape[1]):
            z = z[:, self.columns]
        with np.errstate(over="ignore", invalid="ignore"):
            z = z - self.location
            z *= self._inverse
            np.abs(z, out=z)
            np.minimum(z, np.float32(LARGEST), out=z)
        if missing is not None:
            own = missing if self._all_of(missing.shape[1]) else missing[:, self.columns]
            z = np.where(own, self._missing_z, z)
        return z

    def _all_of(self, width: int) -> bool:
        return len(self.columns) == width

    @cached_property
    def _inverse(self) -> NDArray[np.float32]:
        return np.asarray(1 / self.spread, dtype=np.float32)

    @cached_property
    def _missing_z(self) -> NDArray[np.float32]:
        return np.where(self.often_missing, 0.0, LARGEST).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; :meth:`from_dict` reads it back."""
        return {
            "columns": _text(self.columns.astype("<u2")),
            "location": _text(self.location.astype("<f4")),
            "spread": _text(self.spread.astype("<f4")),
            "weights": _text(self.weights.astype("<f4")),
            "often_missing": [int(n) for n in np.flatnonzero(self.often_missing)],
            "edge": self.edge,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Description:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: The document is malformed.
        """
        columns = _array(document["columns"], "<u2").astype(np.int64)
        location, spread, weights = (
            _array(document[name], "<f4").astype(np.float32)
            for name in ("location", "spread", "weights")
        )
        often = np.zeros(len(columns), dtype=bool)
        often[document["often_missing"]] = True
        edge = float(document["edge"])
        together = len(columns) == len(location) == len(spread) == len(weights)
        if not (together and edge > 0 and (spread > 0).all()):
            raise ValueError("the description of the training rows does not fit together")
        return cls(columns, location, spread, weights, often, edge)


def _coarse(values: Array) -> NDArray[np.float32]:
    """Values of 14 significant bits: the same on every machine, whatever its rounding noise."""
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0**14), exponent - 14), dtype=np.float32)


def _strength(features: Array, missing: NDArray[np.bool_], mos: Array) -> Array:
    """Absolute rank correlation of each column with MOS, (F,), at least .01."""
    filled = features
    if missing.any():
        with np.errstate(all="ignore"):
            known = ~missing.all(axis=0)
            medians = np.zeros(features.shape[1])
            medians[known] = np.nanmedian(features[:, known], axis=0)
        filled = np.where(missing, medians, features)
    ranks = stats.rankdata(filled, axis=0)
    ranks -= ranks.mean(axis=0)
    own = stats.rankdata(mos)
    own -= own.mean()
    size = np.sqrt(np.sum(ranks**2, axis=0) * float(own @ own))
    correlation: Array = np.divide(own @ ranks, size, out=np.zeros(len(size)), where=size > 0)
    # A column that says nothing of MOS here may still say that a row is foreign.
    return np.asarray(np.maximum(np.abs(correlation), 0.01))


def _text(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _array(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
