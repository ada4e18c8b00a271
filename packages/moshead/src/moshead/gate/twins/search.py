"""The search for twins: held-out rows beside their nearest training rows, and their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from moshead.gate.twins.coincidence import Labels
from moshead.gate.twins.neighbours import (
    Neighbours,
    examined_rows,
    fold_of_row,
    nearest_rows,
    standardised,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array

    Indices = NDArray[np.int64]


@dataclass(frozen=True)
class TwinSearch:
    """Held-out rows of a run beside their nearest training rows.

    Attributes:
        z: Standardised features, (N, F).
        labels: Labels of all rows.
        units: Clip or group of each row, (N,).
        neighbours: Nearest training rows of the examined rows.
        weight: Weight of each examined row, (Q,): all rows of one clip count as one.
        seed: What chose the examined rows.
    """

    z: NDArray[np.float32]
    labels: Labels
    units: Indices
    neighbours: Neighbours
    weight: Array
    seed: int


def search_twins(
    features: Array,
    mos: Array,
    held_out: Sequence[Indices],
    units: Indices,
    *,
    standard_error: Array | None = None,
    seed: int = 0,
) -> TwinSearch:
    """Find the nearest training rows of held-out rows, of at most 2,000.

    Args:
        features: Feature values, (N, F); NaN where missing.
        mos: Labels, (N,).
        held_out: Held-out rows of each fold.
        units: Clip or group of each row, (N,): rows that are known to belong together.
        standard_error: Of each label, (N,), NaN where unknown: rows of one clip share it too.
        seed: Chooses which held-out rows are examined.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 78]))
    fold = fold_of_row(held_out, len(mos))
    labels = Labels.from_ratings(mos, standard_error, fold)
    z = standardised(features)
    rows = examined_rows(fold, units, rng)
    neighbours = nearest_rows(z, rows, labels.identity, fold)
    return TwinSearch(z, labels, units, neighbours, labels.weights(rows, units), seed)
