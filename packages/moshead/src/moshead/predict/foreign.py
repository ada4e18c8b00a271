"""Foreign rows: how many there are, and which columns make them so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from labeljoin.keys import percent

from moshead.domain.description import EDGE
from moshead.domain.domain import THRESHOLD, Domain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_SHOWN = 3
"""Columns that a sentence names."""


@dataclass
class Foreign:
    """Rows outside the domain of a head, added up over blocks.

    Attributes:
        columns: Names of the head's features.
        domain: The domain.
        rows: Rows in all.
        outside: Rows outside.
        deviation: Sum over the rows outside of what each feature adds to their distance, (F,).
        z_scores: Sum of their absolute z-scores, (F,).
        missing: How many of them lack a value, (F,).
    """

    columns: Sequence[str]
    domain: Domain
    rows: int
    outside: int
    deviation: NDArray[np.float64]
    z_scores: NDArray[np.float64]
    missing: NDArray[np.int64]

    @classmethod
    def none(cls, columns: Sequence[str], domain: Domain) -> Foreign:
        """Start with no rows."""
        zeros = np.zeros(len(columns))
        return cls(columns, domain, 0, 0, zeros, zeros.copy(), zeros.astype(np.int64))

    def add_block(
        self,
        features: NDArray[np.float32],
        missing: NDArray[np.bool_] | None,
        distances: NDArray[np.float32],
    ) -> None:
        """Add the rows of one block, (n, F), with their distances, (n,)."""
        self.rows += len(distances)
        far = np.flatnonzero(distances > THRESHOLD)
        if not len(far):
            return
        self.outside += len(far)
        absent = None if missing is None else missing[far]
        own = self.domain.rows
        z = own.z_scores(features[far], absent).sum(axis=0, dtype=np.float64)
        self.z_scores[own.columns] += z
        self.deviation[own.columns] += z * own.weights
        if absent is not None:
            self.missing += absent.sum(axis=0)

    def add(self, other: Foreign) -> None:
        """Add the rows of other blocks."""
        self.rows += other.rows
        self.outside += other.outside
        self.deviation = self.deviation + other.deviation
        self.z_scores = self.z_scores + other.z_scores
        self.missing = self.missing + other.missing

    def to_dict(self) -> dict[str, Any]:
        """The member ``domain`` of a record of predictions."""
        return {
            "rows_outside": self.outside,
            "share": round(self.outside / self.rows, 6) if self.rows else 0.0,
            "threshold": THRESHOLD,
            "expected_share": round(1 - EDGE, 6),
            "columns": self._columns() if self.outside else [],
        }

    def _columns(self) -> list[dict[str, Any]]:
        """The features that add most to the distance of the rows outside."""
        order = np.argsort(-self.deviation, kind="stable")[:_SHOWN]
        total = float(self.deviation.sum()) or 1.0
        return [
            {
                "name": self.columns[n],
                "share_of_distance": round(float(self.deviation[n]) / total, 4),
                "mean_z_score": round(float(self.z_scores[n]) / self.outside, 2),
                "missing": int(self.missing[n]),
            }
            for n in order
            if self.deviation[n] > 0
        ]


def domain_sentence(domain: Mapping[str, Any], rows: int) -> str:
    """Say how many rows are foreign, and which columns make them so.

    Args:
        domain: The member ``domain`` of a record of predictions.
        rows: Rows in all.
    """
    outside = domain["rows_outside"]
    usual = percent(domain["expected_share"])
    if not outside:
        return f"All {rows:,} rows are like the training rows."
    named = ", ".join(
        f"{each['name']} (missing in {each['missing']:,})"
        if each["missing"] > outside / 2
        else f"{each['name']} (mean z-score {each['mean_z_score']:.1f})"
        for each in domain["columns"]
    )
    return (
        f"{outside:,} of {rows:,} rows ({percent(domain['share'])}) are foreign: unlike the "
        f"training rows, of which {usual} lie as far out. Most of their distance comes from "
        f"{named}."
    )


def interval_sentence(
    intervals: Mapping[str, Any], domain: Mapping[str, Any] | None, rows: int
) -> str:
    """Say what the intervals promise, for which rows, and for how many of these.

    Args:
        intervals: The member ``intervals`` of a record of predictions.
        domain: Its member ``domain``; None where the head cannot tell foreign rows.
        rows: Rows in all.
    """
    opening = (
        f"Intervals: {intervals['method']} at alpha {intervals['alpha']:g}; guaranteed to hold "
        f"{percent(intervals['guaranteed_coverage'])} of clips that are exchangeable with the "
        "training clips"
    )
    if domain is None:
        return f"{opening}. The head cannot tell which of these {rows:,} rows are."
    inside = rows - domain["rows_outside"]
    usual = f"usually about {percent(1 - intervals['alpha'])}"
    if not domain["rows_outside"]:
        return f"{opening}, {usual}; all {rows:,} rows are like them."
    if not inside:
        return (
            f"{opening}; none of these {rows:,} rows is like them, so nothing is promised. Their "
            "intervals are wider with their distance."
        )
    return (
        f"{opening}, {usual}; {inside:,} of {rows:,} rows are like them. Nothing is promised for "
        f"the other {domain['rows_outside']:,}; their intervals are wider with their distance."
    )
