"""The domain of a head: its training rows, and those of each fold, for intervals that grow.

A fold's description is made without the rows that the fold holds out, as its net is. Widths that
follow from it therefore treat a held-out row and a new one alike, which is what the guarantee of
CV+ rests on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.domain.description import BYTES_A_COLUMN, Array, Description

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 64 * 1024
"""Bytes that a domain may take in the metadata of a head; the rows of training take half of it."""

THRESHOLD = 1.0
"""Distance up to which a row is in the domain."""


@dataclass(frozen=True)
class Domain:
    """What a head knows.

    Attributes:
        rows: The rows that the head was made from.
        folds: The same without the rows that each fold holds out.
        others: Rows that the head knows besides: those of the head that it was made from.
    """

    rows: Description
    folds: tuple[Description, ...] = ()
    others: tuple[Description, ...] = ()

    @classmethod
    def of(
        cls,
        features: Array,
        mos: Array,
        fold_of_row: NDArray[np.int64],
        shipped: NDArray[np.int64],
        others: Sequence[Description] = (),
    ) -> Domain:
        """Describe training rows, whole and by fold.

        Args:
            features: (N, F), NaN where a value is missing.
            mos: Labels, (N,).
            fold_of_row: Fold that held a row out, (N,), -1 where none did.
            shipped: Rows that the head itself was fitted to.
            others: Rows that the head knows besides.
        """
        numbers = range(int(fold_of_row.max(initial=-1)) + 1)
        trained = [np.flatnonzero(fold_of_row != number) for number in numbers]
        most = max(8, LIMIT // 2 // BYTES_A_COLUMN // (1 + len(trained)))
        return cls(
            Description.of(features[shipped], mos[shipped], most),
            tuple(Description.of(features[rows], mos[rows], most) for rows in trained),
            tuple(others),
        )

    def distances(
        self, features: NDArray[Any], missing: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Distance of rows from the rows that the head knows, (N,); 1 is their edge.

        Args:
            features: (N, F).
            missing: Where a value is missing, (N, F); nowhere by default.
        """
        return _nearest((self.rows, *self.others), features, missing)

    def scales(
        self, features: NDArray[Any], missing: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Factor of the interval's width of each row under each fold, (N, K), at least 1."""
        known = None
        if self.others:
            known = _nearest(self.others, features, missing)
        found = np.empty((len(features), len(self.folds)), dtype=np.float32)
        for number, fold in enumerate(self.folds):
            own = _nearest((fold,), features, missing)
            found[:, number] = own if known is None else np.minimum(own, known)
        # Four decimals, so that rounding noise of a machine moves no residual.
        return np.asarray(np.maximum(np.round(found, 4), np.float32(1.0)))

    def held_out_scales(self, features: Array, fold_of_row: NDArray[np.int64]) -> Array:
        """Factor of each training row under the fold that held it out, (N,); 1 for others."""
        scales = self.scales(features, np.isnan(features))
        judged = fold_of_row >= 0
        found = np.ones(len(features))
        found[judged] = scales[judged, fold_of_row[judged]]
        return found

    def to_dict(self) -> dict[str, Any]:
        """As JSON of at most 64 kB; :meth:`from_dict` reads it back."""
        return {
            "rows": self.rows.to_dict(),
            "folds": [each.to_dict() for each in self.folds],
            "others": [each.to_dict() for each in self.others],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Domain:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: The document is malformed.
        """
        return cls(
            Description.from_dict(document["rows"]),
            tuple(Description.from_dict(each) for each in document["folds"]),
            tuple(Description.from_dict(each) for each in document["others"]),
        )


def _nearest(
    known: Sequence[Description], features: NDArray[Any], missing: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """Distance from the nearest of some descriptions, (N,)."""
    distances = [each.deviations(features, missing) / np.float32(each.edge) for each in known]
    return distances[0] if len(distances) == 1 else np.min(distances, axis=0)
